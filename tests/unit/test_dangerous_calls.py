"""What is shipped makes code of no data, runs no shell, and trusts no ``assert``: its syntax trees say so."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: Those that setup.py installs, and what a person runs from the checkout.
PACKAGES = ("pricestream", "coingecko", "producer", "jobs", "dashboard", "explore", "scripts", "faults", "benchmarks")

#: Each runs what it is given, or builds any object that a text names.
CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "asyncio.create_subprocess_shell",
    "pty.spawn",
    "tempfile.mktemp",
    "yaml.load",
    "yaml.load_all",
    "yaml.full_load",
    "yaml.unsafe_load",
    "yaml.unsafe_load_all",
    "pandas.read_pickle",
    "numpy.load",
}
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "jsonpickle", "telnetlib", "xml"}


def names_of(tree: ast.AST) -> dict[str, str]:
    """What each imported name stands for: ``pd`` for ``pandas``, ``load`` for ``yaml.load``."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                first = each.name.partition(".")[0]
                names |= {each.asname: each.name} if each.asname else {first: first}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
    return names


def dotted(node: ast.AST, names: dict[str, str]) -> str:
    """The full name of what is called; empty where it is no plain name."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        return f"{owner}.{node.attr}" if (owner := dotted(node.value, names)) else ""
    return ""


def modules_of(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [each.name for each in node.names]
    return [node.module] if node.module else []


def dangers(source: str) -> Iterator[str]:
    """Name what must not be in a module, each with its line."""
    tree = ast.parse(source)
    names = names_of(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            # Left out under python -O.
            yield f"{node.lineno}: assert"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for module in modules_of(node):
                if module.partition(".")[0] in MODULES:
                    yield f"{node.lineno}: import {module}"
        elif isinstance(node, ast.Call):
            name = dotted(node.func, names).removeprefix("builtins.")
            if name in CALLS:
                yield f"{node.lineno}: {name}"
            for keyword in node.keywords:
                is_off = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
                if (keyword.arg == "shell" and not is_off) or (keyword.arg == "verify" and is_off):
                    yield f"{node.lineno}: {keyword.arg}="


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_shipped_is_dangerous(package: str) -> None:
    modules = sorted((ROOT / package).rglob("*.py"))
    assert modules
    found = [f"{path.relative_to(ROOT)}:{what}" for path in modules for what in dangers(path.read_text("utf-8"))]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "eval(text)",
        "import builtins\nbuiltins.exec(text)",
        "import os\nos.system(text)",
        "from os import popen as p\np(text)",
        "import yaml\nyaml.load(text, Loader=yaml.Loader)",
        "from yaml import unsafe_load\nunsafe_load(text)",
        "import pandas as pd\npd.read_pickle(text)",
        "def f():\n    import pickle",
        "from cloudpickle import loads",
        "import xml.etree.ElementTree as tree",
        "import subprocess\nsubprocess.run(text, shell=True)",
        "import subprocess as s\ns.Popen(text, shell=chosen)",
        "import tempfile\ntempfile.mktemp()",
        "import requests\nrequests.get(url, verify=False)",
        "assert body['price'] > 0",
    ],
)
def test_what_is_dangerous_is_found(source: str) -> None:
    assert len(list(dangers(source))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "import yaml\nyaml.safe_load(text)",
        "import re\nre.compile(text)",
        "import subprocess\nsubprocess.run(['ls'], shell=False)",
    ],
)
def test_what_is_harmless_is_not(source: str) -> None:
    assert list(dangers(source)) == []

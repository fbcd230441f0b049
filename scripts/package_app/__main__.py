"""``python -m scripts.package_app``."""

from scripts.package_app.cli import app

if __name__ == "__main__":
    app(prog_name="scripts/package")

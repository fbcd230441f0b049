"""Outputs stay out of git: a filter takes them from a notebook as it is added, and leaves the file as it is.

git runs ``python -m scripts.notebook_app.git_filter``, since ``.gitattributes`` names the filter; a checkout knows it
from the first ``./scripts/notebook`` on.
"""

import json
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

NAME: Final = "notebook-outputs"
_COMMAND: Final = ".venv/bin/python -m scripts.notebook_app.git_filter"


def strip(notebook: dict[str, Any]) -> dict[str, Any]:
    """Take what a run has left out of a notebook: outputs, execution counts, and the state of the front end."""
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook["metadata"] = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return notebook


def to_text(notebook: dict[str, Any]) -> str:
    """Write a notebook as Jupyter does."""
    return json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def strip_on_add(root: Path) -> None:
    """Make the filter known to the checkout's git; where there is none, nothing is to be done."""
    git = shutil.which("git")
    if git and (root / ".git").exists():
        command = [git, "-C", str(root), "config", "--local", f"filter.{NAME}.clean", _COMMAND]
        subprocess.run(command, check=False, capture_output=True)  # noqa: S603 git, as found on PATH


def main() -> None:
    """Filter standard input to standard output; what is no notebook goes through as it is."""
    text = sys.stdin.read()
    with suppress(ValueError, KeyError, TypeError):
        text = to_text(strip(json.loads(text)))
    sys.stdout.write(text)


if __name__ == "__main__":
    main()

"""What a virtual environment already holds, remembered inside it."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scripts.local_env.errors import UntouchedError


class State:
    """The finished steps, each with the key of what it was made from, and the step under way.

    The file lies inside the virtual environment, so that deleting the one forgets the other.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            content: Any = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            content = None
        if not isinstance(content, dict):
            content = {}
        self._done: dict[str, str] = content.get("done", {})
        #: The step that was begun and never finished; the environment may be half made.
        self.interrupted: str | None = content.get("under_way")

    def is_done(self, step: str, key: str) -> bool:
        """Tell whether the step was finished from exactly what ``key`` stands for."""
        return self._done.get(step) == key

    @contextmanager
    def doing(self, step: str, key: str) -> Iterator[None]:
        """Remember that the step is under way, and that it is done once the block ends well."""
        self._write(under_way=step)
        try:
            yield
        except UntouchedError:
            self._write(under_way=None)
            raise
        self._done[step] = key
        self._write(under_way=None)

    def reset(self) -> None:
        """Forget everything: the environment is made anew."""
        self._done = {}
        self.interrupted = None

    def _write(self, under_way: str | None) -> None:
        self.interrupted = under_way
        self._path.parent.mkdir(parents=True, exist_ok=True)
        scratch = self._path.with_suffix(".new")
        scratch.write_text(json.dumps({"done": self._done, "under_way": under_way}), encoding="utf-8")
        scratch.replace(self._path)


def digest(*paths: Path) -> str:
    """Hash the content of files: the key of a step that depends on nothing else."""
    hasher = hashlib.sha256()
    for path in paths:
        hasher.update(hashlib.sha256(path.read_bytes()).digest())
    return hasher.hexdigest()

"""Power cut: what a disk has lost when the power comes back, which is all that nobody had made sure of."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from faults.asked_io import Call


@dataclass
class Unsure:
    """What was done to a disk and not made sure of since, so that a power cut may take it."""

    #: Files whose bytes were written.
    written: set[Path] = field(default_factory=set)
    #: Names that were given, by their folder, in their order: each with what it stood for before.
    named: dict[Path, list[tuple[Path, bytes | None]]] = field(default_factory=dict)

    def note(self, call: Call) -> None:
        """Take in a call, before it is made."""
        path = Path(call.path)
        if call.name == "write":
            self.written.add(path)
        elif call.name == "fsync":
            self.written.discard(path)
            self.named.pop(path, None)
        elif call.name == "mkdir" and path.parent.is_dir() and not path.exists():
            self._name(path, None)
        elif call.name == "replace":
            target = Path(call.target)
            self._name(target, target.read_bytes() if target.exists() else None)
            if path in self.written:
                self.written.remove(path)
                self.written.add(target)

    def cut(self) -> None:
        """Take it: half of the bytes of what was written, and every name; the last of them first."""
        for path in self.written:
            if path.exists():
                data = path.read_bytes()
                path.write_bytes(data[: len(data) // 2])
        for path, old in reversed([each for names in self.named.values() for each in names]):
            if old is not None:
                path.write_bytes(old)
            elif path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def _name(self, path: Path, old: bytes | None) -> None:
        self.named.setdefault(path.parent, []).append((path, old))

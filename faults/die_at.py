"""Dies at a call: runs a Python module as a program and kills it at the nth call that others could see.

``python -m faults.die_at --call 40 --moment torn --below FOLDER producer --config conf/local.yaml``

Counted is what changes something outside the process, below one folder or over a socket: names made, replaced and
removed, bytes written, synced and sent. Between two of these a kill leaves the same behind wherever it comes, so that
every number stands for a different one, and the same number, with the same input, for the same.
"""

import argparse
import atexit
import builtins
import io
import json
import os
import runpy
import signal
import socket
import sys
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from functools import partial, wraps
from pathlib import Path
from threading import RLock
from typing import Any, Final, Self, TypeVar

T = TypeVar("T")

_ON_NAMES: Final = ("mkdir", "remove", "rename", "replace", "rmdir", "truncate", "unlink")
_ON_DESCRIPTORS: Final = ("fdatasync", "fsync", "ftruncate")
_WRITES: Final = ("write", "pwrite")
_MAKES: Final = os.O_CREAT | os.O_TRUNC


class Moment(StrEnum):
    """When the end comes."""

    BEFORE = "before"
    AFTER = "after"
    #: In the midst of a write or a send, a part of whose bytes is out; before any other call.
    TORN = "torn"


class DeathTrap:
    """Counts the calls of this process, and ends it at one of them; set it with ``with``."""

    def __init__(
        self,
        below: Path,
        *,
        call: int | None,
        moment: Moment = Moment.BEFORE,
        kept: float = 0.5,
        die: Callable[[str], Any],
    ) -> None:
        """Watch what happens below a folder and over sockets.

        Args:
            below: the folder.
            call: which call to end at, from 1 on; None ends at none.
            moment: before, after or amid that call.
            kept: the share of the bytes that get out of a torn write, from 0 up to 1.
            die: ends the process; it is given what kind of call it was. Where it raises instead, as in tests,
                every later call raises too, as if nothing after it had happened.
        """
        self.calls: Counter[str] = Counter()
        self._below = below.absolute()
        self._call = call
        self._moment = moment
        self._kept = kept
        self._die = die
        self._is_dead = False
        self._descriptors: set[int] = set()
        self._lock = RLock()
        self._undo: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        for name in _ON_NAMES:
            self._wrap(os, name, self._on_name)
        for name in _ON_DESCRIPTORS:
            self._wrap(os, name, self._on_descriptor)
        for name in _WRITES:
            self._wrap(os, name, self._on_write)
        self._wrap(os, "open", self._on_open)
        self._wrap(os, "close", self._on_close)
        self._wrap(io, "open", self._on_file)
        self._replace(builtins, "open", io.open)
        self._wrap(socket.socket, "connect", self._on_connect)
        self._wrap(socket.socket, "sendall", self._on_send)
        return self

    def __exit__(self, *_: object) -> None:
        while self._undo:
            self._undo.pop()()

    def perform(self, kind: str, act: Callable[[], T], part: Callable[[], object] | None = None) -> T:
        """Count a call and carry it out, or end with it; ``part`` does a part of it."""
        with self._lock:
            self.calls[kind] += 1
            struck = self.calls.total() == self._call
            if self._is_dead:
                self._die(kind)
            if not struck:
                return act()
            self._is_dead = True
            try:
                if self._moment is Moment.AFTER:
                    return act()
                if self._moment is Moment.TORN and part is not None:
                    part()
            finally:
                self._die(kind)
        raise AssertionError("it lives on")

    def is_below(self, path: object) -> bool:
        """Tell whether a path, or the file of a descriptor, is one that is watched."""
        if isinstance(path, int):
            return path in self._descriptors
        return isinstance(path, str | os.PathLike) and Path(path).absolute().is_relative_to(self._below)

    def part_of(self, data: Any) -> bytes:
        """Give those bytes that get out of a torn write."""
        whole = bytes(data)
        return whole[: int(len(whole) * self._kept)]

    def adopt(self, descriptor: int) -> None:
        """Watch a descriptor that was opened below the folder."""
        self._descriptors.add(descriptor)

    def _replace(self, owner: Any, name: str, value: object) -> None:
        self._undo.append(partial(setattr, owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    def _wrap(self, owner: Any, name: str, through: Callable[..., object]) -> None:
        real = getattr(owner, name, None)
        if real is None:
            return

        @wraps(real)
        def wrapped(*args: Any, **options: Any) -> object:
            return through(name, real, *args, **options)

        self._replace(owner, name, wrapped)

    def _on_name(self, name: str, real: Callable[..., T], path: object, *args: Any, **options: Any) -> T:
        act = partial(real, path, *args, **options)
        return self.perform(name, act) if self.is_below(path) else act()

    def _on_descriptor(self, name: str, real: Callable[..., T], descriptor: Any, *args: Any) -> T:
        number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
        act = partial(real, descriptor, *args)
        return self.perform(name, act) if self.is_below(number) else act()

    def _on_write(self, name: str, real: Callable[..., T], descriptor: int, data: Any, *args: Any) -> T:
        act = partial(real, descriptor, data, *args)
        if not self.is_below(descriptor):
            return act()
        return self.perform(name, act, partial(real, descriptor, self.part_of(data), *args))

    def _on_open(self, _: str, real: Callable[..., int], path: object, flags: int, *args: Any, **options: Any) -> int:
        act = partial(real, path, flags, *args, **options)
        if not self.is_below(path):
            return act()
        # To open a file for reading changes nothing.
        descriptor = self.perform("open", act) if flags & _MAKES else act()
        self.adopt(descriptor)
        return descriptor

    def _on_close(self, _: str, real: Callable[[int], None], descriptor: int) -> None:
        self._descriptors.discard(descriptor)
        real(descriptor)

    def _on_file(self, _: str, real: Callable[..., Any], file: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
        if not set(mode) & set("wax+") or isinstance(file, int) or not self.is_below(file):
            return real(file, mode, *args, **options)
        raw = _WatchedFile(self, file, mode.replace("b", "").replace("t", ""))
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, options.get("encoding"))

    def _on_connect(self, name: str, real: Callable[..., T], *args: Any) -> T:
        return self.perform(name, partial(real, *args))

    def _on_send(self, _: str, real: Callable[..., T], own: Any, data: Any, *args: Any) -> T:
        return self.perform("send", partial(real, own, data, *args), partial(real, own, self.part_of(data), *args))


class _WatchedFile(io.FileIO):
    """A file of Python's own, whose writes do not go through ``os``."""

    def __init__(self, trap: DeathTrap, file: Any, mode: str) -> None:
        self._trap = trap
        make = partial(super().__init__, file, mode)
        # To open what is there for writing into it changes nothing yet.
        if mode.startswith("r"):
            make()
        else:
            trap.perform("open", make)
        trap.adopt(self.fileno())

    def write(self, data: Any, /) -> int:
        real = super().write
        return self._trap.perform("write", partial(real, data), partial(real, self._trap.part_of(data)))

    def truncate(self, size: int | None = None, /) -> int:
        return self._trap.perform("ftruncate", partial(super().truncate, size))


def main() -> None:
    """Run a module as a program, until its end or until the call that is named."""
    parser = argparse.ArgumentParser(prog="python -m faults.die_at", description=__doc__)
    parser.add_argument("--call", type=int, help="at which call; without it the calls are only counted")
    parser.add_argument("--moment", type=Moment, default=Moment.BEFORE, choices=list(Moment))
    parser.add_argument("--kept", type=float, default=0.5, help="the share of a torn write's bytes that get out")
    parser.add_argument("--below", type=Path, required=True, help="the folder below which calls count")
    parser.add_argument("--tally", type=Path, help="a file for the count of calls, and for the kind that it died at")
    parser.add_argument("module")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args()

    def tell(struck: str | None) -> None:
        if options.tally:
            content = json.dumps({"struck": struck, "calls": trap.calls.total(), "kinds": trap.calls})
            descriptor = os.open(options.tally, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            os.write(descriptor, content.encode())

    def die(kind: str) -> None:
        trap.__exit__()
        tell(kind)
        os.kill(os.getpid(), signal.SIGKILL)

    trap = DeathTrap(options.below, call=options.call, moment=options.moment, kept=options.kept, die=die)
    sys.argv = [options.module, *options.arguments]
    with trap:
        atexit.register(tell, None)
        runpy.run_module(options.module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

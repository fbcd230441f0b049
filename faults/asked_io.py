"""Asked I/O: a process whose every call to a disk, or to S3, waits to be told what becomes of it.

On a disk the calls are those of the system that the project's small files are written with; on S3 they are requests.
"""

import fcntl
import io
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn
from unittest.mock import patch

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session

#: What may become of a call: it is made; half of what it writes is written, and the process is gone; it is made, and
#: its answer is lost.
GO: Final = "go"
HALF: Final = "half"
LOSE: Final = "lose"


@dataclass(frozen=True)
class Call:
    """A call that is about to be made."""

    #: As the system, or HTTP, names it.
    name: str
    path: str
    #: Where a file is moved to.
    target: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.path}"


Ask = Callable[[Call], str]


def die() -> NoReturn:
    """End this process as kill -9 does."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("SIGKILL was survived")


@contextmanager
def asked_disk(ask: Ask, place: Path) -> Iterator[None]:
    """Ask before each call that has to do with files below ``place``."""
    disk = _Disk(ask, f"{place}{os.sep}")
    with ExitStack() as patches:
        for owner, names in ((os, ("open", "fsync", "close", "replace", "mkdir", "unlink")), (fcntl, ("flock",))):
            for name in names:
                patches.enter_context(patch.object(owner, name, getattr(disk, name)))
        patches.enter_context(patch.object(io, "open", disk.open_file))
        yield


@dataclass
class _Disk:
    ask: Ask
    place: str
    #: What each descriptor is open on; of files outside of the place nothing is known.
    paths: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._os: dict[str, Callable[..., Any]] = {
            name: getattr(os, name) for name in ("open", "fsync", "close", "replace", "mkdir", "unlink")
        }
        self._open, self._flock = io.open, fcntl.flock

    def _before(self, name: str, path: Any, target: Any = "") -> str:
        if not os.fspath(path).startswith(self.place):
            return GO
        return self.ask(Call(name, os.fspath(path), os.fspath(target)))

    def open(self, path: Any, *args: Any, **kwargs: Any) -> int:
        self._before("open", path)
        descriptor: int = self._os["open"](path, *args, **kwargs)
        self.paths[descriptor] = os.fspath(path)
        return descriptor

    def open_file(self, path: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        is_path = isinstance(path, str | os.PathLike)
        if not is_path or not os.fspath(path).startswith(self.place):
            return self._open(path, mode, *args, **kwargs)
        self._before("open to write" if "w" in mode else "open", path)
        if mode != "wb":
            file = self._open(path, mode, *args, **kwargs)
            self.paths[file.fileno()] = os.fspath(path)
            return file
        raw = self._open(path, "wb", buffering=0)
        self.paths[raw.fileno()] = os.fspath(path)
        return _Buffered(self, os.fspath(path), raw)

    def fsync(self, descriptor: int) -> None:
        self._before("fsync", self.paths.get(descriptor, ""))
        self._os["fsync"](descriptor)

    def close(self, descriptor: int) -> None:
        self.paths.pop(descriptor, None)
        self._os["close"](descriptor)

    def replace(self, path: Any, target: Any) -> None:
        self._before("replace", path, target)
        self._os["replace"](path, target)

    def mkdir(self, path: Any, *args: Any, **kwargs: Any) -> None:
        self._before("mkdir", path)
        self._os["mkdir"](path, *args, **kwargs)

    def unlink(self, path: Any, *args: Any, **kwargs: Any) -> None:
        self._before("unlink", path)
        self._os["unlink"](path, *args, **kwargs)

    def flock(self, file: Any, operation: int) -> None:
        self._before("flock", self.paths.get(file if isinstance(file, int) else file.fileno(), ""))
        self._flock(file, operation)


@dataclass
class _Buffered:
    """A file that is written to; as with Python's own, nothing reaches the system before a flush."""

    disk: _Disk
    path: str
    raw: io.FileIO
    data: bytes = b""

    def write(self, data: bytes) -> int:
        self.data += data
        return len(data)

    def flush(self) -> None:
        if not self.data:
            return
        reply = self.disk.ask(Call("write", self.path))
        self.raw.write(self.data[: len(self.data) // 2] if reply == HALF else self.data)
        if reply == HALF:
            die()
        self.data = b""

    def fileno(self) -> int:
        return self.raw.fileno()

    def __enter__(self) -> "_Buffered":
        return self

    def __exit__(self, *_: object) -> None:
        self.flush()
        self.raw.close()


@contextmanager
def asked_s3(ask: Ask) -> Iterator[None]:
    """Ask before each request that is sent; wait for nothing between the tries."""
    real = URLLib3Session.send

    def send(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        reply = ask(Call(request.method, request.url))
        response = real(session, request)
        if reply == LOSE:
            raise ConnectionClosedError(endpoint_url=request.url)
        return response

    with patch.object(URLLib3Session, "send", send), patch.object(time, "sleep", lambda _: None):
        yield

"""kinesis-local: a stand-in for Kinesis that splits and merges shards as Kinesis does, and tells which are closed."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from scripts.local_env.checkout import Checkout

_CHECKOUT: Final = Checkout(Path(__file__).resolve().parents[1])
_PATIENCE_SECONDS: Final = 60.0
_LISTENS: Final = re.compile(r"^listening on (\d+)$", re.MULTILINE)
#: What its two servers are told to listen on, to be told apart below.
_PLAIN, _TLS = "1", "2"
#: It would listen to the whole network. This keeps it to loopback, lets it take free ports, and says which one the
#: server without TLS has got; the other is of no use.
_ON_LOOPBACK: Final = f"""
import {{ Server }} from "node:net";
const listen = Server.prototype.listen;
Server.prototype.listen = function (port, ...rest) {{
  if (port === {_PLAIN}) {{
    this.once("listening", () => console.log(`\nlistening on ${{this.address().port}}`));
  }}
  return listen.call(this, 0, "127.0.0.1", ...rest.filter((each) => typeof each === "function"));
}};
"""
_ENVIRON: Final = {
    "KINESIS_MOCK_PLAIN_PORT": _PLAIN,
    "KINESIS_MOCK_TLS_PORT": _TLS,
    # As on AWS, what is asked for takes its time, and until then shows in the stream's status; not as much time.
    "CREATE_STREAM_DURATION": "100ms",
    "SPLIT_SHARD_DURATION": "200ms",
    "MERGE_SHARDS_DURATION": "200ms",
    "SHARD_LIMIT": "500",
    "LOG_LEVEL": "ERROR",
}


class KinesisLocalError(Exception):
    """It cannot be run; the text says why."""


@contextmanager
def run_kinesis_local(place: Path) -> Iterator[str]:
    """Start it on a free port of loopback, give its address, and stop it; its log goes below ``place``.

    Raises:
        KinesisLocalError: it is not there, or does not begin to listen.
    """
    # It looks for the certificate of its other server in the folder that it is run from.
    folder = _CHECKOUT.npm / "node_modules" / "kinesis-local"
    if not folder.is_dir():
        raise KinesisLocalError(f"{folder} is not there; run ./scripts/setup --test")
    command: list[str | Path] = [_CHECKOUT.node, "--import", f"data:text/javascript,{quote(_ON_LOOPBACK)}", "main.js"]
    log = place / "kinesis-local.log"
    with log.open("ab") as out:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command,
            cwd=folder,
            env={"PATH": os.environ["PATH"], **_ENVIRON},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        yield f"http://127.0.0.1:{_port(process, log)}"
    finally:
        # Asked to end it takes ten seconds, and it keeps nothing.
        process.kill()
        process.wait()


def _port(process: "subprocess.Popen[bytes]", log: Path) -> int:
    until = time.monotonic() + _PATIENCE_SECONDS
    while not (found := _LISTENS.search(log.read_text(encoding="utf-8"))):
        if process.poll() is not None or time.monotonic() > until:
            raise KinesisLocalError(f"kinesis-local does not begin to listen; see {log}")
        time.sleep(0.05)
    return int(found[1])

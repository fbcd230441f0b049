"""The stand-in for Kinesis, in a process of its own."""

import http.client
import sys
import time
from pathlib import Path
from typing import Final

import boto3
from botocore.config import Config

from pricestream.settings import StreamSettings
from scripts.demo_app.child import Child, Children
from scripts.demo_app.environment import STAND_IN_KEY
from scripts.demo_app.errors import DemoError
from scripts.demo_app.port import free_port

_HOST: Final = "127.0.0.1"
_PATIENCE_SECONDS: Final = 60.0


class StandIn:
    """The running stand-in."""

    def __init__(self, children: Children, log: Path) -> None:
        """Start the server on a free port."""
        self._port = free_port()
        command = [sys.executable, "-m", "scripts.stand_in", "--port", str(self._port)]
        self.child: Child = children.start("stand-in", command, log)

    @property
    def endpoint_url(self) -> str:
        """Where it listens."""
        return f"http://{_HOST}:{self._port}"

    def wait_until_ready(self) -> None:
        """Wait until it answers.

        Raises:
            ChildDiedError: it ended instead.
            DemoError: it does not answer in a minute.
        """
        until = time.monotonic() + _PATIENCE_SECONDS
        while not answers(self._port):
            self.child.check()
            if time.monotonic() > until:
                raise DemoError(f"the stand-in does not answer on {self.endpoint_url}; see {self.child.log}")
            time.sleep(0.1)

    def create_stream(self, stream: StreamSettings) -> None:
        """Make the stream, so that the producer and the job can start in any order."""
        client = boto3.client(
            "kinesis",
            region_name=stream.region,
            endpoint_url=self.endpoint_url,
            aws_access_key_id=STAND_IN_KEY,
            aws_secret_access_key=STAND_IN_KEY,
            config=Config(proxies={}),
        )
        client.create_stream(StreamName=stream.name, ShardCount=stream.shards)
        client.get_waiter("stream_exists").wait(StreamName=stream.name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})


def answers(port: int) -> bool:
    """Tell whether an HTTP server answers on this port of loopback."""
    connection = http.client.HTTPConnection(_HOST, port, timeout=5)
    try:
        connection.request("GET", "/moto-api/")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True

"""Local stream: a stand-in for Kinesis on this machine, one for all notebooks that share a folder."""

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from explore.place import ROOT, Place
from jobs.source import find_stream
from pricestream.atomic import replace_file
from pricestream.errors import StorageError
from pricestream.json_text import parse_json
from pricestream.settings import StreamSettings

if TYPE_CHECKING:
    from scripts.demo_app.place import Place as Folders

#: Where whoever started the stand-in tells the other notebooks its address.
ADDRESS: Final = "stand-in.json"

#: Holds the folder of a stand-in that this kernel started, until the kernel ends.
_held: Final = ExitStack()


def join_stream(place: Place) -> Place:
    """See that there is a stream, and give the place with its address.

    On a laptop it is a stand-in in memory: that of ``./scripts/notebook``, that of another notebook, or one that this
    kernel starts now and that ends with it. What a stand-in that is gone has left in the folder is moved aside, since
    its tables and checkpoint belong to its stream.

    Raises:
        StreamError: there is no stream.
        StorageError: the folder cannot be used.
    """
    if place.lake is None:
        find_stream(place.settings.stream)
        return place
    use_own_environment()
    url = running_stand_in(place.lake) or _start(place.lake)
    stream = place.settings.stream.model_copy(update={"endpoint_url": url})
    create_stream(stream)
    return replace(place, settings=place.settings.model_copy(update={"stream": stream}))


def running_stand_in(lake: Path) -> str | None:
    """Give the address of the stand-in that a folder belongs to; None where none answers."""
    from scripts.demo_app.stand_in import answers

    try:
        url = str(parse_json((lake / ADDRESS).read_bytes())["url"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    port = urlsplit(url).port
    return url if port is not None and answers(port) else None


def write_address(lake: Path, url: str) -> None:
    """Tell other notebooks where the stand-in of a folder is."""
    replace_file(lake / ADDRESS, json.dumps({"url": url}).encode(), durable=False)


def create_stream(stream: StreamSettings) -> None:
    """Make a stream in a stand-in, if it is not there."""
    from scripts.demo_app.environment import STAND_IN_KEY

    client = boto3.client(
        "kinesis",
        region_name=stream.region,
        endpoint_url=stream.endpoint_url,
        aws_access_key_id=STAND_IN_KEY,
        aws_secret_access_key=STAND_IN_KEY,
        config=Config(proxies={}),
    )
    try:
        client.create_stream(StreamName=stream.name, ShardCount=stream.shards)
    except client.exceptions.ResourceInUseException:
        return
    client.get_waiter("stream_exists").wait(StreamName=stream.name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})


@contextmanager
def hold_lake(lake: Path, *, keep: bool) -> Iterator["Folders"]:
    """Make an empty folder for a new stream's lake, and keep others from it meanwhile.

    Args:
        lake: the folder.
        keep: move what notebooks have left in it aside; else it goes.

    Raises:
        StorageError: the folder is in use, or what is in it was not made by notebooks.
    """
    from scripts.demo_app.errors import DemoError
    from scripts.demo_app.place import prepare

    if (lake / "ticks").exists() and not (lake / ADDRESS).exists():
        raise StorageError(
            f"{lake}: was not made by notebooks, and the stream that it belongs to is gone; it can be looked at, but "
            "for a new stream leave out --lake"
        )
    with ExitStack() as held:
        try:
            folders = held.enter_context(prepare(lake, keep=keep))
        except DemoError:
            raise StorageError(
                f"{lake}: cannot be taken for a new stream; another ./scripts/notebook, or a notebook with its own "
                "stand-in, is at work in it, or the folder was not made by one: stop that, or remove the folder"
            ) from None
        yield folders


def use_own_environment() -> None:
    """Set this kernel up as a process of the demo: the project's own Spark, and no way to an AWS account."""
    from scripts.demo_app.environment import child_environment
    from scripts.local_env.checkout import Checkout

    environ = child_environment(os.environ, Checkout(ROOT).spark_home, Path(sys.executable))
    for name in os.environ.keys() - environ.keys():
        del os.environ[name]
    os.environ.update(environ)


def _start(lake: Path) -> str:
    """Serve a stand-in from a thread of this kernel, so that it ends with the kernel, however that ends."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    from scripts.stand_in import HOST, one_at_a_time

    _held.enter_context(hold_lake(lake, keep=True))
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    moto = one_at_a_time(DomainDispatcherApplication(create_backend_app))
    server = make_server(HOST, 0, moto, threaded=True, request_handler=MotoRequestHandler)
    # moto writes it into addresses that it gives out.
    os.environ["MOTO_PORT"] = str(server.server_port)
    Thread(target=server.serve_forever, name="stand-in", daemon=True).start()
    url = f"http://{HOST}:{server.server_port}"
    write_address(lake, url)
    return url

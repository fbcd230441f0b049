"""A stand-in for Kinesis and S3 on loopback: moto's server, one request at a time.

Run it with ``python -m scripts.stand_in --port 5555``. moto by itself answers in several threads that
share its records without a lock: a GetRecords beside a PutRecords then fails with a 500, and two
PutRecords at once can lose records.
"""

import logging
import os
from collections.abc import Callable, Iterable
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Final

import typer
from moto.kinesis.models import Shard
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HOST: Final = "127.0.0.1"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def one_at_a_time(inner: "WSGIApplication") -> "WSGIApplication":
    """Wrap a WSGI application so that no two requests are ever inside it together.

    The connections stay parallel, so that a client which keeps one open holds up nobody.
    """
    lock = Lock()

    def outer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        with lock:
            answer = inner(environ, start_response)
            try:
                # All of it, since the answer may be computed while it is read.
                return list(answer)
            finally:
                close: Callable[[], None] | None = getattr(answer, "close", None)
                if close is not None:
                    close()

    return outer


def newest_number(shard: Shard) -> int:
    """Give the number of the newest record of a shard; 0 where it has none.

    moto by itself lists all of them for each record that is put: with 150,000 on a shard that takes 3 ms a record.
    """
    return next(reversed(shard.records), 0)


@app.command()
def serve(port: Annotated[int, typer.Option(help="The port on loopback.")] = 5555) -> None:
    """Serve stand-ins for AWS services until stopped; what they hold is in memory only."""
    # moto writes it into addresses that it gives out.
    os.environ["MOTO_PORT"] = str(port)
    # A line for every request would be all that the log says.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    Shard.get_max_sequence_number = newest_number  # type: ignore[method-assign, assignment]
    moto = DomainDispatcherApplication(create_backend_app)
    run_simple(HOST, port, one_at_a_time(moto), threaded=True, request_handler=MotoRequestHandler)


if __name__ == "__main__":
    app(prog_name="python -m scripts.stand_in")

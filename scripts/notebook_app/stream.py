"""The stand-in for Kinesis that all notebooks share while JupyterLab runs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from explore.local_stream import create_stream, write_address
from explore.place import own_place
from scripts.demo_app.child import Children
from scripts.demo_app.place import Place
from scripts.demo_app.stand_in import StandIn
from scripts.local_env.checkout import Checkout


@contextmanager
def stand_in_of(folder: Place, environ: Mapping[str, str], checkout: Checkout) -> Iterator[str]:
    """Run a stand-in with its stream, and tell the notebooks its address by a file in the folder.

    Raises:
        DemoError: it does not start.
    """
    with Children(environ, checkout.root) as children:
        stand_in = StandIn(children, folder.log("stand-in"))
        stand_in.wait_until_ready()
        create_stream(own_place(folder.root, endpoint_url=stand_in.endpoint_url).settings.stream)
        write_address(folder.root, stand_in.endpoint_url)
        yield stand_in.endpoint_url

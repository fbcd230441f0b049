"""Port: one of loopback that nothing listens on, for a server that must be told its port."""

import random
import socket
from typing import Final

_HOST: Final = "127.0.0.1"
#: Below those that Linux, macOS and Windows give to outgoing connections. Of those one that is free now may be anyone's
#: a moment later, and on a busy machine is.
_PORTS: Final = range(20_000, 32_000)


def free_port(count: int = 1) -> int:
    """Find a port that nothing listens on, with as many free ones from it on as are asked for.

    Raises:
        OSError: there is none.
    """
    for port in random.sample(_PORTS, len(_PORTS)):
        if all(_is_free(port + number) for number in range(count)):
            return port
    raise OSError("no port of loopback is free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
    return True

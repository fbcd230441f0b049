"""Secrets are no settings: a file is copied and committed, and every user of a machine sees a command line."""

import re
from collections.abc import Iterator
from typing import Final

#: What Spark by itself takes for the name of a secret, and how others spell one.
_NAME: Final = re.compile(r"secret|password|passphrase|token|access[._]?key|api[._]?key", re.IGNORECASE)
#: A property of the JVM, as it stands among its options.
_PROPERTY: Final = re.compile(r"-D([^\s=]+)=")
#: A user or a key before the host. A key may have a slash in it, and a port may be followed by a path with an @.
_USER: Final = re.compile(r"://[^/?#]*(?::(?!\d+(?:/|$)).*)?@")


def is_secret_name(key: str, value: str = "") -> bool:
    """Tell whether a setting of Spark, or a property of the JVM in its value, has the name of a secret."""
    return any(_NAME.search(name) for name in (key, *_PROPERTY.findall(value)))


def has_user(address: str) -> bool:
    """Tell whether an address or a path has a user, or a key, in front of its host."""
    return _USER.search(address) is not None


def texts_of(tree: object, where: str = "") -> Iterator[tuple[str, str]]:
    """Give every text of a tree of settings, with the dotted name of its place."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from texts_of(value, f"{where}.{key}" if where else str(key))
    elif isinstance(tree, list):
        for value in tree:
            yield from texts_of(value, where)
    elif isinstance(tree, str):
        yield where, tree

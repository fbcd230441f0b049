"""Made once: expressions that are the same for every frame.

To put one together takes a thousand calls into the JVM, and a second; they hold names only, so that every
micro-batch can use the same.
"""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar, cast

from pyspark import SparkContext

P = ParamSpec("P")
T = TypeVar("T")


def made_once(make: Callable[P, T]) -> Callable[P, T]:
    """Keep what a function makes, for each set of arguments, as long as the JVM is the same.

    Args:
        make: gives columns that depend on its arguments alone, which can be hashed.
    """

    @cache
    def make_in(_jvm: object, *arguments: Any) -> T:
        return cast(Callable[..., T], make)(*arguments)

    @wraps(make)
    def give(*arguments: P.args, **_: P.kwargs) -> T:
        return make_in(SparkContext._gateway, *arguments)  # noqa: SLF001

    return give

"""Site: the platform that a command works on, and what it works with."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import boto3
from rich.console import Console

from scripts.platform.stack import Platform, find_platform
from scripts.submit_app.bucket import Bucket
from scripts.submit_app.cluster import Cluster
from scripts.submit_app.runs import Runner
from scripts.submit_app.serverless import Serverless


@dataclass(frozen=True)
class Site:
    """One platform."""

    platform: Platform
    session: boto3.Session
    console: Console
    runner: Runner
    bucket: Bucket
    #: Where the artefacts of ``./scripts/package`` are.
    dist: Path
    sleep: Callable[[float], None] = field(default=time.sleep)
    #: Seconds, never going back.
    clock: Callable[[], float] = field(default=time.monotonic)

    def say(self, text: str) -> None:
        """Print a line."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


def open_site(session: boto3.Session, stack: str, console: Console, dist: Path) -> Site:
    """Find a platform.

    Raises:
        PlatformError: it is not there or not whole, or AWS refuses.
    """
    platform = find_platform(session, stack)
    runner: Runner = (Cluster if platform.compute == "cluster" else Serverless)(session, platform)
    return Site(platform, session, console, runner, Bucket(session, platform.region), dist)

"""Logs: what the driver of a job has said, from the log group or from the bucket."""

import gzip
import re
import zlib
from typing import Any, Final

from pricestream.cli import harmless
from scripts.platform.errors import PlatformError, aws_errors
from scripts.submit_app.runs import Run
from scripts.submit_app.site import Site
from scripts.submit_app.work import Kind

_APPLICATION: Final = re.compile(r"application_\d+_\d+")
#: The driver has the first container of an attempt.
_DRIVER: Final = re.compile(r"/container_(?:e\d+_)?\d+_\d+_(\d+)_000001/")
_STREAMS: Final = ("stderr", "stdout")


def find_run(site: Site, kind: Kind, run_id: str | None) -> Run:
    """Find a run by its id, or else the newest of a kind.

    Raises:
        PlatformError: there is none.
    """
    for run in site.runner.runs():
        if run.id == run_id or (run_id is None and run.label.kind is kind):
            return run
    raise PlatformError(
        f"there is no run {run_id} of the stack {site.platform.stack}" if run_id else f"no {kind} was ever submitted"
    )


def print_logs(site: Site, run: Run, lines: int) -> None:
    """Print the last lines of what the driver has said.

    Raises:
        PlatformError: there is nothing yet, or AWS refuses.
    """
    found = _of_group(site, run, lines) if site.platform.compute == "serverless" else {}
    found = found or {address: _read(site, address, lines) for address in _of_bucket(site, run)}
    if not found:
        raise PlatformError(
            f"there is no log of {run.label.kind} ({run.id}, {run.state}) yet below {site.runner.driver_logs(run)}; "
            "EMR brings it there every few minutes"
        )
    for address, text in found.items():
        site.say(f"==> {address}")
        for line in text:
            # Whatever came over the stream may be in it.
            site.say(harmless(line))


def _of_group(site: Site, run: Run, lines: int) -> dict[str, list[str]]:
    group = site.platform.log_group
    with aws_errors(f"read the log group {group}"):
        client = site.session.client("logs", region_name=site.platform.region)
        pages = client.get_paginator("describe_log_streams").paginate(logGroupName=group)
        names = [each["logStreamName"] for page in pages for each in page["logStreams"]]
        found = {}
        for name in sorted(name for name in names if run.id in name and "SPARK_DRIVER" in name):
            events: Any = client.get_log_events(
                logGroupName=group, logStreamName=name, limit=lines, startFromHead=False
            )["events"]
            found[f"{group}: {name}"] = [each["message"].rstrip("\n") for each in events]
    return found


def _of_bucket(site: Site, run: Run) -> list[str]:
    """Find the files in the bucket: those of the driver, or where there are none yet those of the step itself."""
    folder = site.runner.driver_logs(run)
    files = [each for each in site.bucket.list(folder) if _is_stream(each)]
    if site.platform.compute == "serverless":
        return sorted(each for each in files if "/SPARK_DRIVER/" in each)
    text = "\n".join(line for each in files for line in _read(site, each, None))
    applications = sorted(set(_APPLICATION.findall(text)))
    containers = folder.partition("/steps/")[0] + "/containers"
    drivers = [
        each
        for application in applications
        for each in site.bucket.list(f"{containers}/{application}")
        if _is_stream(each) and _DRIVER.search(each)
    ]
    return sorted(drivers) or sorted(files)


def _is_stream(address: str) -> bool:
    return address.rpartition("/")[2].partition(".")[0] in _STREAMS


def _read(site: Site, address: str, lines: int | None) -> list[str]:
    found = site.bucket.read(address)
    content = found.content if found is not None else b""
    if address.endswith(".gz"):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error):
            return ["(the file is not whole)"]
    text = content.decode(errors="replace").splitlines()
    return text if lines is None else text[-lines:]

"""Lake: what the streaming job says of itself in the bucket, and what is said to it there."""

from dataclasses import dataclass
from typing import Any, Final

from pricestream.json_text import parse_json
from scripts.submit_app.bucket import Bucket, Found
from scripts.submit_app.settings import Checked, parse_checked
from scripts.submit_app.site import Site
from scripts.submit_app.spark_options import Place
from scripts.submit_app.work import Label

#: See ``jobs/lease.py``.
_LEASE: Final = "lease.json"
_TEXT: Final = b"Put here by ./scripts/submit stop, which removes it when the job has stopped.\n"


@dataclass(frozen=True)
class Lake:
    """The files of one job, where its settings have them."""

    bucket: Bucket
    checked: Checked

    @property
    def stop_file(self) -> str:
        """The job stops when this is there."""
        return self.checked.settings.job.stop_file

    def status(self) -> Found | None:
        """Read the status file, as it is."""
        return self.bucket.read(self.checked.settings.job.status_file)

    def ask_to_stop(self) -> None:
        """Put the stop file there."""
        self.bucket.write(self.stop_file, _TEXT)

    def allow_to_start(self) -> bool:
        """Remove the stop file; tell whether there was one."""
        was_there = self.bucket.read(self.stop_file) is not None
        if was_there:
            self.bucket.remove(self.stop_file)
        return was_there

    def lease(self) -> Found | None:
        """Read what a job writes every few seconds while it holds the checkpoint; None where none holds it."""
        return self.bucket.read(f"{self.checked.settings.job.checkpoint.rstrip('/')}/{_LEASE}")


def lake_of(site: Site, label: Label) -> Lake | None:
    """Find the files of a run by the settings that it was started with; None where those are gone."""
    address = Place(site.platform.bucket, site.platform.architecture).settings(label.settings)
    found = site.bucket.read(address)
    return None if found is None else Lake(site.bucket, parse_checked(found.content, address))


def state_of(status: Found | None) -> str:
    """Give the state in a status file; empty where there is none, or it says nothing."""
    if status is None:
        return ""
    try:
        document: Any = parse_json(status.content)
    except ValueError:
        return ""
    return str(document.get("state", "")) if isinstance(document, dict) else ""

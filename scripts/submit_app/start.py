"""Start: a job, unless it runs already, and follow it until it does."""

from collections.abc import Callable
from dataclasses import dataclass

from scripts.platform.errors import PlatformError
from scripts.submit_app.artefact import Artefact, upload
from scripts.submit_app.lake import Lake, state_of
from scripts.submit_app.runs import Run, Stage
from scripts.submit_app.settings import Checked, check_buckets
from scripts.submit_app.site import Site
from scripts.submit_app.spark_options import Place
from scripts.submit_app.stop import stop_stream
from scripts.submit_app.waiting import wait_for
from scripts.submit_app.work import Kind, Work


class JobFailedError(PlatformError):
    """A job ended otherwise than it should."""

    exit_code = 1


@dataclass(frozen=True)
class Patience:
    """How long to watch."""

    #: Until the job runs, seconds.
    start_seconds: float
    #: Whether to go on watching until it ends.
    to_the_end: bool = False


def start(
    site: Site, work: Work, artefact: Artefact, checked: Checked, patience: Patience, *, replace: bool = False
) -> Run:
    """Start a job and follow it. Where the very same is there already, that one is followed.

    Args:
        site: where.
        work: what.
        artefact: its files.
        checked: its settings.
        patience: how long to watch it.
        replace: stop a stream of another version, or of other settings, first.

    Raises:
        JobFailedError: it ended, and not well.
        PlatformError: another one runs, or AWS refuses.
    """
    site.runner.check()
    lake = Lake(site.bucket, checked)
    run = _running(site, work)
    if run is None or (replace and run.label != work.label):
        check_buckets(checked, site.platform, site.bucket)
        upload(site, artefact)
        site.bucket.write(
            Place(site.platform.bucket, site.platform.architecture).settings(checked.digest), checked.text
        )
        # It may have come while we uploaded; and a stream is stopped only when all is there that follows it.
        run = _running(site, work)
        if run is not None and replace and run.label != work.label:
            stop_stream(site, patience_seconds=patience.start_seconds)
            run = None
    if run is None:
        said = lake.status() if work.kind is Kind.STREAM else None
        before = said.version if said is not None else None
        return follow(site, _start_anew(site, work, lake), lake, patience, before)
    _refuse_another(run, work)
    site.say(f"{_named(run)} is there already ({run.state}, version {run.label.version}); it is not started twice")
    return follow(site, run, lake, patience)


def follow(site: Site, run: Run, lake: Lake, patience: Patience, before: str | None = None) -> Run:
    """Watch a run until it runs, and to its end if that is wanted.

    Args:
        site: where it is.
        run: what to watch.
        lake: where a stream says how it is.
        patience: how long.
        before: the version of the status file from before the start, which says nothing of this run.

    Raises:
        JobFailedError: it ended, and not well.
        PlatformError: it does not run after all that time.
    """
    is_stream = run.label.kind is Kind.STREAM

    def look() -> tuple[Run, str]:
        now = site.runner.look(run)
        status = lake.status() if is_stream and now.stage is Stage.RUNNING else None
        return now, state_of(status) if status is not None and status.version != before else ""

    def is_up(seen: tuple[Run, str]) -> bool:
        now, said = seen
        return not now.stage.is_live or (now.stage is Stage.RUNNING and (not is_stream or said == "running"))

    show = _words(is_stream=is_stream)
    seen = wait_for(site, _named(run), look, is_enough=is_up, words=show, patience_seconds=patience.start_seconds)
    if not is_up(seen):
        raise PlatformError(
            f"{_named(run)} does not run after {patience.start_seconds:.0f} s ({show(seen)}); it is left as it is: see "
            "./scripts/submit status and ./scripts/submit logs"
        )
    _say_where(site, seen[0])
    if patience.to_the_end:
        seen = wait_for(
            site,
            _named(run),
            look,
            is_enough=lambda now: not now[0].stage.is_live,
            words=show,
            patience_seconds=None,
        )
    if seen[0].stage in (Stage.FAILED, Stage.CANCELLED):
        why = f": {seen[0].reason}" if seen[0].reason else ""
        raise JobFailedError(f"{_named(run)} is {seen[0].state}{why}; see ./scripts/submit logs --run {run.id}")
    if seen[0].stage is Stage.DONE:
        site.say(f"{_named(run)} is done")
    return seen[0]


def _running(site: Site, work: Work) -> Run | None:
    """Find what runs in the place of this work: for a stream any other, for a batch only the very same."""
    live = site.runner.live(work.kind)
    if work.kind is not Kind.STREAM:
        live = [run for run in live if run.label == work.label]
    return live[0] if live else None


def _refuse_another(run: Run, work: Work) -> None:
    if run.stage is Stage.ENDING:
        raise PlatformError(f"{_named(run)} is being stopped ({run.state}); submit again when it has ended")
    if run.label == work.label:
        return
    other, own = run.label, work.label
    if other.version != own.version:
        differs = f"version {other.version}, and this is {own.version}"
    else:
        differs = f"version {other.version} with settings {other.settings}, and these are {own.settings}"
    raise PlatformError(
        f"{_named(run)} runs {differs}; stop it first with ./scripts/submit stop, or say --replace, which does both"
    )


def _start_anew(site: Site, work: Work, lake: Lake) -> Run:
    if work.kind is Kind.STREAM and lake.allow_to_start():
        site.say(f"removed {lake.stop_file}, left from an earlier stop")
    run = site.runner.start(work)
    site.say(f"started {_named(run)}, version {work.version}, settings {work.settings}")
    return run


def _words(*, is_stream: bool) -> Callable[[tuple[Run, str]], str]:
    def words(seen: tuple[Run, str]) -> str:
        run, said = seen
        if is_stream and run.stage is Stage.RUNNING:
            return f"{run.state}, and says: {said or 'nothing yet'}"
        return run.state

    return words


def _named(run: Run) -> str:
    return f"{run.label.kind} ({run.id})"


def _say_where(site: Site, run: Run) -> None:
    site.say(f"logs: ./scripts/submit logs --run {run.id}, from {site.runner.driver_logs(run)}")
    if run.label.kind is Kind.STREAM and run.stage.is_live:
        site.say("stop it in good order: ./scripts/submit stop")

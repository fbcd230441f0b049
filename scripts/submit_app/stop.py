"""Stop: end the stream in good order, or any job at once."""

from scripts.platform.errors import PlatformError
from scripts.submit_app.lake import Lake, lake_of, state_of
from scripts.submit_app.runs import Run, Stage
from scripts.submit_app.site import Site
from scripts.submit_app.waiting import wait_for
from scripts.submit_app.work import Kind


def stop_stream(site: Site, *, patience_seconds: float, force: bool = False) -> None:
    """Stop the stream, and wait until it has ended.

    Args:
        site: where it runs.
        patience_seconds: how long to wait for its end.
        force: do not wait for the end of what it does.

    Raises:
        PlatformError: it still runs after that time, or AWS refuses.
    """
    live = site.runner.live(Kind.STREAM)
    if not live:
        _stop_what_was_left(site, patience_seconds)
        return
    for run in live:
        lake = lake_of(site, run.label)
        if lake is None and not force:
            raise PlatformError(
                f"the settings {run.label.settings} of stream ({run.id}) are no longer in s3://{site.platform.bucket}, "
                "so its stop file is not known; say --force"
            )
        _stop(site, run, lake, patience_seconds, force=force or run.stage is Stage.WAITING)


def cancel(site: Site, kind: Kind, *, patience_seconds: float) -> None:
    """End every job of a kind at once.

    Raises:
        PlatformError: one still runs after that time, or AWS refuses.
    """
    live = site.runner.live(kind)
    if not live:
        site.say(f"no {kind} runs")
    for run in live:
        _stop(site, run, None, patience_seconds, force=True)


def _stop(site: Site, run: Run, lake: Lake | None, patience_seconds: float, *, force: bool) -> None:
    named = f"{run.label.kind} ({run.id})"
    if lake is not None:
        # Also where it is cancelled: on a cluster that ends the step, but not for certain what the step has started.
        lake.ask_to_stop()
        site.say(f"put {lake.stop_file} there")
    if force and run.stage is not Stage.ENDING:
        site.runner.cancel(run)
    last = wait_for(
        site,
        f"{named} stops",
        lambda: site.runner.look(run),
        is_enough=lambda now: not now.stage.is_live,
        words=lambda now: now.state,
        patience_seconds=patience_seconds,
    )
    if last.stage.is_live:
        more = "" if force else "; --force does not wait for the end of what it does"
        left = f"; {lake.stop_file} stays, so it stops when it can" if lake is not None else ""
        raise PlatformError(f"{named} is still {last.state} after {patience_seconds:.0f} s{left}{more}")
    if lake is not None:
        if force:
            _wait_for_silence(site, lake, patience_seconds)
        state = state_of(lake.status())
        lake.allow_to_start()
        site.say(f"{named} has ended: {last.state}{f', and says: {state}' if state else ''}")
    else:
        site.say(f"{named} has ended: {last.state}")


def _stop_what_was_left(site: Site, patience_seconds: float) -> None:
    """Where no run is there any more, its driver may still be: on a cluster a step is only what has started it."""
    before = next((run for run in site.runner.runs() if run.label.kind is Kind.STREAM), None)
    lake = lake_of(site, before.label) if before is not None else None
    if lake is not None:
        if _is_written(site, lake):
            site.say("no stream runs for EMR, but one still holds the checkpoint")
            lake.ask_to_stop()
            _wait_for_silence(site, lake, patience_seconds)
        lake.allow_to_start()
    site.say("no stream runs")


def _wait_for_silence(site: Site, lake: Lake, patience_seconds: float) -> None:
    is_held = wait_for(
        site,
        "the checkpoint",
        lambda: _is_written(site, lake),
        is_enough=lambda now: not now,
        words=lambda now: "a job holds it" if now else "no job holds it",
        patience_seconds=patience_seconds,
    )
    if is_held:
        raise PlatformError(
            f"a job still holds {lake.checked.settings.job.checkpoint} after {patience_seconds:.0f} s; "
            f"{lake.stop_file} stays, so it stops when it can"
        )


def _is_written(site: Site, lake: Lake) -> bool:
    """Tell whether a job holds the checkpoint: its lease is there, and is written anew within the time that it has."""
    before = lake.lease()
    if before is None:
        return False
    site.sleep(lake.checked.settings.job.s3.lease_seconds)
    now = lake.lease()
    return now is not None and now.version != before.version

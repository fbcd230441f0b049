"""Status: what was submitted to a platform, and how far it is."""

from rich.table import Table

from scripts.submit_app.lake import lake_of, state_of
from scripts.submit_app.producer import Producer
from scripts.submit_app.runs import Run
from scripts.submit_app.site import Site
from scripts.submit_app.work import Kind


def print_status(site: Site) -> None:
    """Print what runs, the last run of each kind that does not, and the producer.

    Raises:
        PlatformError: AWS refuses.
    """
    platform = site.platform
    site.say(f"stack {platform.stack} in {platform.region}: {platform.compute}, s3://{platform.bucket}")
    table = Table("job", "run", "state", "version", "settings", "says", box=None, pad_edge=False)
    for run in _newest(site):
        label = run.label
        table.add_row(label.kind.value, run.id, run.state, label.version, label.settings, _said(site, run))
    if table.row_count:
        site.console.print(table)
    else:
        site.say("no job was ever submitted")
    service = Producer(site).describe()
    site.say(f"producer: {service['runningCount']} of {service['desiredCount']} tasks run")


def _newest(site: Site) -> list[Run]:
    """Give what is live, and the newest run of a kind of which nothing is."""
    live = {kind: site.runner.live(kind) for kind in Kind}
    wanted = {kind for kind in Kind if not live[kind]}
    last: dict[Kind, Run] = {}
    for run in site.runner.runs() if wanted else ():
        if run.label.kind in wanted:
            last.setdefault(run.label.kind, run)
        # A cluster may have had thousands of steps.
        if len(last) == len(wanted):
            break
    return [run for kind in Kind for run in live[kind] or ([last[kind]] if kind in last else [])]


def _said(site: Site, run: Run) -> str:
    """Say why a run is as it is: the streaming job's own word while it runs, else AWS's reason."""
    if run.label.kind is Kind.STREAM and run.stage.is_live:
        lake = lake_of(site, run.label)
        return state_of(lake.status()) if lake is not None else "its settings are gone"
    return run.reason

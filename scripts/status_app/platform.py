"""Platform: a system on AWS, by what its stack, its job, its producer, its alarms and its metrics say."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pricestream import metric
from pricestream.errors import PricestreamError
from pricestream.metric import Metric
from scripts.platform.errors import aws_errors
from scripts.status_app.health import Fact, Health, Part, span
from scripts.status_app.job import job_part
from scripts.status_app.limits import limits_of
from scripts.submit_app.lake import lake_of
from scripts.submit_app.producer import Producer
from scripts.submit_app.runs import Run, Stage
from scripts.submit_app.site import Site
from scripts.submit_app.work import Kind

_MINUTES: Final = 15
_SHOWN: Final = (
    metric.CONSUMER_LAG,
    metric.WATERMARK_LAG,
    metric.CSV_AGE,
    metric.ROWS_READ,
    metric.TICKS_REJECTED,
    metric.RECORDS_SENT,
    metric.RECORDS_SPOOLED,
    metric.BUDGET_LEFT,
)
#: CloudWatch's word for how values of a kind go together.
_STATISTICS: Final = {"gauge": "Maximum", "counter": "Sum", "timing": "Maximum"}


def look_there(site: Site, now_ms: int) -> Health:
    """Look at every part of a platform. What cannot be looked at is said, and is no reason to stop."""
    run = _newest_run(site)
    looks: dict[str, Callable[[], Part]] = {
        "run": lambda: _run_part(run()),
        "job": lambda: _job_part(site, run(), now_ms),
        "producer": lambda: _producer_part(site),
        "alarms": lambda: _alarms_part(site),
        "metrics": lambda: _metrics_part(site, now_ms),
    }
    platform = site.platform
    return Health(
        f"stack {platform.stack} in {platform.region} ({platform.compute}), stream {platform.stream}",
        [_looked_at(name, look) for name, look in looks.items()],
    )


def _looked_at(name: str, look: Callable[[], Part]) -> Part:
    try:
        return look()
    except PricestreamError as error:
        return Part(name, "unknown", problems=[" ".join(str(error).split())])


def _newest_run(site: Site) -> Callable[[], Run | None]:
    """Find the stream's run that is live, or else the last one; looked up once."""
    found: list[Run | None] = []

    def run() -> Run | None:
        if not found:
            live = site.runner.live(Kind.STREAM)
            last = (each for each in site.runner.runs() if each.label.kind is Kind.STREAM)
            found.append(live[-1] if live else next(last, None))
        return found[0]

    return run


def _run_part(run: Run | None) -> Part:
    """Say what EMR says of the newest run of the stream."""
    if run is None:
        return Part("run", "absent", problems=["the stream was never submitted; start it with ./scripts/submit"])
    facts = [Fact("id", run.id, run.id), Fact("version", run.label.version, f"version {run.label.version}")]
    why = f" ({run.reason})" if run.reason else ""
    problems = []
    if not run.stage.is_live:
        problems = [f"the stream does not run: {run.id} is {run.state}{why}; see ./scripts/submit logs"]
    elif run.stage is Stage.WAITING:
        problems = [f"the stream does not run yet: {run.id} is {run.state}{why}"]
    return Part("run", run.state, facts, problems)


def _job_part(site: Site, run: Run | None, now_ms: int) -> Part:
    """Say what the job says of itself, where its settings have its status file."""
    lake = None if run is None else lake_of(site, run.label)
    if lake is None:
        # Without a run that is said already.
        missing = [] if run is None else [f"its settings are gone from s3://{site.platform.bucket}"]
        return Part("job", "unknown", problems=missing)
    settings, found = lake.checked.settings, lake.status()
    return job_part(found.content if found else None, settings.job.status_file, limits_of(settings), now_ms)


def _producer_part(site: Site) -> Part:
    """Say how many tasks of the producer run."""
    service = Producer(site).describe()
    wanted, running = int(service["desiredCount"]), int(service["runningCount"])
    facts = [Fact("running", running, f"{running} of {wanted} tasks run")]
    if not wanted:
        return Part("producer", "stopped", facts, ["is stopped: no task is wanted; start it with ./scripts/submit"])
    if not running:
        events = service.get("events") or [{"message": "ECS says nothing"}]
        return Part("producer", "starting", facts, [f"no task runs: {events[0]['message']}"])
    return Part("producer", "running", facts)


def _alarms_part(site: Site) -> Part:
    """Say which alarms of the stack that watches this one are on."""
    # As CloudFormation names what a template leaves without a name.
    prefix = f"{site.platform.stack}-watch-"
    with aws_errors(f"look up the alarms {prefix}*"):
        client: Any = site.session.client("cloudwatch", region_name=site.platform.region)
        pages = client.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix)
        found = [each for page in pages for each in page["MetricAlarms"]]
    if not found:
        return Part(
            "alarms",
            "absent",
            problems=[f"no alarm {prefix}* is there, so nobody is told; make them with ./scripts/deploy"],
        )
    on = [each for each in found if each["StateValue"] == "ALARM"]
    facts = [Fact("on", [each["AlarmName"] for each in on], f"{len(on)} of {len(found)} on")]
    problems = [f"{each['AlarmName']} is on: {each.get('AlarmDescription') or 'it has no description'}" for each in on]
    return Part("alarms", "on" if on else "off", facts, problems)


def _metrics_part(site: Site, now_ms: int) -> Part:
    """Say the newest values of the metrics that matter most."""
    end = datetime.fromtimestamp(now_ms / 1000, UTC) + timedelta(minutes=1)
    queries = [_query(each, site.platform.stream) for each in _SHOWN]
    with aws_errors("read the metrics"):
        client: Any = site.session.client("cloudwatch", region_name=site.platform.region)
        answer = client.get_metric_data(
            MetricDataQueries=queries,
            StartTime=end - timedelta(minutes=_MINUTES),
            EndTime=end,
            ScanBy="TimestampDescending",
        )
    newest = {each["Id"]: float(each["Values"][0]) for each in answer["MetricDataResults"] if each["Values"]}
    facts = [_fact(each, newest[_id(each)]) for each in _SHOWN if _id(each) in newest]
    silent = [] if facts else [f"none came in the last {_MINUTES} minutes: neither job nor producer says anything"]
    return Part("metrics", "there" if facts else "absent", facts, silent)


def _id(what: Metric) -> str:
    # CloudWatch wants it to begin with a small letter.
    return f"m{what.name}"


def _fact(what: Metric, value: float) -> Fact:
    shown = span(value) if what.unit == "Seconds" else f"{value:,.0f}"
    return Fact(what.name, value, f"{what.name} {shown}")


def _query(what: Metric, pipeline: str) -> dict[str, Any]:
    return {
        "Id": _id(what),
        "MetricStat": {
            "Metric": {
                "Namespace": metric.NAMESPACE,
                "MetricName": what.name,
                "Dimensions": [{"Name": metric.PIPELINE, "Value": pipeline}],
            },
            "Period": 60,
            "Stat": _STATISTICS[what.kind],
        },
    }

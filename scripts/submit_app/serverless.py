"""Serverless: jobs as job runs of an EMR Serverless application."""

import hashlib
from collections.abc import Iterator
from typing import Any, Final

import boto3
from botocore.exceptions import ClientError

from scripts.platform.errors import PlatformError, aws_errors, code_of
from scripts.platform.stack import Platform
from scripts.submit_app.runs import Run, Stage
from scripts.submit_app.spark_options import Place, entry_arguments, entry_point, spark_submit_parameters
from scripts.submit_app.work import Kind, Label, Work

_STAGES: Final = {
    "SUBMITTED": Stage.WAITING,
    "QUEUED": Stage.WAITING,
    "PENDING": Stage.WAITING,
    "SCHEDULED": Stage.WAITING,
    "RUNNING": Stage.RUNNING,
    "CANCELLING": Stage.ENDING,
    "SUCCESS": Stage.DONE,
    "FAILED": Stage.FAILED,
    "CANCELLED": Stage.CANCELLED,
}
#: A stream that fails is started again, and goes on from its checkpoint, but not for ever.
_FAILURES_AN_HOUR: Final = 5
#: What a batch may take; a stream may take for ever. AWS's own default is 12 hours.
_BATCH_MINUTES: Final = 24 * 60
#: How long a job that is cancelled may finish what it does (``jobs/supervise.py``).
_GRACE_SECONDS: Final = 120


class Serverless:
    """See :class:`scripts.submit_app.runs.Runner`."""

    def __init__(self, session: boto3.Session, platform: Platform) -> None:
        """Find the application of a platform.

        Raises:
            PlatformError: the stack has none.
        """
        if platform.application_id is None:
            raise PlatformError(f"the stack {platform.stack} has no ApplicationId yet; finish it with ./scripts/deploy")
        self._id = platform.application_id
        self._platform = platform
        with aws_errors("ask EMR Serverless"):
            self._client = session.client("emr-serverless", region_name=platform.region)

    def check(self) -> None:
        """See :class:`scripts.submit_app.runs.Runner`."""
        state = self._application()["state"]
        # One that is stopped starts with its first job.
        if state == "TERMINATED":
            raise PlatformError(f"the application {self._id} is {state}; make it anew with ./scripts/deploy")

    def live(self, kind: Kind) -> list[Run]:
        """See :class:`scripts.submit_app.runs.Runner`."""
        states = [state for state, stage in _STAGES.items() if stage.is_live]
        return [run for run in reversed(self._list(states)) if run.label.kind is kind]

    def runs(self) -> Iterator[Run]:
        """See :class:`scripts.submit_app.runs.Runner`."""
        yield from self._list(None)

    def start(self, work: Work) -> Run:
        """See :class:`scripts.submit_app.runs.Runner`."""
        is_stream = work.kind is Kind.STREAM
        place = Place(self._platform.bucket, self._platform.architecture)
        try:
            parameters = spark_submit_parameters(work, place)
        except ValueError as error:
            raise PlatformError(f"job.spark.conf.{error}") from None
        # Where its logs go, and by which key they are encrypted, is said once, by the application.
        with aws_errors(f"start a job run of the application {self._id}"):
            try:
                started = self._client.start_job_run(
                    applicationId=self._id,
                    clientToken=self._token(work.label),
                    executionRoleArn=self._platform.job_role,
                    name=str(work.label),
                    mode="STREAMING" if is_stream else "BATCH",
                    executionTimeoutMinutes=0 if is_stream else _BATCH_MINUTES,
                    retryPolicy={"maxFailedAttemptsPerHour": _FAILURES_AN_HOUR} if is_stream else {"maxAttempts": 1},
                    jobDriver={
                        "sparkSubmit": {
                            "entryPoint": entry_point(work, place),
                            "entryPointArguments": entry_arguments(work, place),
                            "sparkSubmitParameters": parameters,
                        }
                    },
                )
            except ClientError as error:
                if code_of(error) != "ConflictException":
                    raise
                raise PlatformError(
                    f"another {work.kind} was started at this moment; see ./scripts/submit status"
                ) from None
        return Run(started["jobRunId"], work.label, Stage.WAITING, "SUBMITTED")

    def look(self, run: Run) -> Run:
        """See :class:`scripts.submit_app.runs.Runner`."""
        with aws_errors(f"look at the job run {run.id} of the application {self._id}"):
            try:
                found = self._client.get_job_run(applicationId=self._id, jobRunId=run.id)["jobRun"]
            except ClientError as error:
                # One that was just started may not be known everywhere yet.
                if code_of(error) == "ResourceNotFoundException" and run.state == "SUBMITTED":
                    return run
                raise
        return _run(found, run.id, run.label)

    def cancel(self, run: Run) -> None:
        """See :class:`scripts.submit_app.runs.Runner`."""
        with aws_errors(f"cancel the job run {run.id} of the application {self._id}"):
            self._client.cancel_job_run(
                applicationId=self._id, jobRunId=run.id, shutdownGracePeriodInSeconds=_GRACE_SECONDS
            )

    def driver_logs(self, run: Run) -> str:
        """See :class:`scripts.submit_app.runs.Runner`."""
        monitoring = self._application().get("monitoringConfiguration") or {}
        logs = (monitoring.get("s3MonitoringConfiguration") or {}).get("logUri")
        root = (logs or f"s3://{self._platform.bucket}/logs/serverless/").rstrip("/")
        return f"{root}/applications/{self._id}/jobs/{run.id}"

    def _application(self) -> Any:
        with aws_errors(f"look at the application {self._id}"):
            return self._client.get_application(applicationId=self._id)["application"]

    def _token(self, label: Label) -> str:
        """Make what is the same for all who start this work after the same run: AWS starts one for all of them."""
        before = next((run.id for run in self._list(None) if run.label == label), "")
        return hashlib.sha256(f"{self._id} {label} {before}".encode()).hexdigest()

    def _list(self, states: list[str] | None) -> list[Run]:
        chosen: dict[str, Any] = {"states": states} if states else {}
        found = []
        with aws_errors(f"list the job runs of the application {self._id}"):
            for page in self._client.get_paginator("list_job_runs").paginate(applicationId=self._id, **chosen):
                for each in page["jobRuns"]:
                    label = Label.parse(each.get("name") or "")
                    if label is not None and label.stack == self._platform.stack:
                        found.append((each["createdAt"], _run(each, each["id"], label)))
        # In which order they come is said nowhere.
        return [run for _, run in sorted(found, key=lambda pair: pair[0], reverse=True)]


def _run(found: Any, run_id: str, label: Label) -> Run:
    state = found["state"]
    return Run(run_id, label, _STAGES.get(state, Stage.ENDING), state, found.get("stateDetails") or "")

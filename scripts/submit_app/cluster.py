"""Cluster: jobs as steps of an EMR cluster."""

from collections.abc import Iterator
from typing import Any, Final

import boto3
from botocore.exceptions import ClientError

from scripts.platform.errors import PlatformError, aws_errors, code_of
from scripts.platform.stack import Platform
from scripts.submit_app.runs import Run, Stage
from scripts.submit_app.spark_options import Place, spark_submit
from scripts.submit_app.work import Kind, Label, Work

_STAGES: Final = {
    "PENDING": Stage.WAITING,
    "RUNNING": Stage.RUNNING,
    "CANCEL_PENDING": Stage.ENDING,
    "COMPLETED": Stage.DONE,
    "CANCELLED": Stage.CANCELLED,
    "FAILED": Stage.FAILED,
    "INTERRUPTED": Stage.FAILED,
}
_LIVE: Final = [state for state, stage in _STAGES.items() if stage.is_live]
_GONE: Final = ("TERMINATING", "TERMINATED", "TERMINATED_WITH_ERRORS")
#: What a step's arguments may have in all; AWS says no more than that something is invalid.
_LONGEST: Final = 10_240


class Cluster:
    """See :class:`scripts.submit_app.runs.Runner`."""

    def __init__(self, session: boto3.Session, platform: Platform) -> None:
        """Find the cluster of a platform.

        Raises:
            PlatformError: the stack has none.
        """
        if platform.cluster_id is None:
            raise PlatformError(f"the stack {platform.stack} has no ClusterId yet; finish it with ./scripts/deploy")
        self._id = platform.cluster_id
        self._platform = platform
        with aws_errors("ask EMR"):
            self._client = session.client("emr", region_name=platform.region)

    def check(self) -> None:
        """See :class:`scripts.submit_app.runs.Runner`."""
        status = self._describe()["Status"]
        if status["State"] in _GONE:
            why = status.get("StateChangeReason", {}).get("Message", "")
            said = f"{status['State']} ({why})" if why else status["State"]
            raise PlatformError(f"the cluster {self._id} is {said}; make it anew with ./scripts/deploy")

    def live(self, kind: Kind) -> list[Run]:
        """See :class:`scripts.submit_app.runs.Runner`."""
        return [run for run in reversed(list(self._list(_LIVE))) if run.label.kind is kind]

    def runs(self) -> Iterator[Run]:
        """See :class:`scripts.submit_app.runs.Runner`."""
        yield from self._list(None)

    def start(self, work: Work) -> Run:
        """See :class:`scripts.submit_app.runs.Runner`."""
        self._refuse_to_wait_for_ever()
        arguments = spark_submit(work, Place(self._platform.bucket, self._platform.architecture))
        if sum(map(len, arguments)) > _LONGEST:
            raise PlatformError(f"a step takes {_LONGEST:,} characters of arguments, and these are more; shorten them")
        with aws_errors(f"add a step to the cluster {self._id}"):
            added = self._client.add_job_flow_steps(
                JobFlowId=self._id,
                Steps=[
                    {
                        "Name": str(work.label),
                        # The cluster has other steps, and its next user may want it.
                        "ActionOnFailure": "CONTINUE",
                        "HadoopJarStep": {"Jar": "command-runner.jar", "Args": arguments},
                    }
                ],
                ExecutionRoleArn=self._platform.job_role,
            )
        return self._settle(Run(added["StepIds"][0], work.label, Stage.WAITING, "PENDING"))

    def look(self, run: Run) -> Run:
        """See :class:`scripts.submit_app.runs.Runner`."""
        with aws_errors(f"look at the step {run.id} of the cluster {self._id}"):
            try:
                step = self._client.describe_step(ClusterId=self._id, StepId=run.id)["Step"]
            except ClientError as error:
                # A step that was just added may not be known everywhere yet.
                if code_of(error) == "InvalidRequestException" and run.state == "PENDING":
                    return run
                raise
        return _run(step, run.label)

    def cancel(self, run: Run) -> None:
        """See :class:`scripts.submit_app.runs.Runner`."""
        with aws_errors(f"cancel the step {run.id} of the cluster {self._id}"):
            answers = self._client.cancel_steps(
                ClusterId=self._id, StepIds=[run.id], StepCancellationOption="SEND_INTERRUPT"
            )["CancelStepsInfoList"]
        refused = [each.get("Reason", "no reason given") for each in answers if each["Status"] == "FAILED"]
        if refused:
            raise PlatformError(f"cannot cancel the step {run.id}: {refused[0]}")

    def driver_logs(self, run: Run) -> str:
        """See :class:`scripts.submit_app.runs.Runner`."""
        logs = self._describe().get("LogUri") or f"s3://{self._platform.bucket}/logs/"
        return f"s3://{logs.partition('://')[2].rstrip('/')}/{self._id}/steps/{run.id}"

    def _describe(self) -> Any:
        with aws_errors(f"look at the cluster {self._id}"):
            return self._client.describe_cluster(ClusterId=self._id)["Cluster"]

    def _refuse_to_wait_for_ever(self) -> None:
        """A stream ends only when it is stopped: behind it nothing starts where the cluster runs one step at a time."""
        level = self._describe().get("StepConcurrencyLevel", 1)
        live = list(self._steps(_LIVE))
        if len(live) >= level:
            raise PlatformError(
                f"the cluster {self._id} runs {level} step(s) at a time, and {live[-1]['Name']} ({live[-1]['Id']}) "
                "is not done; wait for it, stop it, or let the cluster run more at a time: aws emr modify-cluster "
                f"--cluster-id {self._id} --step-concurrency-level {level + 3}"
            )

    def _settle(self, own: Run) -> Run:
        """Take our step back where another submit added one at the same moment: the earlier one is kept."""
        live = self.live(own.label.kind)
        rivals = live if own.label.kind is Kind.STREAM else [run for run in live if run.label == own.label]
        if not rivals or rivals[0].id == own.id or own.id not in {run.id for run in rivals}:
            return own
        self.cancel(own)
        return rivals[0]

    def _list(self, states: list[str] | None) -> Iterator[Run]:
        for step in self._steps(states):
            label = Label.parse(step["Name"])
            # A cluster may have steps of others, and a name is all that tells.
            if label is not None and label.stack == self._platform.stack:
                yield _run(step, label)

    def _steps(self, states: list[str] | None) -> Iterator[Any]:
        """Give the steps, the newest first."""
        chosen: dict[str, Any] = {"StepStates": states} if states else {}
        with aws_errors(f"list the steps of the cluster {self._id}"):
            for page in self._client.get_paginator("list_steps").paginate(ClusterId=self._id, **chosen):
                yield from page["Steps"]


def _run(step: Any, label: Label) -> Run:
    status = step["Status"]
    details = status.get("FailureDetails") or {}
    reason = details.get("Message") or details.get("Reason") or status.get("StateChangeReason", {}).get("Message") or ""
    return Run(step["Id"], label, _STAGES.get(status["State"], Stage.ENDING), status["State"], reason)

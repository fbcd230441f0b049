"""Deployment: the platform's stack, then the one that watches it, each made or brought up to date."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import boto3
from rich.console import Console

from scripts.deploy_app.certificate import upload_certificates
from scripts.deploy_app.change import change_stack
from scripts.deploy_app.change_set import create_change_set, drop_change_set, table_of
from scripts.deploy_app.following import Follower
from scripts.deploy_app.present import cluster_has_ended, producer_count
from scripts.deploy_app.stack import State, ready_state_of, state_of
from scripts.deploy_app.template import Template
from scripts.platform.errors import PlatformError, aws_errors

#: What stands for what the first stack makes, while it is not there yet and only asked about.
_NO_CERTIFICATES: Final = "s3://not-there-yet/certificates.zip"
_NO_KEY: Final = "arn:aws:kms:not-there-yet"


@dataclass(frozen=True)
class Deployment:
    """What is deployed where."""

    session: boto3.Session
    stack: str
    platform: Template
    watch: Template
    #: What the command line says, for either template.
    given: Mapping[str, str]
    console: Console
    sleep: Callable[[float], None]

    def run(self) -> State:
        """Make the platform, or bring it up to date.

        Returns:
            The platform's stack as it then is.

        Raises:
            PlatformError: a resource failed, CloudFormation does not take something, or AWS refuses.
        """
        state = self._without_empty(ready_state_of(self.session, self.stack))
        parameters = self._platform_parameters(state)
        if _wants_certificates(parameters, self.platform):
            # They go into the bucket, so the first time everything but the cluster is made first.
            if state is None:
                state = self._apply(self.stack, self.platform, parameters, state)
                parameters = self._platform_parameters(state)
            parameters = {**parameters, "Certificates": self._upload(state)}
        state = self._apply(self.stack, self.platform, parameters, state)
        name = f"{self.stack}-watch"
        before = self._without_empty(ready_state_of(self.session, name))
        self._apply(name, self.watch, self._watch_parameters(before, state), before)
        return state

    def preview(self) -> None:
        """Show what :meth:`run` would change, and leave nothing behind.

        Raises:
            PlatformError: CloudFormation does not take something, or AWS refuses.
        """
        state = ready_state_of(self.session, self.stack)
        parameters = self._platform_parameters(state)
        if _wants_certificates(parameters, self.platform):
            parameters = {**parameters, "Certificates": _NO_CERTIFICATES}
        self._show(self.stack, self.platform, parameters, state)
        name = f"{self.stack}-watch"
        before = ready_state_of(self.session, name)
        self._show(name, self.watch, self._watch_parameters(before, state), before)

    def _platform_parameters(self, state: State | None) -> dict[str, str]:
        parameters = self._merge(self.platform, state)
        if state is None or state.is_empty:
            return parameters
        count = producer_count(self.session, state)
        if count is not None and "ProducerCount" not in self.given and "ProducerCount" in self.platform.parameters:
            parameters["ProducerCount"] = count
        if "ClusterGeneration" in self.platform.parameters and cluster_has_ended(self.session, state):
            self._say("The cluster has ended; another one takes its place.")
            parameters["ClusterGeneration"] = str(int(parameters["ClusterGeneration"]) + 1)
        return parameters

    def _watch_parameters(self, before: State | None, platform: State | None) -> dict[str, str]:
        known = platform.outputs if platform and not platform.is_empty else {}
        merged = self._merge(self.watch, before)
        fan_out = platform.parameters.get("FanOut") if platform else None
        if fan_out and "FanOut" in self.watch.parameters:
            merged["FanOut"] = fan_out
        return merged | {"Stream": known.get("Stream", self.stack), "Key": known.get("Key", _NO_KEY)}

    def _merge(self, template: Template, state: State | None) -> dict[str, str]:
        """What the template says where the stack had nothing, below what that had, below what the command line says."""
        default = {name: value for name, value in template.parameters.items() if value is not None}
        had = state.parameters if state and not state.is_empty else {}
        return {name: value for name, value in {**default, **had, **self.given}.items() if name in template.parameters}

    def _upload(self, state: State | None) -> str:
        bucket = state.outputs.get("Bucket") if state else None
        if not bucket:
            raise PlatformError(f"the stack {self.stack} does not say its Bucket; see its outputs in CloudFormation")
        region = self.session.client("cloudformation").meta.region_name
        where = upload_certificates(self.session, bucket, region, datetime.now(UTC))
        self._say(f"The certificates of the cluster's nodes are in {where}.")
        return where

    def _without_empty(self, state: State | None) -> State | None:
        """Clear away a stack that has nothing in it, which can be neither made nor changed."""
        if state is None or not state.is_empty:
            return state
        self._say(f"An empty stack is left of an earlier try ({state.status}); it is deleted first.")
        follower = Follower(self.session, state.id, self.console, self.sleep)
        with aws_errors("delete what the earlier try left"):
            self.session.client("cloudformation").delete_stack(StackName=state.id)
        follower.follow("DELETE_COMPLETE")
        return None

    def _apply(self, name: str, template: Template, parameters: Mapping[str, str], before: State | None) -> State:
        follower = change_stack(self.session, name, template, parameters, before, self.console, self.sleep)
        if follower is None:
            self._say(f"{name}: nothing to change.")
        else:
            follower.follow("CREATE_COMPLETE" if before is None else "UPDATE_COMPLETE")
        after = state_of(self.session, name)
        if after is None:
            raise PlatformError(f"the stack {name} is gone; somebody else has deleted it")
        return after

    def _show(self, name: str, template: Template, parameters: Mapping[str, str], before: State | None) -> None:
        if before and before.status == "ROLLBACK_COMPLETE":
            self._say(f"{name}: the last try to make it failed; a run deletes what is left of it, and makes all anew.")
            return
        is_new = before is None or before.is_empty
        change_set = create_change_set(self.session, name, template, parameters, is_new=is_new, sleep=self.sleep)
        if change_set is None:
            self._say(f"{name}: nothing to change.")
            return
        self.console.print(table_of(name, change_set.changes))
        drop_change_set(self.session, change_set, and_stack=before is None)

    def _say(self, line: str) -> None:
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)


def _wants_certificates(parameters: Mapping[str, str], template: Template) -> bool:
    return (
        "Certificates" in template.parameters and not parameters["Certificates"] and parameters["Compute"] == "cluster"
    )

"""Producer: an ECS service of one task, which takes its code and settings from the bucket when it starts."""

import json
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from scripts.platform.errors import PlatformError, aws_errors
from scripts.submit_app.artefact import Artefact, app_address
from scripts.submit_app.settings import Checked
from scripts.submit_app.site import Site
from scripts.submit_app.waiting import wait_for

#: Says which version lies there; written last.
_MARK: Final = "version.json"
#: ECS goes on for ever; that many are no accident.
_FAILED_TASKS: Final = 3


class Producer:
    """The service of a platform."""

    def __init__(self, site: Site) -> None:
        """Find it."""
        self._site = site
        self._cluster, self._name = site.platform.producer_cluster, site.platform.producer_service
        with aws_errors("ask ECS"):
            self._client: Any = site.session.client("ecs", region_name=site.platform.region)

    def start(self, artefact: Artefact, checked: Checked, *, patience_seconds: float, restart: bool = False) -> None:
        """Bring version and settings there, start the one task anew, and wait until it runs.

        Args:
            artefact: what is in the bucket already.
            checked: its settings.
            patience_seconds: how long to wait.
            restart: also where it runs with both already.

        Raises:
            PlatformError: it does not run after that time, or AWS refuses.
        """
        service = self.describe()
        self._check_key(checked)
        mark = json.dumps({"version": artefact.version, "settings": checked.digest}).encode()
        there = self._site.bucket.read(self._address(_MARK))
        if not restart and there is not None and there.content == mark and _is_steady(service, 1):
            self._site.say(f"producer runs already, version {artefact.version}")
            return
        self._bring(artefact, checked)
        self._site.bucket.write(self._address(_MARK), mark)
        with aws_errors(f"start the service {self._name}"):
            updated = self._client.update_service(
                cluster=self._cluster, service=self._name, desiredCount=1, forceNewDeployment=True
            )["service"]
        self._wait(1, _primary(updated).get("id"), patience_seconds)
        self._site.say(f"producer runs, version {artefact.version}; logs: {self._site.platform.log_group}")

    def stop(self, *, patience_seconds: float) -> None:
        """Stop the task, and wait until it has ended; what it could not send yet waits for the next start.

        Raises:
            PlatformError: it still runs after that time, or AWS refuses.
        """
        with aws_errors(f"stop the service {self._name}"):
            self._client.update_service(cluster=self._cluster, service=self._name, desiredCount=0)
        self._wait(0, None, patience_seconds)
        self._site.say("producer has stopped")

    def describe(self) -> Any:
        """Look at the service.

        Raises:
            PlatformError: it is not there, or AWS refuses.
        """
        with aws_errors(f"look at the service {self._name}"):
            found = self._client.describe_services(cluster=self._cluster, services=[self._name])["services"]
        if not found or found[0]["status"] != "ACTIVE":
            raise PlatformError(
                f"there is no service {self._name} in the ECS cluster {self._cluster}; make it with ./scripts/deploy"
            )
        return found[0]

    def _check_key(self, checked: Checked) -> None:
        """Say that there is no key before a task fails of it. The key itself is not read."""
        secret, producer = self._site.platform.api_key_secret, checked.settings.producer
        if secret is None or producer.source != "coingecko":
            return
        try:
            client = self._site.session.client("secretsmanager", region_name=self._site.platform.region)
            has_value = bool(client.describe_secret(SecretId=secret).get("VersionIdsToStages"))
        except (ClientError, BotoCoreError):
            # Whoever may start the producer need not be allowed to look.
            return
        if not has_value:
            raise PlatformError(
                f"the secret {secret} has no CoinGecko key yet; put it into a file, and: aws secretsmanager "
                f"put-secret-value --secret-id {secret} --secret-string file://that-file"
            )

    def _bring(self, artefact: Artefact, checked: Checked) -> None:
        for name in ("code.zip", f"deps-{self._site.platform.architecture}.tar.gz"):
            self._site.bucket.copy(app_address(self._site.platform.bucket, artefact.version, name), self._address(name))
        self._site.bucket.write(self._address("settings.yaml"), checked.text)

    def _address(self, name: str) -> str:
        return app_address(self._site.platform.bucket, "producer", name)

    def _wait(self, count: int, deployment: str | None, patience_seconds: float) -> None:
        service = wait_for(
            self._site,
            "producer",
            self.describe,
            is_enough=lambda now: _is_steady(now, count, deployment) or _has_failed(now, deployment),
            words=lambda now: f"{now['runningCount']} of {now['desiredCount']} tasks run",
            patience_seconds=patience_seconds,
        )
        if not _is_steady(service, count, deployment):
            logs = self._site.platform.log_group
            what = "has failed" if _has_failed(service, deployment) else f"is not steady after {patience_seconds:.0f} s"
            raise PlatformError(f"the producer {what}: {self._why(service)}; its log is in {logs}")

    def _why(self, service: Any) -> str:
        """Say why the last task ended, or else what the service says last."""
        with aws_errors(f"look at the tasks of the service {self._name}"):
            arns = self._client.list_tasks(cluster=self._cluster, serviceName=self._name, desiredStatus="STOPPED")
            tasks = (
                self._client.describe_tasks(cluster=self._cluster, tasks=arns["taskArns"])["tasks"]
                if arns["taskArns"]
                else []
            )
        for task in tasks:
            reasons = [each["reason"] for each in task.get("containers", ()) if each.get("reason")]
            if said := [each for each in (task.get("stoppedReason"), *reasons) if each]:
                return "; ".join(said)
        events = service.get("events") or ()
        return events[0]["message"] if events else "ECS gives no reason"


def _primary(service: Any) -> Any:
    return next((each for each in service.get("deployments", ()) if each["status"] == "PRIMARY"), {})


def _is_steady(service: Any, count: int, deployment: str | None = None) -> bool:
    """Tell whether so many tasks run, all of the newest deployment.

    A service that was just changed may still be shown as it was: with another deployment.
    """
    deployments = service.get("deployments", ())
    return (
        service["desiredCount"] == service["runningCount"] == count
        and len(deployments) <= 1
        and _primary(service).get("rolloutState", "COMPLETED") == "COMPLETED"
        and (deployment is None or _primary(service).get("id") == deployment)
    )


def _has_failed(service: Any, deployment: str | None) -> bool:
    primary = _primary(service)
    has_failed = primary.get("rolloutState") == "FAILED" or primary.get("failedTasks", 0) >= _FAILED_TASKS
    return has_failed and (deployment is None or primary.get("id") == deployment)

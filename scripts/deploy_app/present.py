"""Present: what runs on a platform now, which an update has to keep or to make again."""

from typing import Final

import boto3
from botocore.exceptions import ClientError

from scripts.deploy_app.stack import State
from scripts.platform.errors import aws_errors, code_of

_ENDED: Final = frozenset({"TERMINATING", "TERMINATED", "TERMINATED_WITH_ERRORS"})


def producer_count(session: boto3.Session, state: State) -> str | None:
    """How many tasks the producer's service is to have now; None where there is no service.

    Raises:
        PlatformError: AWS refuses.
    """
    cluster, service = state.outputs.get("ProducerCluster"), state.outputs.get("ProducerService")
    if not cluster or not service:
        return None
    with aws_errors(f"look up the producer's service {service}"):
        try:
            found = session.client("ecs").describe_services(cluster=cluster, services=[service])["services"]
        except ClientError as error:
            if code_of(error) == "ClusterNotFoundException":
                return None
            raise
    active = [each for each in found if each["status"] == "ACTIVE"]
    return str(active[0]["desiredCount"]) if active else None


def cluster_has_ended(session: boto3.Session, state: State) -> bool:
    """Whether the stack has a cluster that has ended, as an idle one does by itself.

    Raises:
        PlatformError: AWS refuses.
    """
    cluster = state.outputs.get("ClusterId")
    if not cluster:
        return False
    with aws_errors(f"look up the cluster {cluster}"):
        found = session.client("emr").describe_cluster(ClusterId=cluster)["Cluster"]
    return found["Status"]["State"] in _ENDED

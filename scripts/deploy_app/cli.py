"""The command line of deploy."""

import sys
import time
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from pricestream.errors import PricestreamError, SettingsError
from scripts.deploy_app.closing import close
from scripts.deploy_app.deployment import Deployment
from scripts.deploy_app.removal import remove
from scripts.deploy_app.template import Template, parse_parameters
from scripts.platform.session import open_session
from scripts.platform.stack import STACK

_INFRA = Path(__file__).resolve().parents[2] / "infra"


def deploy(
    stack: Annotated[str, typer.Option(help="What the platform, and its stream, is called.")] = STACK,
    region: Annotated[str | None, typer.Option(help="Where; your AWS set-up's, if none is given.")] = None,
    compute: Annotated[
        Literal["cluster", "serverless"] | None,
        typer.Option(help="Where the jobs run: an EMR cluster, or EMR Serverless.", show_default=False),
    ] = None,
    email: Annotated[str | None, typer.Option(help="Who is told of alarms.", show_default=False)] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE", help="A parameter of infra/platform.yaml or watch.yaml, which say them all."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    delete: Annotated[bool, typer.Option("--delete", help="Delete the platform; its bucket stays.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --delete: mean it.")] = False,
) -> None:
    """Make the platform on AWS, or bring it up to date: infra/platform.yaml, and infra/watch.yaml to watch it.

    What is not given stays as it was, and so does the producer, running or not. A cluster that has ended since it was
    idle is made again. You need the rights to make what the templates name, roles among it; where the account has never
    used ECS or EMR, also iam:CreateServiceLinkedRole, since these services then make a role of their own as you.

    Exit codes: 0 done, or nothing to do; 2 a wrong option; 7 AWS refuses or a resource failed; 130 cut short by Ctrl-C,
    with which AWS goes on; 1 anything else.
    """
    console = Console()
    try:
        if yes and not delete:
            raise SettingsError("--yes goes with --delete only")
        session = open_session(region)
        if delete:
            remove(session, stack, console, time.sleep, sure=yes)
            return
        platform, watch = Template.read(_INFRA / "platform.yaml"), Template.read(_INFRA / "watch.yaml")
        given = parse_parameters(parameter or [], platform, watch)
        given |= {"Compute": compute} if compute else {}
        given |= {"Email": email} if email else {}
        deployment = Deployment(session, stack, platform, watch, given, console, time.sleep)
        if dry_run:
            deployment.preview()
            return
        state = deployment.run()
        where = session.client("cloudformation").meta.region_name
        close(console, state, stack=stack, region=where, email=email)
    except PricestreamError as error:
        sys.stderr.write(f"deploy: {error}\n")
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        sys.stderr.write("deploy: cut short; AWS goes on with what it has begun, run this again to see\n")
        raise typer.Exit(130) from None

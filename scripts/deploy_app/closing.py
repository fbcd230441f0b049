"""Closing: what a deployed platform is, and what to do next."""

from rich.console import Console
from rich.table import Table

from scripts.deploy_app.stack import State
from scripts.platform.stack import STACK


def close(console: Console, state: State, *, stack: str, region: str, email: str | None) -> None:
    """Show the outputs, and say what comes next."""
    table = Table(title=f"{stack} in {region}", title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in sorted(state.outputs.items()):
        table.add_row(name, value)
    console.print(table)
    for line in next_steps(state, stack=stack, region=region, email=email):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def next_steps(state: State, *, stack: str, region: str, email: str | None) -> list[str]:
    """Say what a person has to do now, a line each."""
    lines: list[str] = []
    if email:
        lines.append(f"AWS asks {email} whether it wants to be told of alarms; answer that mail.")
    secret = state.outputs.get("ApiKeySecret")
    if secret and state.parameters.get("ProducerApiKey", "yes") == "yes":
        # By a pipe, so that the key is in no shell's history and no list of processes.
        put = f"aws secretsmanager put-secret-value --region {region} --secret-id {secret}"
        lines += [
            "The CoinGecko key, where it is not there yet (or leave it out, with --parameter ProducerApiKey=no):",
            f'  read -rs key && printf %s "$key" | {put} --secret-string file:///dev/stdin',
        ]
    at = "" if stack == STACK else f" --stack {stack}"
    lines.append(f"Next: ./scripts/package, then ./scripts/submit{at} --config conf/emr.yaml")
    return lines

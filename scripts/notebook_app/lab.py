"""JupyterLab itself, on loopback, with the token that it makes."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import Final

from scripts.demo_app.errors import DemoError
from scripts.demo_app.signals import stop_on_signals
from scripts.local_env.checkout import Checkout

_LOOK_SECONDS: Final = 0.5
#: What it has to shut its kernels down, and with them what runs in them.
_STOP_SECONDS: Final = 60.0


def lab_command(checkout: Checkout, *, port: int, browser: bool) -> list[str]:
    """Give the command: the virtual environment's own Jupyter, asking nothing of the network."""
    return [
        str(checkout.python),
        "-m",
        "jupyterlab",
        f"--config={_conf(checkout) / 'jupyter_lab_config.json'}",
        f"--ServerApp.root_dir={checkout.root / 'notebooks'}",
        f"--ServerApp.port={port}",
        *([] if browser else ["--no-browser"]),
        # Root is who people are in a container; loopback and the token hold there too.
        *(["--allow-root"] if os.geteuid() == 0 else []),
    ]


def run_lab(checkout: Checkout, environ: Mapping[str, str], *, port: int, browser: bool) -> None:
    """Run it until Ctrl-C; what it says, its address with the token among it, goes to the terminal.

    Raises:
        DemoError: it ended by itself, and not well.
    """
    stop = Event()
    # The kernel of these notebooks is that of this environment, whatever else the machine has under the same name.
    own = {"JUPYTER_PREFER_ENV_PATH": "1", "JUPYTER_CONFIG_PATH": str(_conf(checkout))}
    environ = {**environ, **own}
    with stop_on_signals(stop):
        # Apart from the terminal's group: Ctrl-C reaches us alone, and Jupyter does not ask back.
        lab = subprocess.Popen(  # noqa: S603 the environment's own
            lab_command(checkout, port=port, browser=browser), env=dict(environ), cwd=checkout.root, process_group=0
        )
        while lab.poll() is None and not stop.wait(_LOOK_SECONDS):
            pass
        if lab.poll() is None:
            lab.terminate()
            try:
                lab.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                lab.kill()
                lab.wait()
        elif lab.returncode:
            raise DemoError(f"JupyterLab ended with exit code {lab.returncode}; what it said stands above")


def _conf(checkout: Checkout) -> Path:
    return checkout.root / "conf" / "jupyter"

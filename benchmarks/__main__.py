"""``python -m benchmarks``; ``./scripts/bench`` is how to run it."""

import typer

from benchmarks.cli import bench

typer.run(bench)

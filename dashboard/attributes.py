"""Attributes of HTML that Dash's components take by a name with a hyphen in it."""

from typing import Any


def aria(**names: str) -> Any:
    """Say something to screen readers: ``aria(label="Coins")`` is ``aria-label``."""
    return {f"aria-{name}": value for name, value in names.items()}


def data(**names: str) -> Any:
    """Say something to the page's script: ``data(language="es")`` is ``data-language``."""
    return {f"data-{name}": value for name, value in names.items()}

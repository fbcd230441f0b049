"""Checkout: where the project lies, and the settings that drills begin with."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
LOCAL_SETTINGS: Final = ROOT / "conf" / "local.yaml"

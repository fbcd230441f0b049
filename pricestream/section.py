"""What every part of the settings shares: unknown keys are refused, ids and intervals are checked."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from pricestream.interval import interval_seconds
from pricestream.tick import is_valid_id

_DAY_SECONDS = 86_400


def _check_id(text: str) -> str:
    if not is_valid_id(text):
        raise ValueError("must be lower case letters, digits, '.', '_' or '-', such as bitcoin")
    return text


def _check_interval(name: str) -> str:
    if _DAY_SECONDS % interval_seconds(name):
        raise ValueError("must divide a day evenly, such as 1m, 5m, 1h or 1d")
    return name


Id = Annotated[str, AfterValidator(_check_id)]
Interval = Annotated[str, AfterValidator(_check_interval)]


class Section(BaseModel):
    """A part of the settings file: unknown keys are refused, values are fixed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

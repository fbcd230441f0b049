"""The settings of alerts: which events are told, and to whom."""

from typing import Final, Literal

from pydantic import Field, model_validator

from pricestream.section import Id, Interval, Section

#: What a rule's ``value`` is, by ``when``; what is not here takes none.
VALUES: Final = {
    "above": "a price in vs_currency",
    "below": "a price in vs_currency",
    "change": "a change in percent",
    "lag": "a lag in seconds",
}


class AlertRule(Section):
    """One event to be told of."""

    #: In the alert's text and id, such as ``btc-high``; each rule has its own.
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    #: ``above``, ``below``: a window closes beyond the price, and the coin's bar before did not. ``change``: a bar's
    #: close lies that far from its open, up or down. ``anomaly``: a bar is marked as one. ``stale``: a coin had no
    #: fresh price for long, and had one a window before. ``lag``: nothing new was read for so many seconds.
    when: Literal["above", "below", "change", "anomaly", "stale", "lag"]
    value: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    #: None is every coin, which a price cannot be for.
    coins: list[Id] | None = Field(default=None, min_length=1)
    #: None is every currency.
    vs_currency: Id | None = None
    #: Bars of which interval are looked at; None is the base interval.
    interval: Interval | None = None

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> "AlertRule":
        if self.when in VALUES and self.value is None:
            raise ValueError(f"when {self.when} needs a value: {VALUES[self.when]}")
        if self.when not in VALUES and self.value is not None:
            raise ValueError(f"when {self.when} takes no value; leave it out")
        if self.when in ("above", "below") and not (self.coins and self.vs_currency):
            raise ValueError(f"when {self.when} needs coins and vs_currency: a price is one coin's in one currency")
        if self.when == "lag" and (self.coins or self.vs_currency or self.interval):
            raise ValueError("when lag is about the stream; leave coins, vs_currency and interval out")
        return self


class AlertSettings(Section):
    """Rules, and where alerts go: to each of these places at least once, with an id that stays the same."""

    rules: list[AlertRule] = Field(default_factory=list)
    #: A line in the job's log.
    log: bool = True
    #: The name of the environment variable with the address of a webhook, which often holds a key; None sends none.
    webhook_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    #: An SNS topic.
    sns_topic: str | None = Field(default=None, pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]+$")

    @model_validator(mode="after")
    def _names_are_apart(self) -> "AlertSettings":
        names = [rule.name for rule in self.rules]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"rules: the name {twice[0]} is there twice")
        return self

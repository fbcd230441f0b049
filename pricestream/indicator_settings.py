"""The settings of what is computed over several bars."""

from pydantic import Field, model_validator

from pricestream.section import Section


class IndicatorSettings(Section):
    """Over how many bars each indicator goes, and how far back any of them may look."""

    #: Simple and exponential moving average, Bollinger bands.
    bars: int = Field(default=20, ge=2, le=500)
    #: Half the width of the Bollinger bands, in standard deviations.
    bollinger_width: float = Field(default=2, gt=0, allow_inf_nan=False)
    rsi_bars: int = Field(default=14, ge=2, le=500)
    #: How many returns before a bar's own its anomaly is measured against.
    anomaly_bars: int = Field(default=30, ge=3, le=500)
    #: From which robust z-score on a return is an anomaly.
    anomaly_score: float = Field(default=5, gt=0, allow_inf_nan=False)
    #: How many windows back, its own included, a bar looks at most. It is also how long after its last
    #: bar a coin that has no tick gets gap rows.
    lookback_bars: int = Field(default=100, ge=3, le=1_000)
    #: A coin is stale when it had no fresh price for so many times its usual spacing.
    stale_spacings: float = Field(default=5, ge=1, allow_inf_nan=False)

    @model_validator(mode="after")
    def _lookback_covers_each(self) -> "IndicatorSettings":
        # A change needs two bars, and an anomaly the returns before the bar's own.
        needs = {"bars": self.bars, "rsi_bars": self.rsi_bars + 1, "anomaly_bars": self.anomaly_bars + 2}
        for name, least in needs.items():
            if self.lookback_bars < least:
                raise ValueError(f"lookback_bars is {self.lookback_bars}, but {name} needs {least} or more")
        return self

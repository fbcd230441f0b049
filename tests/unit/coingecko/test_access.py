import pytest

from coingecko.access import base_url, key_header
from pricestream.errors import SettingsError
from pricestream.producer_settings import CoinGeckoSettings

SECRET = "CG-very-secret"


def test_each_plan_has_its_host_and_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", f" {SECRET}\n")

    def plan(name: str, **more: str) -> CoinGeckoSettings:
        return CoinGeckoSettings.model_validate({"plan": name, "api_key_env": "MY_KEY", **more})

    assert key_header(plan("keyless")) is None
    assert key_header(plan("demo")) == ("x-cg-demo-api-key", SECRET)
    assert key_header(plan("pro")) == ("x-cg-pro-api-key", SECRET)
    assert base_url(plan("keyless")) == base_url(plan("demo")) == "https://api.coingecko.com/api/v3"
    assert base_url(plan("pro")) == "https://pro-api.coingecko.com/api/v3"
    assert base_url(plan("pro", base_url="http://127.0.0.1:1")) == "http://127.0.0.1:1"
    for bad in ("", "a\nb", "schlüssel"):
        monkeypatch.setenv("MY_KEY", bad)
        with pytest.raises(SettingsError, match="MY_KEY") as caught:
            key_header(plan("demo"))
        assert not bad or bad not in str(caught.value)

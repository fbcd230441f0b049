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


@pytest.mark.parametrize(
    "address", ["http://api.example", "ftp://127.0.0.1", "api.example", "http://127.0.0.1.example", "http://["]
)
def test_a_key_goes_out_in_the_clear_on_this_machine_only(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COINGECKO_API_KEY", SECRET)
    for fine in ("https://api.example/v3", "http://127.0.0.1:1", "http://localhost:1/api", "http://[::1]:1"):
        assert key_header(CoinGeckoSettings(plan="pro", base_url=fine)) == ("x-cg-pro-api-key", SECRET)
    with pytest.raises(SettingsError, match=r"base_url.*https") as caught:
        key_header(CoinGeckoSettings(plan="pro", base_url=address))
    assert SECRET not in str(caught.value)
    # Without a key there is nothing to hide.
    assert key_header(CoinGeckoSettings(plan="keyless", base_url=address)) is None

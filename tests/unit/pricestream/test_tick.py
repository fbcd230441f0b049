import json

import pytest

from pricestream.tick import HEARTBEAT_ID, Tick, heartbeat, is_valid_id


def test_a_tick_is_written_as_the_contract_says() -> None:
    tick = Tick("bitcoin", "usd", 49357.5, 1621087800000, 1621087816000, "p1", 7, "coingecko", volume_24h=1.5)
    assert tick.to_json() == (
        b'{"v":1,"coin_id":"bitcoin","vs_currency":"usd","price":49357.5,"event_time":1621087800000,'
        b'"polled_at":1621087816000,"producer_id":"p1","seq":7,"source":"coingecko","market_cap":null,'
        b'"volume_24h":1.5,"change_24h_pct":null,"event_seq":null}'
    )


@pytest.mark.parametrize("price", [1e-15, 0.1, 0.00141342, 123456789.123, 1e9])
def test_a_price_survives_the_wire_to_the_bit(price: float) -> None:
    tick = Tick("bitcoin", "usd", price, 1, 1, "p1", 1, "replay")
    assert json.loads(tick.to_json())["price"] == price


def test_a_heartbeat_carries_the_clock_and_no_price() -> None:
    record = json.loads(heartbeat(clock_ms=1621087816000, producer_id="p1", seq=8, source="replay").to_json())
    assert (record["event_time"], record["polled_at"], record["price"]) == (1621087816000, 1621087816000, None)
    assert not is_valid_id(record["coin_id"])
    assert record["coin_id"] == HEARTBEAT_ID


@pytest.mark.parametrize("text", ["bitcoin", "usd-coin", "0x", "a.b_c", "a" * 128])
def test_ids_that_coingecko_uses_are_valid(text: str) -> None:
    assert is_valid_id(text)


@pytest.mark.parametrize("text", ["", "Bitcoin", "../x", "a/b", "=1+1", "a\n", "a" * 129, "_heartbeat", "ä"])
def test_ids_that_could_do_harm_are_not(text: str) -> None:
    assert not is_valid_id(text)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.address import LOOKS, SORTS, Choice, read, settle, write
from dashboard.model import Market

CHOICES = st.builds(
    Choice,
    coin_id=st.none() | st.text(min_size=1, max_size=128),
    vs_currency=st.none() | st.text(min_size=1, max_size=20),
    interval=st.none() | st.sampled_from(["1m", "1h"]),
    last=st.sampled_from(LOOKS),
    sort=st.sampled_from(SORTS),
    page=st.integers(1, 1000),
)


@given(CHOICES)
def test_what_is_written_is_read(choice: Choice) -> None:
    assert read(write(choice)) == choice


def test_what_everybody_gets_is_left_out() -> None:
    assert write(Choice(coin_id="bitcoin", vs_currency="usd", interval="5m")) == "?coin=bitcoin&in=usd&interval=5m"
    assert Choice(coin_id="a&b").but(page=2) == "?coin=a%26b&page=2"


@pytest.mark.parametrize(
    "query",
    [None, "", "?", "?x=1", "?last=7&sort=evil&page=0", "?page=-1", "?page=99999999999999", "?last=60.5", "?page=²",
     "?" + "&".join(f"a{number}=1" for number in range(50)), "?coin=" + "x" * 1000, "?%ff=%ff&;;;==="],
)  # fmt: skip
def test_what_makes_no_sense_is_as_if_it_were_not_there(query: str | None) -> None:
    assert read(query) == Choice()


MARKETS = (Market("solana", "eur"), Market("bitcoin", "eur"), Market("bitcoin", "usd"))


@pytest.mark.parametrize(
    ("query", "expected"),
    [("", ("solana", "eur", "1m")), ("?coin=bitcoin", ("bitcoin", "eur", "1m")), ("?coin=new", ("new", "usd", "1m")),
     ("?coin=bitcoin&in=usd&interval=1h", ("bitcoin", "usd", "1h")), ("?interval=9d", ("solana", "eur", "1m"))],
)  # fmt: skip
def test_what_is_open_is_filled_in(query: str, expected: tuple[str, str, str]) -> None:
    settled = settle(read(query), MARKETS, ("1m", "1h"))
    assert (settled.coin_id, settled.vs_currency, settled.interval) == expected


def test_in_an_empty_lake_there_is_nothing_to_fill_in() -> None:
    assert settle(Choice(interval="1m"), (), ()) == Choice()

from dashboard.listing import make_page
from dashboard.model import CoinRow, Market


def row(coin: str, change: float | None = 0.0, currency: str = "usd") -> CoinRow:
    return CoinRow(Market(coin, currency), 1.0, change, (), 0)


ROWS = [row("bitcoin", 2.0), row("dogecoin", -3.0), row("aave", None), row("bitcoin", 1.0, "eur"), row("Bit", 0.0)]


def names(text: str = "", sort: str = "name", number: int = 1, listed: tuple[str, ...] = ()) -> list[str]:
    return ["/".join(each.market) for each in make_page(ROWS, text=text, sort=sort, number=number, listed=listed).rows]


def test_coins_are_ordered_by_the_settings_and_then_by_name() -> None:
    assert names(sort="listed", listed=("dogecoin", "bitcoin")) == [
        "dogecoin/usd",
        "bitcoin/eur",
        "bitcoin/usd",
        "Bit/usd",
        "aave/usd",
    ]
    assert names() == ["Bit/usd", "aave/usd", "bitcoin/eur", "bitcoin/usd", "dogecoin/usd"]


def test_what_has_no_change_is_last_either_way() -> None:
    assert names(sort="up") == ["bitcoin/usd", "bitcoin/eur", "Bit/usd", "dogecoin/usd", "aave/usd"]
    assert names(sort="down") == ["dogecoin/usd", "Bit/usd", "bitcoin/eur", "bitcoin/usd", "aave/usd"]


def test_every_word_must_be_found_in_any_case_the_currency_too() -> None:
    assert names("BIT") == ["Bit/usd", "bitcoin/eur", "bitcoin/usd"]
    assert names("eur bit") == ["bitcoin/eur"]
    assert names("  ") == names()
    assert names(".*") == []


def test_pages_are_of_fifty() -> None:
    rows = [row(f"coin-{number:04d}") for number in range(101)]
    pages = [make_page(rows, text=None, sort="name", number=number) for number in (1, 2, 3, 99, 0)]
    assert [(len(page.rows), page.first, page.number, page.pages, page.found) for page in pages] == [
        (50, 1, 1, 3, 101), (50, 51, 2, 3, 101), (1, 101, 3, 3, 101), (1, 101, 3, 3, 101), (50, 1, 1, 3, 101),
    ]  # fmt: skip


def test_an_empty_list_has_one_empty_page() -> None:
    page = make_page([], text=None, sort="up", number=4)
    assert (page.rows, page.first, page.number, page.pages) == ((), 0, 1, 1)

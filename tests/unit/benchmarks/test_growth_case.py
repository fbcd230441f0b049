"""The cases of growth."""

import pytest

from benchmarks.growth_case import Case, series_of


def test_each_series_changes_one_thing_and_shares_a_case_with_the_others() -> None:
    series = series_of(2, is_quick=False)
    assert list(series["history"].values()) == [Case(0, 1_000, 2), Case(30, 1_000, 2), Case(365, 1_000, 2)]
    assert list(series["coins"].values()) == [Case(0, 10, 2), Case(0, 1_000, 2), Case(0, 10_000, 2)]
    assert series["cores"] == {"1 core": Case(0, 1_000, 1), "2 cores": Case(0, 1_000, 2)}


def test_the_quick_form_leaves_out_what_takes_longest() -> None:
    series = series_of(2, is_quick=True)
    assert list(series["history"]) == ["0 days", "30 days"]
    assert list(series["coins"]) == ["10 coins", "1,000 coins"]
    assert list(series) == ["history", "coins"]


@pytest.mark.parametrize(("cores", "those"), [(1, ["1 core"]), (8, ["1 core", "2 cores", "8 cores"])])
def test_no_more_cores_are_asked_for_than_there_are(cores: int, those: list[str]) -> None:
    assert list(series_of(cores, is_quick=False)["cores"]) == those


def test_a_case_is_named_by_all_that_it_has() -> None:
    assert str(Case(365, 10_000, 1)) == "365 days, 10,000 coins, 1 core"

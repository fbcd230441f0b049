"""Statistics of runs, worked by hand."""

import pytest

from benchmarks.figure import Figure, figure_of, ratio


def test_the_median_and_the_spread_are_those_of_the_runs() -> None:
    figure = figure_of([4.0, 1.0, 2.0, 9.0, 3.0])
    assert (figure.median, figure.least, figure.most) == (3.0, 1.0, 9.0)
    # 8 from end to end, in parts of 3.
    assert figure.spread_pct == pytest.approx(266.6666667)


def test_the_median_of_an_even_number_of_runs_lies_between_the_two_in_the_middle() -> None:
    assert figure_of([1.0, 10.0, 2.0, 4.0]).median == 3.0


def test_what_was_measured_beside_is_taken_away_run_by_run() -> None:
    # Of the medians it would be 8 - 2: the first run was slow in both.
    assert Figure((12.0, 8.0, 7.0)).less(Figure((6.0, 2.0, 1.0))) == Figure((6.0, 6.0, 6.0))


def test_runs_that_have_no_fellow_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        Figure((1.0, 2.0)).less(Figure((1.0,)))


def test_a_figure_of_no_run_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a run"):
        figure_of([])


def test_a_ratio_is_of_medians_and_of_nothing_there_is_none() -> None:
    assert ratio(Figure((6.0, 5.0, 100.0)), Figure((2.0, 2.0, 1.0))) == 3.0
    assert ratio(Figure((6.0,)), Figure((0.0,))) is None
    # Less than nothing took what is a difference of two that did not differ.
    assert ratio(Figure((6.0,)), Figure((-1.0,))) is None

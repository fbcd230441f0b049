import pytest

from pricestream.cli import exit_code_of
from pricestream.errors import StreamError


def test_success_is_zero() -> None:
    assert exit_code_of(lambda: None) == 0


def test_a_mistake_is_one_line_and_its_own_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        raise StreamError("stream x does not exist")

    assert exit_code_of(work) == 4
    assert capsys.readouterr().err == "error: stream x does not exist\n"


def test_a_defect_of_ours_is_not_hidden() -> None:
    def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        exit_code_of(work)

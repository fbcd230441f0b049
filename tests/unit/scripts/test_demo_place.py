from pathlib import Path

import pytest

from scripts.demo_app.errors import DemoError
from scripts.demo_app.place import prepare


def test_a_new_folder_is_made_with_room_for_logs(tmp_path: Path) -> None:
    with prepare(tmp_path / "deep" / "demo", keep=False) as place:
        place.log("job").write_text("said")
        assert place.root.is_dir()


def test_what_an_earlier_demo_left_is_gone(tmp_path: Path) -> None:
    with prepare(tmp_path / "demo", keep=False) as place:
        place.csv.mkdir()
        (place.csv / "bars.csv").touch()
        place.stop_file.touch()
    with prepare(tmp_path / "demo", keep=False) as place:
        assert not place.csv.exists()
        assert not place.stop_file.exists()


def test_a_folder_of_a_persons_own_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    for keep in (False, True):
        with pytest.raises(DemoError, match="not made by the demo"), prepare(tmp_path, keep=keep):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_an_empty_folder_will_do(tmp_path: Path) -> None:
    with prepare(tmp_path, keep=False) as place:
        assert place.root == tmp_path


def test_a_link_in_the_folder_goes_but_not_what_it_leads_to(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine").touch()
    with prepare(tmp_path / "demo", keep=False) as place:
        (place.root / "link").symlink_to(elsewhere)
    with prepare(tmp_path / "demo", keep=False) as place:
        assert not (place.root / "link").is_symlink()
    assert (elsewhere / "mine").exists()


def test_two_demos_do_not_share_a_folder(tmp_path: Path) -> None:
    root = tmp_path / "demo"
    with prepare(root, keep=False) as place:
        place.csv.mkdir()
        for keep in (False, True):
            with pytest.raises(DemoError, match="another demo is at work"), prepare(root, keep=keep):
                pass
        assert place.csv.exists()


def test_keep_moves_earlier_demos_aside(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        with prepare(tmp_path / "demo", keep=True) as place:
            place.report.write_text(str(number))
    reports = {path.parent.name: path.read_text() for path in tmp_path.glob("*/report.html")}
    assert reports == {"demo": "3", "demo-1": "1", "demo-2": "2"}


def test_a_folder_that_cannot_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DemoError) as raised, prepare(tmp_path / "file" / "demo", keep=False):
        pass
    assert "\n" not in str(raised.value)


def test_an_error_of_the_demo_itself_is_not_blamed_on_the_folder(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError, match="refused"), prepare(tmp_path / "demo", keep=False):
        raise ConnectionError("refused")

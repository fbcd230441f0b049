"""What is imported from an archive stays importable, and the list of its files is not read for it again."""

import importlib
import sys
import zipfile
from pathlib import Path
from zipimport import zipimporter

import pytest

from jobs.zip_finders import forget_zip_finders


def finders_below(archive: Path) -> list[str]:
    cache = sys.path_importer_cache
    return [path for path, finder in cache.items() if isinstance(finder, zipimporter) and path.startswith(str(archive))]


def test_a_package_in_an_archive_is_found_without_its_finder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "zipped.zip"
    with zipfile.ZipFile(archive, "w") as into:
        into.writestr("zipped_package/__init__.py", "")
        into.writestr("zipped_package/one.py", "number = 1\n")
        into.writestr("zipped_package/two.py", "number = 2\n")
    monkeypatch.syspath_prepend(str(archive))
    assert importlib.import_module("zipped_package.one").number == 1
    assert len(finders_below(archive)) == 2
    forget_zip_finders()
    assert finders_below(archive) == []
    # As Spark does before each task.
    importlib.invalidate_caches()
    assert importlib.import_module("zipped_package.two").number == 2

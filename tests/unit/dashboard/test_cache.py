import pyarrow as pa

from dashboard.cache import TableCache

ONE = pa.table({"x": [1, 2, 3]})


def test_only_the_version_that_is_asked_for_is_given() -> None:
    cache = TableCache(1000)
    cache.put("a", "1", ONE)
    assert cache.get("a", "1") is ONE
    assert cache.get("a", "2") is None
    assert cache.get("b", "1") is None


def test_what_was_not_asked_for_longest_goes_first() -> None:
    cache = TableCache(2 * ONE.nbytes)
    for key in "ab":
        cache.put(key, "1", ONE)
    cache.get("a", "1")
    cache.put("c", "1", ONE)
    assert [key for key in "abc" if cache.get(key, "1")] == ["a", "c"]
    assert cache.bytes == 2 * ONE.nbytes


def test_a_new_version_takes_the_place_of_the_old_one() -> None:
    cache = TableCache(1000)
    for version in "123":
        cache.put("a", version, ONE)
    assert cache.bytes == ONE.nbytes


def test_a_table_larger_than_the_bound_is_held_alone() -> None:
    cache = TableCache(1)
    cache.put("a", "1", ONE)
    cache.put("b", "1", ONE)
    assert cache.get("a", "1") is None
    assert cache.get("b", "1") is ONE

"""What the machine has received, read from a table as Linux writes it."""

from pathlib import Path

from benchmarks.network import received_bytes

_TABLE = """Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 8998381846 38839706    0    0    0     0          0         0 8998381846 38839706    0    0    0     0       0          0
  eth0: 1500 464807    0    0    0     0          0         0 18348635  199707    0    0    0     0       0          0
 wlan0:42 1    0    0    0     0          0         0 7  1    0    0    0     0       0          0
"""  # noqa: E501


def test_all_interfaces_count_but_loopback(tmp_path: Path) -> None:
    table = tmp_path / "dev"
    table.write_text(_TABLE, encoding="utf-8")
    assert received_bytes(table) == 1_542


def test_where_there_is_no_table_nothing_is_told(tmp_path: Path) -> None:
    assert received_bytes(tmp_path / "dev") is None

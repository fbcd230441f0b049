import re
from io import StringIO

from rich.console import Console

from scripts.demo_app.display import Display, job_line, moment, producer_line
from scripts.demo_app.reports import JobReport, ProducerReport

# 2026-01-05T09:00:00Z, by date -u -d @1767603600
NINE = 1_767_603_600_000
HALF_PAST = NINE + 30 * 60_000


def test_the_producers_line_counts_what_piles_up() -> None:
    report = ProducerReport(seq=2000, sent=1200, ticks=1234, last_heartbeat_ms=HALF_PAST)
    assert producer_line(report) == "1,234 ticks, market at 2026-01-05T09:30Z, 800 not sent yet"
    assert "not sent" not in producer_line(ProducerReport(seq=2000, sent=1500))


def test_the_jobs_line_says_how_far_windows_are_closed() -> None:
    report = JobReport(state="running", rows=1200, bars=30, csv_files=2, watermark_ms=NINE)
    assert job_line(report) == "1,200 records, 30 bars, 2 files, closed to 2026-01-05T09:00Z"
    assert "closed" not in job_line(JobReport(state="running"))
    assert job_line(JobReport()) == "starting Spark"


def test_a_market_without_a_clock_is_at_its_start() -> None:
    assert moment(None) == "its start"


def test_in_a_log_there_is_a_line_now_and_then_and_only_with_news() -> None:
    now = 0.0
    out = StringIO()
    reports = [(1, 10), (5, 20), (6, 30), (9.9, 40), (10, 50), (20, 50)]
    with Display(Console(file=out, width=200), None, lambda: now) as display:
        for now, rows in reports:  # noqa: B007 the clock reads it
            display.show(ProducerReport(seq=99, sent=99), JobReport(state="running", rows=rows))
    assert re.findall(r"^ *(\d+) s .* (\d+) records", out.getvalue(), re.MULTILINE) == [
        ("5", "20"),
        ("10", "50"),
    ]


def test_a_producer_that_cannot_start_is_quoted() -> None:
    now = 0.0
    out = StringIO()
    with Display(Console(file=out, width=200), None, lambda: now) as display:
        now = 6.0
        display.show(ProducerReport(), JobReport(), note="WARNING [no network]")
    assert "WARNING [no network]" in out.getvalue()


def test_on_a_terminal_the_bars_are_drawn_and_taken_away() -> None:
    out = StringIO()
    console = Console(file=out, width=160, force_terminal=True, color_system=None)
    with Display(console, 3_600_000) as display:
        report = ProducerReport(seq=20, sent=20, ticks=19, first_event_ms=NINE, last_heartbeat_ms=HALF_PAST)
        display.show(report, JobReport(state="running", rows=10))
        display._progress.refresh()
        producer, job = display._progress.tasks
        assert (producer.percentage, job.percentage) == (50, 50)
        display.say("A line above")
    assert "19 ticks" in out.getvalue()
    assert "A line above" in out.getvalue()

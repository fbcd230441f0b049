"""Table: results as Markdown, and as a document of JSON."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.figure import Figure, ratio
from benchmarks.result import Measured, Result


def document_of(results: Sequence[Result], about: Mapping[str, Any]) -> dict[str, Any]:
    """Make a document of everything that was measured: every run, and what comes of them.

    Args:
        results: of the run.
        about: when and on what it ran.
    """
    return {**about, "benchmarks": [_entry(each) for each in results]}


def _entry(result: Result) -> dict[str, Any]:
    return {
        "name": result.name,
        "what": result.what,
        "size": dict(result.size),
        "versions": result.versions,
        "load": result.load,
        "checked": result.checked,
        "absent": result.absent,
        "measured": [_measured_entry(result, each) for each in result.measured],
        "details": result.details,
    }


def _measured_entry(result: Result, measured: Measured) -> dict[str, Any]:
    figure = measured.figure
    return {
        "setting": measured.setting,
        "contender": measured.contender,
        "unit": measured.unit,
        "median": figure.median,
        "least": figure.least,
        "most": figure.most,
        "spread_pct": round(figure.spread_pct, 1),
        "runs": list(figure.values),
        "ratios": dict(_ratios(result, measured)),
        "note": measured.note,
    }


def _ratios(result: Result, measured: Measured) -> Iterator[tuple[str, float]]:
    for name in measured.against:
        other = result.find(measured.setting, name)
        value = ratio(measured.figure, other.figure) if other else None
        if value is not None:
            yield name, value


def markdown_of(results: Sequence[Result], about: Mapping[str, Any]) -> str:
    """Write the results as Markdown: what they were measured on, then a table for each benchmark."""
    return "\n".join([*_head(about), *(line for each in results for line in _section(each))]) + "\n"


def _head(about: Mapping[str, Any]) -> Iterator[str]:
    machine = about["machine"]
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    yield f"Measured {about['began']} on commit {about['commit']}: {machine['processor']}, {machine['cores']} cores, "
    yield f"{machine['memory_gib']} GiB, {machine['system']}, Python {machine['python']}, "
    yield f"Java {machine['java']}, {packages}."


def _section(result: Result) -> Iterator[str]:
    yield ""
    size = ", ".join(
        f"{value:,} {name}" if isinstance(value, int) else f"{name} {value}" for name, value in _size(result)
    )
    yield f"### {result.name}"
    yield ""
    yield f"{result.what}. {size}."
    yield ""
    yield "| setting | contender | median | least to most | runs | ratio |"
    yield "| --- | --- | ---: | ---: | ---: | --- |"
    yield from (_line(result, each) for each in result.measured)
    yield ""
    yield from (f"* Compared: {each}." for each in result.checked)
    yield from (f"* Not there: {name}: {why}" for name, why in result.absent.items())
    yield from (f"* {each.setting}, {each.contender}: {each.note}." for each in result.measured if each.note)
    yield from (f"* {each}." for each in result.notes)
    if result.versions:
        yield f"* Versions: {', '.join(f'{name} {number}' for name, number in result.versions.items())}."
    if result.load:
        before, after = (result.load[when]["one_minute"] for when in ("before", "after"))
        yield f"* Load of the minute before it: {before}; of its last minute, itself included: {after}."


def _size(result: Result) -> list[tuple[str, Any]]:
    return list(result.size.items())


def _line(result: Result, measured: Measured) -> str:
    ratios = ", ".join(f"{value:.2f} x {name}" for name, value in _ratios(result, measured))
    figure, unit = measured.figure, measured.unit
    cells = (
        measured.setting,
        measured.contender,
        f"{number(figure.median)} {unit}",
        _spread(figure),
        str(len(figure.values)),
        ratios,
    )
    return f"| {' | '.join(cells)} |"


def _spread(figure: Figure) -> str:
    return f"{number(figure.least)} to {number(figure.most)}"


def number(value: float) -> str:
    """Write a number with three digits that count, and no fewer where it is whole."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3g}"

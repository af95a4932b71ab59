"""What was measured: a row for each claim, printed as a table and kept as a dated file."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

HEAD = ("what", "measured", "beside", "ratio", "must reach", "")


@dataclass(frozen=True, slots=True)
class Row:
    """One claim. `ratio` is ours to the other's; `must` is what it has to reach, and `ok` whether it does."""

    what: str
    measured: float
    unit: str
    beside: float | None = None
    beside_what: str = ""
    ratio: float | None = None
    must: str = ""
    ok: bool | None = None
    details: dict[str, object] = field(default_factory=dict)

    def cells(self) -> tuple[str, ...]:
        beside = f"{spoken(self.beside)} {self.beside_what}" if self.beside is not None else self.beside_what
        verdict = {True: "pass", False: "FAIL", None: ""}[self.ok]
        ratio = f"{self.ratio:.2f}" if self.ratio is not None else ""
        return self.what, f"{spoken(self.measured)} {self.unit}", beside, ratio, self.must, verdict


def at_least(what: str, measured: float, unit: str, beside: float, beside_what: str, least: float | None) -> Row:
    """A row whose ratio to something else in the same run must not be below `least`."""
    ratio = measured / beside if beside else 0.0
    must, ok = ("", None) if least is None else (f"{least:.2f}", ratio >= least)
    return Row(what, measured, unit, beside, beside_what, ratio, must, ok)


def at_most(what: str, measured: float, unit: str, most: float, **details: object) -> Row:
    """A row that must not be above a fixed limit."""
    return Row(what, measured, unit, must=f"at most {spoken(most)} {unit}", ok=measured <= most, details=details)


def middle(values: Iterable[float]) -> float:
    return median(values)


def spoken(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def table(rows: Sequence[Row]) -> str:
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    padded = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    shown = [f"| {' | '.join(cells)} |" for cells in padded]
    return "\n".join([shown[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *shown[1:]])


def write(folder: Path, name: str, machine: dict[str, str], rows: Sequence[Row]) -> Path:
    """Keeps the table for people, and the same with all details for programs."""
    folder.mkdir(exist_ok=True)
    facts = "\n".join(f"- {fact}: {value}" for fact, value in machine.items())
    page = folder / f"{name}.md"
    page.write_text(f"# Benchmark of {name[:10]}\n\n{facts}\n\n{table(rows)}\n")
    kept = {"machine": machine, "rows": [asdict(row) for row in rows]}
    (folder / f"{name}.json").write_text(json.dumps(kept, indent=1) + "\n")
    return page

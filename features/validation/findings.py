"""What a check finds: rows that break a rule, what is worth a warning, and the report of both."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime

import ibis.expr.types as ir
import pyarrow as pa

MAX_EXAMPLES = 3
"""The number of rows that are shown of a broken rule."""


@dataclass(frozen=True)
class Finding:
    """A rule that some rows break.

    Attributes:
        key: the name of the rule in ripple.toml.
        remedy: what to do about it.
        count: the number of rows that break it.
        examples: some of these rows.
        set_aside: whether these rows are left out rather than stopping the work.
        warning: whether these rows are used as they are.
    """

    key: str
    remedy: str
    count: int
    examples: list[dict[str, object]]
    set_aside: bool
    warning: bool = False

    def __str__(self) -> str:
        rows = "".join(f"\n    {_row(example)}" for example in self.examples)
        verdict = "set aside" if self.set_aside else self.remedy
        return f"{self.key}: {self.count:,} row{'s' * (self.count != 1)}; {verdict}{rows}"


@dataclass(frozen=True)
class Report:
    """The result of checking a dataset.

    Attributes:
        rows: by table, the number of rows.
        start: the beginning of the day of the first event.
        end: the end of the data, after which nothing may have happened.
        findings: the rules that are broken.
        absent: tables of the contract that are not there.
        days: the number of events by day.
        notes: what else is odd about the data and does not stop the work, a line each.
    """

    rows: dict[str, int]
    start: datetime
    end: datetime
    findings: list[Finding]
    absent: list[str]
    days: Counter[date]
    notes: list[str] = field(default_factory=list)

    @property
    def violations(self) -> list[Finding]:
        """Findings that stop the work."""
        return [finding for finding in self.findings if not (finding.set_aside or finding.warning)]

    @property
    def set_aside(self) -> list[Finding]:
        """Findings whose rows are left out and counted."""
        return [finding for finding in self.findings if finding.set_aside]

    @property
    def warnings(self) -> list[str]:
        """What does not stop the work and should be looked at, a line each."""
        broken = [
            f"{finding.key}: {count_with_share(finding.count, self.rows[finding.key.partition('.')[0]])}; "
            f"{finding.remedy}"
            for finding in self.findings
            if finding.warning
        ]
        return broken + self.notes


def count_with_share(count: int, total: int, noun: str = "row") -> str:
    """Such as ``1,204 rows (3.1 %)``."""
    share = 100 * count / total if total else 0.0
    return f"{count:,} {noun}{'s' * (count != 1)} ({'under 0.1' if share < 0.1 else f'{share:.1f}'} %)"


def example_rows(rows: ir.Table) -> list[dict[str, object]]:
    """The first few of *rows*; what Python cannot hold, such as a time after the year 9999, is text."""
    odd = {
        name: rows[name].cast("string")
        for name, kind in rows.schema().items()
        if kind.is_interval() or kind.is_json() or kind.is_unknown() or kind.is_nested() or kind.is_binary()
    }
    first: pa.Table = (rows.mutate(**odd) if odd else rows).limit(MAX_EXAMPLES).to_pyarrow()
    values = {name: _as_python(first[name]) for name in first.column_names}
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]


def _as_python(column: pa.ChunkedArray) -> list[object]:
    try:
        values: list[object] = column.to_pylist()
    except (OverflowError, ValueError):
        values = column.cast(pa.string()).to_pylist()
    return values


def _row(example: dict[str, object]) -> str:
    return ", ".join(f"{name}={value}" for name, value in example.items())

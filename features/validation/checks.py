"""Runs the rules of the input contract on a dataset and reports the rows that break them.

All rules of a table are counted in one scan. pandera's Ibis backend runs a query per rule and collects
every row that breaks it; here only three examples of a broken rule ever leave the engine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa

from ripple.digests import code_digest, digest
from ripple.errors import InputError
from ripple.features.dataset import Dataset, Engine, open_dataset
from ripple.features.tables.contract import CONTRACT, EVENT_TABLES
from ripple.features.tables.engine import cached
from ripple.features.tables.sources.source import FILE
from ripple.features.tables.tables import Tables, union
from ripple.features.validation.incremental import NO_FILES, ValidatedFiles, read_validated_files
from ripple.features.validation.rules import NO_NULLS, Rule, rules, validate_rule_keys
from ripple.settings import Settings

MAX_EXAMPLES = 3
"""The number of rows that are shown of a broken rule."""
BROKEN = "__broken"
"""The prefix of the columns that mark the rows which break a rule."""
MIN_GAP_DAYS = 90
"""The number of days without any event beyond which a few rows are strays."""
MAX_STRAY_SHARE = 0.01
"""The share of all rows that strays make up at most."""


@dataclass(frozen=True)
class Finding:
    """A rule that some rows break.

    Attributes:
        key: the name of the rule in ripple.toml.
        remedy: what to do about it.
        count: the number of rows that break it.
        examples: some of these rows.
        set_aside: whether these rows are left out rather than stopping the work.
    """

    key: str
    remedy: str
    count: int
    examples: list[dict[str, object]]
    set_aside: bool

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
    """

    rows: dict[str, int]
    start: datetime
    end: datetime
    findings: list[Finding]
    absent: list[str]
    days: Counter[date]

    @property
    def violations(self) -> list[Finding]:
        """Findings that stop the work."""
        return [finding for finding in self.findings if not finding.set_aside]

    @property
    def set_aside(self) -> list[Finding]:
        """Findings whose rows are left out and counted."""
        return [finding for finding in self.findings if finding.set_aside]


def load(
    data: str | Path, settings: Settings, engine: Engine = "duckdb", cache: Path | None = None
) -> tuple[Dataset, Report]:
    """Open the dataset *data* and test every rule; the settings of the result name the end of the data.

    Rows that break a rule and may be set aside are left out.

    Args:
        cache: the dataset's folder for what is kept from run to run, or None to check everything.

    Raises:
        InputError: the dataset cannot be opened, or a rule is broken; the message lists every violation.
    """
    dataset, report = check(data, settings, engine, cache)
    if report.violations:
        count = len(report.violations)
        raise InputError(
            f"{dataset.place} breaks {count} rule{'s' * (count != 1)} of the input contract:\n"
            + "\n".join(f"  {finding}" for finding in report.violations)
        )
    return dataset, report


def check(
    data: str | Path, settings: Settings, engine: Engine = "duckdb", cache: Path | None = None
) -> tuple[Dataset, Report]:
    """Like `load`, but broken rules are only reported.

    With a *cache*, files in which an earlier check found nothing are not read again, as long as nothing is
    found in what was added to them.
    """
    dataset = replace(open_dataset(data, settings, engine), cache=cache)
    tables, check_everything = dataset.tables, partial(_checked, dataset, dataset, NO_FILES)
    if cache is None or set(tables.files) != set(tables.tables):
        return check_everything()
    schemas = [
        (name, files.definition, files.raw.schema, files.rows.schema())
        for name, files in tables.files.items()
    ]
    rules_digest, before = digest(code_digest(__name__), *schemas), read_validated_files(cache)
    if before and before.covers(rules_digest, tables):
        clean, report = _checked(dataset, dataset.limited_to_files(before.added_files(tables)), before)
        if report.findings or report.end < before.end:
            clean, report = check_everything()
    else:
        clean, report = check_everything()
    if not report.findings:
        files = {name: files.digests for name, files in tables.files.items()}
        ValidatedFiles(rules_digest, report.end, files, report.rows, report.days).write(cache)
    return clean, report


def _checked(dataset: Dataset, part: Dataset, before: ValidatedFiles) -> tuple[Dataset, Report]:
    """The *dataset* without rows to be set aside, and the rules that rows of its *part* break.

    The rest of it is what *before* covers.
    """
    tables = dataset.tables
    findings = list(_unreadable(part))
    unreadable = {finding.key.partition(":")[0] for finding in findings}
    days = before.days + _days(part.tables)
    start, last = _span(days, findings)
    end = dataset.settings.until or last
    rows: dict[str, int] = {}
    accepted: dict[str, ir.Table] = {}
    all_rules = list(rules(tables, accepted, end))
    validate_rule_keys(dataset.settings, all_rules)
    set_aside = dataset.settings.checks.set_aside
    for name in tables.tables:
        accepted[name], rows[name] = tables[name], before.rows.get(name, 0)
        if name not in part.tables:
            continue
        rules_of_table = [
            replace(rule, harmless=rule.harmless or rule.key in set_aside)
            for rule in all_rules
            # a value that cannot be read is reported once, not as a null as well
            if rule.table == name and not (rule.name == NO_NULLS and rule.place in unreadable)
        ]
        accepted[name], count, broken = _apply(tables[name], part.tables[name], rules_of_table)
        rows[name] += count
        findings += broken
    settings = dataset.settings.model_copy(update={"until": end})
    files = {name: files for name, files in tables.files.items() if accepted[name] is tables[name]}
    clean = replace(dataset, settings=settings, tables=Tables(accepted, files))
    return clean, Report(rows, start, end, findings, dataset.absent, days)


def _apply(table: ir.Table, added: ir.Table, rules: list[Rule]) -> tuple[ir.Table, int, list[Finding]]:
    """The rows of *table* without those set aside, the number of *added* rows, and the rules they break."""
    simple = {f"{BROKEN}{i}": rule for i, rule in enumerate(rules) if not rule.candidates}
    flagged = added.mutate(**{flag: rule.broken(added) for flag, rule in simple.items()})
    counts = _one(flagged.aggregate(rows=flagged.count(), **{flag: flagged[flag].sum() for flag in simple}))
    findings, set_aside = [], []
    for i, rule in enumerate(rules):
        candidates = table
        if rule.candidates:
            groups = table if added is table else table.semi_join(added, rule.group_by)
            candidates = rule.candidates(groups)
        rows = candidates.mutate(**{BROKEN: rule.broken(candidates)})
        rows = rows.filter(rows[BROKEN]).drop(BROKEN)
        count = _one(rows.aggregate(rows=rows.count()))["rows"] if rule.candidates else counts[f"{BROKEN}{i}"]
        if count:
            examples = _examples(rows.order_by(*table.columns))
            findings.append(Finding(rule.key, rule.remedy, count, examples, set_aside=rule.harmless))
            if rule.harmless:
                set_aside.append(rule)
    # rules that compare rows make this expensive, so the plain table stays where it is clean
    if set_aside:
        broken = table.mutate(**{f"{BROKEN}{i}": rule.broken(table) for i, rule in enumerate(set_aside)})
        flags = [broken[name].fill_null(False) for name in broken.columns if name not in table.columns]
        table = cached(broken.filter([~flag for flag in flags]).select(*table.columns))
    return table, counts["rows"], findings


def _one(aggregate: ir.Table) -> dict[str, Any]:
    """The only row of *aggregate*."""
    row: dict[str, Any] = aggregate.to_pyarrow().to_pylist()[0]
    return row


def _unreadable(dataset: Dataset) -> Iterator[Finding]:
    """The columns with values that could not be read as the type of the contract."""
    for name, problems in dataset.unreadable.items():
        for problem in problems:
            rows = problem.rows.drop(FILE) if FILE in problem.rows.columns else problem.rows
            if count := int(rows.count().to_pyarrow().as_py()):
                key = f"{name}.{problem.column}: {problem.expected}"
                yield Finding(key, problem.remedy, count, _examples(rows), set_aside=False)


def _days(tables: Tables) -> Counter[date]:
    """The number of events of each day."""
    dated = [
        tables[name].select(day=tables[name][column].date())
        for name in EVENT_TABLES
        if name in tables and (column := CONTRACT[name].time)
    ]
    if not dated:
        return Counter()
    days = union(dated)
    days = days.filter(days.day.notnull())
    counted = days.group_by("day").aggregate(rows=days.count()).to_pyarrow()
    return Counter(dict(zip(counted["day"].to_pylist(), counted["rows"].to_pylist(), strict=True)))


def _span(days: Counter[date], unreadable: list[Finding]) -> tuple[datetime, datetime]:
    """The day of the first event and the day after the last, stray rows far away apart.

    Rows are stray when they make up less than 1 % of all and lie beyond more than 90 days without any event.
    """
    if not days:
        details = "".join(f"\n  {finding}" for finding in unreadable)
        raise InputError(f"The tables hold no event with a time: nothing can be learnt from them.{details}")
    counts = sorted(days.items())
    first, last = _edge(counts[::-1]), _edge(counts)
    return datetime.combine(first, time()), datetime.combine(last, time()) + timedelta(days=1)


def _edge(counts: list[tuple[date, int]]) -> date:
    """The last day reached from the first before a gap behind which only stray rows lie."""
    total = sum(count for _, count in counts)
    last, reached = counts[0][0], 0
    for day, count in counts:
        if abs((day - last).days) > MIN_GAP_DAYS and reached > (1 - MAX_STRAY_SHARE) * total:
            break
        last, reached = day, reached + count
    return last


def _examples(rows: ir.Table) -> list[dict[str, object]]:
    examples: pa.Table = rows.limit(MAX_EXAMPLES).to_pyarrow()
    return examples.to_pylist()


def _row(example: dict[str, object]) -> str:
    return ", ".join(f"{name}={value}" for name, value in example.items())

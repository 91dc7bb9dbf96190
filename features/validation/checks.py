"""Runs the rules of the input contract on a dataset and reports the rows that break them.

All rules of a table are counted in one scan. pandera's Ibis backend runs a query per rule and collects
every row that breaks it; here only three examples of a broken rule ever leave the engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import ibis.expr.types as ir

from ripple.digests import code_digest, digest
from ripple.errors import InputError
from ripple.features.dataset import Dataset, Engine, open_dataset
from ripple.features.tables.engine import cached
from ripple.features.tables.sources.source import FILE, is_damage, reason
from ripple.features.tables.tables import Tables
from ripple.features.validation.currencies import mixed_currencies
from ripple.features.validation.event_days import events_by_day, period
from ripple.features.validation.findings import Finding, Report, example_rows
from ripple.features.validation.incremental import NO_FILES, ValidatedFiles, read_validated_files
from ripple.features.validation.remedies import conversion
from ripple.features.validation.rules import NO_NULLS, Rule, rules, validate_rule_keys
from ripple.features.validation.warnings import notes
from ripple.settings import Settings

BROKEN = "__broken"
"""The prefix of the columns that mark the rows which break a rule."""


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
    try:
        clean, report = _checked_since(dataset, cache)
    except duckdb.Error as error:
        if not is_damage(error):
            raise
        raise InputError(
            f"{dataset.place} cannot be read: {reason(error)}. A file may be damaged, or was changed "
            "meanwhile: write it anew."
        ) from error
    return clean, report if report.violations else replace(report, notes=list(notes(clean, report)))


def _checked_since(dataset: Dataset, cache: Path | None) -> tuple[Dataset, Report]:
    """The dataset and the report, from files that were added since the check that *cache* remembers."""
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
    days = before.days + events_by_day(part.tables)
    start, last = period(days, findings)
    findings += mixed_currencies(dataset)
    end = dataset.settings.until or last
    rows: dict[str, int] = {}
    accepted: dict[str, ir.Table] = {}
    all_rules = list(rules(tables, accepted, end, dataset.settings.checks))
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
            examples = example_rows(rows.order_by(*table.columns))
            warning = rule.warning and not rule.harmless
            findings.append(Finding(rule.key, rule.remedy, count, examples, rule.harmless, warning))
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
                remedy = conversion(name, problem)
                yield Finding(key, remedy, count, example_rows(rows), set_aside=False)

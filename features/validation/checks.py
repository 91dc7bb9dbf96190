"""The rules of the input contract, each an Ibis expression that is true for the rows breaking it.

All rules of a table are counted in one scan. pandera's Ibis backend runs a query per rule and collects
every offending row; here only three examples of a broken rule ever leave the engine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from ripple.digests import code_digest, digest
from ripple.errors import InputError
from ripple.features.dataset import Dataset, Engine, open_dataset
from ripple.features.expressions import LIMIT
from ripple.features.tables.contract import CONTRACT, EVENT_TABLES, TIERS
from ripple.features.tables.engine import cached
from ripple.features.tables.sources.source import FILE
from ripple.features.tables.tables import Tables, union
from ripple.features.validation.incremental import NOTHING, Checked, left_in
from ripple.settings import Settings
from ripple.suggestions import nearest

Predicate = Callable[[ir.Table], ir.BooleanValue]
EXAMPLES = 3
NO_NULLS = "no nulls"
NUMBER = f"a finite number below {LIMIT:,.0f}"
BROKEN = "__broken"
GAP_DAYS = 90
STRAY_SHARE = 0.01
PURCHASE = ("customer_id", "product")


@dataclass(frozen=True)
class Rule:
    """A condition every row must meet, told by the rows that break it."""

    table: str
    column: str
    name: str
    remedy: str
    broken: Predicate
    harmless: bool = False
    """Whether offending rows may be left out without asking: they say nothing that could be used."""
    among: Callable[[ir.Table], ir.Table] | None = None
    """For a rule that compares rows: the few that need comparing, from which the same ones break it."""
    by: tuple[str, ...] = ()
    """For such a rule: what the rows that are compared have in common."""

    @property
    def place(self) -> str:
        """The column of the rule, with its table."""
        return f"{self.table}.{self.column}"

    @property
    def key(self) -> str:
        """How ripple.toml names the rule."""
        return f"{self.place}: {self.name}"


@dataclass(frozen=True)
class Finding:
    """A rule that some rows break."""

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
    """What checking a dataset found."""

    rows: dict[str, int]
    start: datetime
    end: datetime
    findings: list[Finding]
    absent: list[str]
    days: Counter[date]
    """Events by day."""

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
    """Open and check the dataset *data*; rows that may be are set aside, the end of the data is settled.

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
    """Open the dataset *data* and test every rule; offending rows that may be set aside are left out.

    With a *cache*, files among which an earlier check found nothing are not looked at again, as long as
    nothing is found in what was added to them.
    """
    dataset = replace(open_dataset(data, settings, engine), cache=cache)
    tables, everything = dataset.tables, partial(_checked, dataset, dataset, NOTHING)
    if cache is None or set(tables.files) != set(tables.tables):
        return everything()
    looks = [(name, files.raw.schema, files.rows.schema()) for name, files in tables.files.items()]
    rules, before = digest(code_digest(__name__), *looks), left_in(cache)
    found = None
    if before and before.holds(rules, tables):
        clean, report = _checked(dataset, dataset.of(before.added(tables)), before)
        found = None if report.findings or report.end < before.end else (clean, report)
    clean, report = found or everything()
    if not report.findings:
        files = {name: files.digests for name, files in tables.files.items()}
        Checked(rules, report.end, files, report.rows, report.days).write(cache)
    return clean, report


def _checked(dataset: Dataset, part: Dataset, before: Checked) -> tuple[Dataset, Report]:
    """The *dataset* without rows to be set aside, and what those of its *part* break.

    The rest is what was found in order *before*.
    """
    tables = dataset.tables
    findings = list(_uncast(part))
    unreadable = {finding.key.partition(":")[0] for finding in findings}
    days = before.days + _days(part.tables)
    start, last = _span(days, findings)
    end = dataset.settings.until or last
    rows: dict[str, int] = {}
    kept: dict[str, ir.Table] = {}
    rules = list(_rules(tables, kept, end))
    _refuse_unknown_rules(dataset.settings, rules)
    aside = dataset.settings.checks.set_aside
    for name in tables.tables:
        kept[name], rows[name] = tables[name], before.rows.get(name, 0)
        if name not in part.tables:
            continue
        own = [
            replace(rule, harmless=rule.harmless or rule.key in aside)
            for rule in rules
            # a value that cannot be read is told once, not as a null as well
            if rule.table == name and not (rule.name == NO_NULLS and rule.place in unreadable)
        ]
        kept[name], count, found = _apply(tables[name], part.tables[name], own)
        rows[name] += count
        findings += found
    settings = dataset.settings.model_copy(update={"until": end})
    files = {name: files for name, files in tables.files.items() if kept[name] is tables[name]}
    clean = replace(dataset, settings=settings, tables=Tables(kept, files))
    return clean, Report(rows, start, end, findings, dataset.absent, days)


def _apply(table: ir.Table, added: ir.Table, rules: list[Rule]) -> tuple[ir.Table, int, list[Finding]]:
    """The rows of *table* to go on with, how many were *added*, and what of these breaks *rules*."""
    simple = {f"{BROKEN}{i}": rule for i, rule in enumerate(rules) if not rule.among}
    flagged = added.mutate(**{flag: rule.broken(added) for flag, rule in simple.items()})
    counts = _one(flagged.aggregate(rows=flagged.count(), **{flag: flagged[flag].sum() for flag in simple}))
    findings, aside = [], []
    for i, rule in enumerate(rules):
        near = table if added is table or not rule.among else table.semi_join(added, rule.by)
        few = rule.among(near) if rule.among else table
        rows = few.mutate(**{BROKEN: rule.broken(few)}).filter(lambda few: few[BROKEN]).drop(BROKEN)
        count = _one(rows.aggregate(rows=rows.count()))["rows"] if rule.among else counts[f"{BROKEN}{i}"]
        if count:
            examples = _examples(rows.order_by(*table.columns))
            findings.append(Finding(rule.key, rule.remedy, count, examples, set_aside=rule.harmless))
            if rule.harmless:
                aside.append(rule)
    # rules that compare rows make this dear, so stay with the plain table where it is clean
    if aside:
        broken = table.mutate(**{f"{BROKEN}{i}": rule.broken(table) for i, rule in enumerate(aside)})
        flags = [broken[name].fill_null(False) for name in broken.columns if name not in table.columns]
        table = cached(broken.filter([~flag for flag in flags]).select(*table.columns))
    return table, counts["rows"], findings


def _one(aggregate: ir.Table) -> dict[str, Any]:
    row: dict[str, Any] = aggregate.to_pyarrow().to_pylist()[0]
    return row


def _uncast(dataset: Dataset) -> Iterator[Finding]:
    for name, columns in dataset.uncast.items():
        for column, found in columns.items():
            rows = found.drop(FILE) if FILE in found.columns else found
            if count := int(rows.count().to_pyarrow().as_py()):
                kind = {c.name: c.type for c in CONTRACT[name].columns}[column]
                yield Finding(
                    f"{name}.{column}: is a{'n' * (kind == 'id')} {kind}",
                    {
                        "time": "write times as 2024-05-17 or 2024-05-17T09:30:00, in UTC",
                        "number": "write plain numbers such as 1234.5",
                    }.get(kind, "write ids as text or whole numbers"),
                    count,
                    _examples(rows),
                    set_aside=False,
                )


def _rules(tables: Tables, kept: Mapping[str, ir.Table], end: datetime) -> Iterator[Rule]:
    """Every rule; those about customers look, when they are applied, at the customers then *kept*."""
    for name in tables.tables:
        contract = CONTRACT[name]
        for column in contract.required:
            yield Rule(name, column, NO_NULLS, "fill it in", _null(column))
        for column in (c.name for c in contract.columns if c.type == "number" and tables.has(name, c.name)):
            remedy = "leave the value out, correct it or give all of them in a larger unit"
            yield Rule(name, column, NUMBER, remedy, _no_number(column))
        for column in contract.customers if name != "customers" else ():
            remedy = "add the customer to customers or remove the row"
            yield Rule(name, column, "a known customer", remedy, _unknown(column, kept))
        moment = contract.time or ("joined_at" if name == "customers" else None)
        if moment:
            remedy = f"the data end on {end:%Y-%m-%d %H:%M} (set `until` in ripple.toml if that is wrong)"
            yield Rule(name, moment, "not after the end of the data", remedy, _after(moment, end))
        if name in ("customers", "catalog"):
            key = contract.required[0]
            yield _unique(name, key, "keep one row for each")
    if tables.has("orders", "order_id"):
        yield _unique("orders", "order_id", "keep one row")
    yield Rule(
        "orders",
        "revenue",
        "negative only as a refund",
        "a refund follows orders of the same customer and product that paid at least as much",
        _unpaid_refund,
        among=_of_refunds,
        by=PURCHASE,
    )
    if "catalog" in tables:
        yield Rule(
            "catalog", "tier", f"one of {', '.join(TIERS)}", "correct the tier", lambda t: t.tier.notin(TIERS)
        )
    if tables.has("usage", "quantity"):
        yield Rule("usage", "quantity", "not negative", "correct it", lambda t: t.quantity < 0)
    if "feedback" in tables:
        yield Rule(
            "feedback", "score", "between -1 and 1", "rescale the score", lambda t: ~t.score.between(-1, 1)
        )
    if "interactions" in tables:
        yield Rule(
            "interactions",
            "target_id",
            "not the source itself",
            "remove the row: nobody influences themselves",
            lambda t: t.source_id == t.target_id,
        )
        yield Rule(
            "interactions",
            "kind",
            "one referrer for a customer",
            "the referral known first counts",
            _later_referral,
            harmless=True,
            among=lambda t: t.filter(t.kind == "referral"),
            by=("target_id",),
        )
    if tables.has("interactions", "weight"):
        yield Rule("interactions", "weight", "not negative", "correct the weight", lambda t: t.weight < 0)


def _unique(table: str, key: str, remedy: str) -> Rule:
    return Rule(table, key, "unique", remedy, _repeated(key), among=_sharing(key), by=(key,))


def _null(column: str) -> Predicate:
    return lambda table: table[column].isnull()


def _no_number(column: str) -> Predicate:
    return lambda table: table[column].isnan() | (table[column].abs() >= LIMIT)


def _unknown(column: str, kept: Mapping[str, ir.Table]) -> Predicate:
    def broken(table: ir.Table) -> ir.BooleanValue:
        known = kept["customers"].customer_id
        return table[column].notnull() & ~table[column].isin(known.as_table().drop_null().customer_id)

    return broken


def _after(column: str, end: datetime) -> Predicate:
    return lambda table: table[column] > end


def _repeated(key: str) -> Predicate:
    """The rows after the first of a key, so that one of each is left where they are set aside."""
    return lambda table: (
        table[key].notnull() & (ibis.row_number().over(group_by=key, order_by=table.columns) > 0)
    )


def _sharing(key: str) -> Callable[[ir.Table], ir.Table]:
    """The rows whose key another row has too."""

    def rows(table: ir.Table) -> ir.Table:
        keys = table.group_by(key).aggregate(rows=table.count())
        return table.semi_join(keys.filter(keys.rows > 1), key)

    return rows


def _of_refunds(orders: ir.Table) -> ir.Table:
    """The orders of whoever had a refund, of the product of which they had it."""
    return orders.semi_join(orders.filter(orders.revenue < 0), PURCHASE)


def _unpaid_refund(orders: ir.Table) -> ir.BooleanValue:
    """A negative revenue that exceeds what the customer had paid for the product until then."""
    paid = orders.revenue.sum().over(
        ibis.window(
            group_by=PURCHASE,
            order_by=["ordered_at", orders.revenue.desc()],
            preceding=None,
            following=0,
        )
    )
    return (orders.revenue < 0) & (paid < -0.005)


def _later_referral(interactions: ir.Table) -> ir.BooleanValue:
    is_referral = interactions.kind == "referral"
    # by when it was known, or a late backfill would take away the referral that a past cutoff saw
    known = interactions.occurred_at
    if "known_at" in interactions.columns:
        known = ibis.greatest(known, interactions.known_at.fill_null(known))
    place = ibis.row_number().over(
        group_by=[interactions.target_id, is_referral],
        order_by=[known, "occurred_at", *interactions.columns],
    )
    return is_referral & (place > 0)


def _days(tables: Tables) -> Counter[date]:
    """Events of each day."""
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
        told = "".join(f"\n  {finding}" for finding in unreadable)
        raise InputError(f"The tables hold no event with a time: nothing can be learnt from them.{told}")
    counted = sorted(days.items())
    first, last = _edge(counted[::-1]), _edge(counted)
    return datetime.combine(first, time()), datetime.combine(last, time()) + timedelta(days=1)


def _edge(counted: list[tuple[date, int]]) -> date:
    """The last day reached from the first before a gap behind which only stray rows lie."""
    total = sum(count for _, count in counted)
    last, seen = counted[0][0], 0
    for day, count in counted:
        if abs((day - last).days) > GAP_DAYS and seen > (1 - STRAY_SHARE) * total:
            break
        last, seen = day, seen + count
    return last


def _refuse_unknown_rules(settings: Settings, rules: list[Rule]) -> None:
    known = {rule.key for rule in rules}
    for key in settings.checks.set_aside:
        if key not in known:
            raise InputError(f"checks.set_aside names an unknown rule '{key}'{nearest(key, known)}")


def _examples(rows: ir.Table) -> list[dict[str, object]]:
    found: pa.Table = rows.limit(EXAMPLES).to_pyarrow()
    return found.to_pylist()


def _row(example: dict[str, object]) -> str:
    return ", ".join(f"{name}={value}" for name, value in example.items())

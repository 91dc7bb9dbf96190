"""Fingerprints that change when rows do: by day, how many rows there are and the sum of their hashes.

A sum depends neither on the order of rows nor on the files they lie in. What a Parquet file adds to it is
cached under a digest of the bytes of the file, so of a table in many files only changed ones are read again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from ripple.digests import digest
from ripple.features.expressions import day_number
from ripple.features.rollup.parquet_cache import ENGINE_VERSIONS, ParquetCache
from ripple.features.tables.contract import CONTRACT
from ripple.features.tables.sources.source import FILE
from ripple.features.tables.tables import Tables

SINCE = {"customers": "joined_at", "catalog": "released_at"}
"""Table without a time of events → the column since when its rows hold."""

DayRows = tuple[int | None, int | None, bool, int, int]
"""Day; day on which known, and whether at its first moment; number of rows, and the sum of their hashes."""

ByFile = dict[str, list[DayRows]]
"""Rows by the path of their file, or by the digest under which they are cached."""

CACHED_SCHEMA = pa.schema(
    {
        "key": pa.string(),
        "day": pa.int32(),
        "known": pa.int32(),
        "at_once": pa.bool_(),
        "rows": pa.int64(),
        # of up to 128 bits, which Parquet has no whole number for
        "hashes": pa.string(),
    }
)


def day_rows(
    tables: Tables, name: str, cache: ParquetCache | None = None, attributes: bool = False
) -> list[DayRows]:
    """The rows of a table of the contract, in order; columns beyond it count only with *attributes*."""
    files = tables.files.get(name)
    if cache is None or files is None:
        return _sum_by_day(_counted(_dated(tables[name], name, attributes)).values())
    rows = _dated(files.rows, name, attributes)
    # without the name of the raw table, which is another one in every run
    sql = cache.sql(rows).replace(files.raw.name, "")
    definition = digest(sql, files.definition, files.raw.schema, ENGINE_VERSIONS)
    keys = {path: digest(definition, content) for path, content in files.digests.items()}
    cached_name = f"rows/{'attributes' if attributes else name}"

    def build() -> pa.Table:
        by_key: ByFile = {}
        for file in cache.list_files(cached_name):
            by_key |= _read(file)
        changed = [path for path, key in keys.items() if key not in by_key]
        counted = _counted(rows.filter(rows.file.isin(changed))) if changed else {}
        for path in changed:
            if files.are_all and path not in counted and pq.read_metadata(path).num_rows:
                raise RuntimeError(f"DuckDB knows {path}, which has rows, by another path.")
            by_key[keys[path]] = counted.get(path, [])
        return _table({key: by_key[key] for key in keys.values()})

    file = cache.write_if_missing(cached_name, digest(*sorted(keys.values())), build)
    cache.remove_other_files(cached_name, [file])
    by_key = _read(file)
    return _sum_by_day(by_key.get(key, []) for key in keys.values())


def in_contract(table: ir.Table, name: str) -> ir.Table:
    """A table without columns beyond the contract."""
    return table.select([column.name for column in CONTRACT[name].columns if column.name in table.columns])


def moments(table: ir.Table, name: str) -> tuple[ir.TimestampValue, ir.TimestampValue]:
    """The times at which the rows of a table happened or began to hold, and at which they became known."""
    moment = CONTRACT[name].time or SINCE[name]
    happened = table[moment] if moment in table.columns else ibis.null("timestamp")
    if "known_at" not in table.columns:
        return happened, happened
    return happened, ibis.greatest(happened, table.known_at.fill_null(happened))


def _dated(table: ir.Table, name: str, attributes: bool) -> ir.Table:
    """The columns that count, called by index, as attributes may have any name; day, known, and the file."""
    counting = (table if attributes else in_contract(table, name)).columns
    happened, known = moments(table, name)
    return table.select(
        **{f"column_{index}": table[column] for index, column in enumerate(counting) if column != FILE},
        day=day_number(happened),
        known=day_number(known),
        at_once=(known == known.truncate("D")).fill_null(False),
        file=table[FILE] if FILE in table.columns else ibis.literal(""),
    )


def _counted(rows: ir.Table) -> ByFile:
    """By path of their file, the number of rows and the sum of their hashes by day."""
    columns = ", ".join(column for column in rows.columns if column.startswith("column_"))
    engine = rows.get_backend()
    counted = engine.raw_sql(
        f"SELECT file, day, known, at_once, count(*), sum(hash({columns})) FROM ({engine.compile(rows)}) "
        "GROUP BY ALL"
    )
    by_file: ByFile = defaultdict(list)
    for file, *row, hashes in counted.fetchall():
        by_file[file].append((*row, int(hashes)))
    return by_file


def _sum_by_day(parts: Iterable[list[DayRows]]) -> list[DayRows]:
    total: dict[tuple[int | None, int | None, bool], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for day, known, at_once, count, hashes in chain.from_iterable(parts):
        before = total[day, known, at_once]
        total[day, known, at_once] = before[0] + count, before[1] + hashes
    ordered = sorted(total, key=lambda when: [(part is None, part or 0) for part in when])
    return [(*when, *total[when]) for when in ordered]


def _table(by_key: ByFile) -> pa.Table:
    rows = [(key, *row, str(hashes)) for key, counted in by_key.items() for *row, hashes in counted]
    return pa.Table.from_pylist(
        [dict(zip(CACHED_SCHEMA.names, row, strict=True)) for row in rows], schema=CACHED_SCHEMA
    )


def _read(path: Path) -> ByFile:
    by_key: ByFile = defaultdict(list)
    for key, *row, hashes in (row.values() for row in pq.read_table(path).to_pylist()):
        by_key[key].append((*row, int(hashes)))
    return by_key

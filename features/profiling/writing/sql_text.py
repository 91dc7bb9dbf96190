"""The SQL of a proposal: columns, joins along links, conditions."""

from __future__ import annotations

import re
from collections.abc import Sequence

import sqlglot

from ripple.features.profiling.links import Link, Path
from ripple.features.profiling.profile import Field, Identity, TableProfile
from ripple.features.profiling.proposal import Choice, Part

_RESERVED = {
    *(
        "all",
        "and",
        "any",
        "array",
        "as",
        "asc",
        "at",
        "between",
        "by",
        "case",
        "cast",
        "check",
        "collate",
        "column",
    ),
    *(
        "constraint",
        "create",
        "cross",
        "current_date",
        "default",
        "desc",
        "distinct",
        "do",
        "else",
        "end",
        "except",
    ),
    *(
        "false",
        "fetch",
        "filter",
        "for",
        "foreign",
        "from",
        "full",
        "grant",
        "group",
        "having",
        "in",
        "index",
        "inner",
    ),
    *(
        "interval",
        "into",
        "is",
        "join",
        "key",
        "left",
        "like",
        "limit",
        "natural",
        "not",
        "null",
        "of",
        "offset",
        "on",
        "or",
    ),
    *(
        "order",
        "outer",
        "over",
        "partition",
        "pivot",
        "primary",
        "references",
        "returning",
        "right",
        "rows",
        "select",
    ),
    *(
        "set",
        "show",
        "some",
        "table",
        "then",
        "time",
        "timestamp",
        "date",
        "to",
        "true",
        "union",
        "unique",
        "using",
    ),
    *("update", "user", "value", "values", "view", "when", "where", "window", "with"),
}
ELEMENT, KNOWN = "item", "known_user"
"""The columns of a view with an element of a list, and with the person who may have been anonymous."""
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")


def quoted(name: str) -> str:
    """A name in SQL, in quotes where it needs them."""
    return name if _PLAIN.fullmatch(name) and name not in _RESERVED else '"' + name.replace('"', '""') + '"'


def in_dialect(sql: str, dialect: str) -> str:
    """SQL of a proposal, which is written for DuckDB and PostgreSQL, as another place has it."""
    if dialect in ("duckdb", "postgres"):
        return sql
    (text,) = sqlglot.transpile(sql, read="duckdb", write=dialect, pretty="JOIN" in sql)
    return text


def column_sql(field: Field, alias: str, dialect: str) -> str:
    """A column, or a value inside of it, of the table called *alias* (empty where there is one only)."""
    column = (f"{alias}." if alias else "") + quoted(field.column)
    if not field.path:
        return column
    if field.nested == "struct":
        # places of a list begin with 1 in SQL
        return column + "".join(
            f"[{int(key[1:-1]) + 1}]" if key.startswith("[") else f".{quoted(key)}" for key in field.path
        )
    if dialect != "postgres":
        return f"{column} ->> '{_json_path(field.path)}'"
    keys = ",".join(key.strip("[]") for key in field.path).replace("'", "''")
    return f"CAST({column} AS JSON) #>> '{{{keys}}}'"


def _json_path(keys: Sequence[str]) -> str:
    parts = (
        key if key.startswith("[") else f".{key}" if _PLAIN.fullmatch(key.lower()) else f'."{key}"'
        for key in keys
    )
    return ("$" + "".join(parts)).replace("'", "''")


def relation(table: TableProfile, dialect: str) -> str:
    """What a query reads the rows of a table from: its name, or in brackets the query that makes them."""
    view = table.view
    if view is None:
        return quoted(table.name)
    name = _alias(view.table, {"known", ELEMENT})
    columns, source = [f"{name}.*"], _named(view.table, name)
    if view.identity is not None:
        own = (view.identity.anonymous, view.identity.user)
        anonymous, user = (f"({column_sql(one, name, dialect)})" for one in own)
        source += f" LEFT JOIN {_known(view.identity, dialect)} ON known.anonymous = {anonymous}"
        columns.append(f"coalesce({user}, known.known_user) AS {KNOWN}")
    if view.elements:
        column, *keys = view.elements
        inside = f"{name}.{quoted(column)}"
        if dialect == "postgres":
            if keys:
                inside = f"CAST({inside} AS JSON) #> '{{{','.join(keys)}}}'"
            source += f" CROSS JOIN LATERAL json_array_elements(CAST({inside} AS JSON)) AS {ELEMENT}"
            columns.append(ELEMENT)
        elif view.nested == "json":
            inside = f"json_extract_string({inside}, '{_json_path([*keys, '[*]'])}')"
            columns.append(f"unnest({inside}) AS {ELEMENT}")
        else:
            columns.append(f"unnest({'.'.join((inside, *map(quoted, keys)))}) AS {ELEMENT}")
    distinct = "DISTINCT " if view.distinct else ""
    where = f" WHERE {view.where}" if view.where else ""
    return f"(SELECT {distinct}{', '.join(columns)} FROM {source}{where})"


def _known(identity: Identity, dialect: str) -> str:
    """Who is behind each anonymous id; what several people have in common, such as a device, names nobody."""
    anonymous, user = (
        column_sql(one, "", dialect) for one in (identity.known_anonymous, identity.known_user)
    )
    source = quoted(identity.known_user.table)
    return (
        f"(SELECT {anonymous} AS anonymous, min({user}) AS known_user FROM {source} "
        f"GROUP BY {anonymous} HAVING count(DISTINCT {user}) = 1) AS known"
    )


def choice_sql(choice: Choice, aliases: dict[Path, str], dialect: str) -> str:
    """What a column of the contract is made of."""
    if choice.value is not None:
        return "'" + choice.value.replace("'", "''") + "'"
    if choice.sql:
        parts = [_inner(field, aliases[path], dialect) for path, field in choice.of]
        return _doubles(choice.sql, dialect).format(*parts)
    assert choice.field is not None
    return column_sql(choice.field, aliases[choice.path], dialect)


def query(part: Part, names: dict[str, Choice], dialect: str) -> str:
    """The query of a part that needs joins, with a column for each of *names*."""
    aliases: dict[Path, str] = {(): _alias(part.table.source, set())}
    joins = []
    for path in part.paths:
        link = path[-1]
        aliases[path] = _alias(link.parent.table, set(aliases.values()))
        one, other = (
            _key(link.parent, link, aliases[path], dialect),
            _key(link.child, link, aliases[path[:-1]], dialect),
        )
        condition = f"{one} = {other}"
        table = next((one for one in part.views if one.name == link.parent.table), None)
        joined = quoted(link.parent.table) if table is None else relation(table, dialect)
        joins.append(f"JOIN {joined} AS {aliases[path]} ON {condition}")
    columns = [
        sql if sql.rpartition(".")[2] == quoted(name) else f"{sql} AS {quoted(name)}"
        for name, choice in names.items()
        for sql in [choice_sql(choice, aliases, dialect)]
    ]
    lines = ["SELECT " + ", ".join(columns), f"FROM {relation(part.table, dialect)} AS {aliases[()]}", *joins]
    if part.where:
        lines.append("WHERE " + " AND ".join(choice_sql(one, aliases, dialect) for one in part.where))
    return "\n".join(lines)


def _key(field: Field, link: Link, alias: str, dialect: str) -> str:
    """One side of a join, as text where the types differ."""
    sql = column_sql(field, alias, dialect)
    types = {link.child.type, link.parent.type}
    if field.path and field.nested == "json":
        sql = f"({sql})"
    if len(types) > 1:
        if field.type == "float":
            sql = f"CAST({sql} AS BIGINT)"
        return f"CAST({sql} AS VARCHAR)"
    return f"lower(trim({sql}))" if link.unlike else sql


def _inner(field: Field, alias: str, dialect: str) -> str:
    sql = column_sql(field, alias, dialect)
    return f"({sql})" if field.path else sql


def _doubles(sql: str, dialect: str) -> str:
    return sql.replace("AS DOUBLE)", "AS DOUBLE PRECISION)") if dialect == "postgres" else sql


def _named(table: str, alias: str) -> str:
    return f"{quoted(table)} AS {alias}"


def _alias(table: str, taken: set[str]) -> str:
    name = re.sub(r"\W+", "_", table.lower()).strip("_") or "rows_of"
    if name in _RESERVED or not _PLAIN.fullmatch(name):
        name = f"the_{name}"
    number, alias = 1, name
    while alias in taken:
        number += 1
        alias = f"{name}_{number}"
    return alias

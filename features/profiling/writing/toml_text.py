"""Writes a proposal as a commented ripple.toml."""

from __future__ import annotations

import json
import re
from typing import Any

from ripple.features.profiling.links import Path
from ripple.features.profiling.proposal import HELPERS, Choice, Part, Proposal, listed
from ripple.features.profiling.writing.sql_text import choice_sql, column_sql, in_dialect, query
from ripple.features.tables.contract import CONTRACT, LOOKUPS

ORDER = (*CONTRACT, "attributes", *LOOKUPS)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]+")


def write(proposal: Proposal, source: str, dialect: str) -> str:
    """The text of the ripple.toml that is proposed for the data at *source*."""
    lines = [
        f"# Proposed by `ripple init {source}`. Each line says how sure it is: sure, likely or guess;",
        "# `# ?` is a question that the data do not answer.",
    ]
    sampled = [table for table in proposal.tables if not table.sample.whole]
    for table in sampled:
        lines.append(
            f"# {table.name}: {table.size}, of which {table.sample.rows.num_rows:,} were read, "
            f"{table.sample.how}"
        )
    if proposal.unchanged:
        lines.append(f"# {listed(proposal.unchanged)}: used as they are, as they have the contract's names.")
    if proposal.unused:
        lines.append(f"# Nothing is made of {listed(table.name for table in proposal.unused)}.")
    lines += [f"# ? {question}" for question in proposal.questions]
    lines.append("")
    if proposal.currency:
        lines += [f"currency = {_text(proposal.currency)}", ""]
    if proposal.ids:
        lines += ["[ids]", *(f"{key} = {_value(value)}" for key, value in proposal.ids.items()), ""]
    for name in ORDER:
        parts = proposal.of(name)
        for part in parts:
            lines += [*_part(part, several=len(parts) > 1, dialect=dialect), ""]
    if proposal.kinds:
        lines.append("[kinds]")
        lines += [
            f"{_key(kind)} = {_text(power)} # guess; ? power of {kind}: referent, informational or expert"
            for kind, power in proposal.kinds.items()
        ]
        lines.append("")
    if proposal.set_aside:
        lines += ["[checks]", "set_aside = ["]
        lines += [f"    {_text(rule)}, # {why}" for rule, why in proposal.set_aside.items()]
        lines += ["]", ""]
    # names and values in comments may hold line breaks, and TOML allows no control characters
    return "\n".join(_CONTROL.sub(" ", line) for line in lines).rstrip() + "\n"


def _part(part: Part, several: bool, dialect: str) -> list[str]:
    brackets = ("[[", "]]") if several else ("[", "]")
    key = f"tables.{part.contract}"
    lines = [f"# {note}" for note in part.notes]
    lines.append(f"# {part.table.size}")
    view = part.table.view
    if (
        part.sql
        or (view is not None and not view.is_filter)
        or part.paths
        or any("SELECT" in one.sql for one in part.where)
        or "valid_from" in part.columns
    ):
        return [*lines, *_query(part, key, brackets, dialect)]
    lines += [f"{brackets[0]}{key}{brackets[1]}", f"from = {_text(part.table.source)}"]
    aliases: dict[Path, str] = {(): ""}
    where = part.where
    if view is not None:
        why = f"these are {view.event}" if view.event else "the other events are no use of a feature"
        condition = view.where.replace("{", "{{").replace("}", "}}")
        where = (Choice(sql=condition, confidence=0.75, why=why), *where)
    if where:
        conditions = [in_dialect(choice_sql(one, aliases, dialect), dialect) for one in where]
        why = "; ".join(one.why for one in where)
        lines.append(f"where = {_text(' AND '.join(conditions))} # {where[0].surety}: {why}")
    if part.unpivot:
        lines.append(_unpivot(part))
    lines.append(f"[{key}.columns]")
    for name, choice in part.columns.items():
        lines.append(f"{_key(name)} = {_mapping(name, choice, dialect)} # {choice.surety}: {choice.why}")
    return lines


def _query(part: Part, key: str, brackets: tuple[str, str], dialect: str) -> list[str]:
    lines = [
        f"# {name} = {_origin(choice)}: {choice.surety}: {choice.why}"
        for name, choice in part.columns.items()
    ]
    lines += [f"# only where {_origin(one)}: {one.surety}: {one.why}" for one in part.where]
    names, options = dict(part.columns), {}
    for name, choice in part.columns.items():
        given = {option: value for option, value in choice.options.items() if option not in HELPERS}
        for option in HELPERS:
            if option in choice.options:
                path, field = choice.options[option]
                names[HELPERS[option]] = Choice(field, path)
                given[option] = HELPERS[option]
        if given:
            options[name] = {"user" if given.pop("user", False) else "column": name, **given}
    names |= {
        one.column: Choice(one) for one in part.table.fields if one.column in part.unpivot and not one.path
    }
    text = in_dialect(part.sql or query(part, names, dialect), dialect)
    escaped = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    lines += [f"{brackets[0]}{key}{brackets[1]}", 'sql = """', *escaped.splitlines(), '"""']
    if part.unpivot:
        lines.append(_unpivot(part))
    if options:
        lines.append(f"[{key}.columns]")
        lines += [f"{name} = {_inline(given)}" for name, given in options.items()]
    return lines


def _unpivot(part: Part) -> str:
    return f"unpivot = [{', '.join(map(_text, part.unpivot))}] # each is a feature"


def _mapping(name: str, choice: Choice, dialect: str) -> str:
    """What of theirs a column is made of, as a value in TOML."""
    if choice.value is not None:
        return _inline({"value": choice.value})
    if choice.sql or (choice.field is not None and choice.field.path):
        column = in_dialect(choice_sql(choice, {(): ""}, dialect), dialect)
    else:
        assert choice.field is not None
        column = choice.field.column
    given = dict(choice.options)
    origin = "user" if given.pop("user", False) else "column"
    if (currency := given.pop("currency", None)) is not None:
        field = currency[1]
        given["currency"] = (
            in_dialect(column_sql(field, "", dialect), dialect) if field.path else field.column
        )
    return _text(column) if origin == "column" and not given else _inline({origin: column, **given})


def _origin(choice: Choice) -> str:
    """What a column is made of, for people."""
    if choice.value is not None:
        return f"'{choice.value}'"
    names = [f"{field.table}.{field.name}" for _, field in choice.parts]
    return choice.sql.format(*names) if choice.sql else names[0]


def _inline(values: dict[str, Any]) -> str:
    return "{ " + ", ".join(f"{key} = {_value(value)}" for key, value in values.items()) + " }"


def _value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else _text(str(value))


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() and name.isascii() else _text(name)


def _text(value: str) -> str:
    """A basic string of TOML, which JSON's are."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

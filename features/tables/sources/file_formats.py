"""The forms of files that hold a table, and how DuckDB reads each of them.

In text and in workbooks every value is text: the contract says what it means, rather than a guess.
"""

from __future__ import annotations

import codecs
import csv
import glob
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import date, time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb import Backend

from ripple.errors import InputError
from ripple.extras import missing_extras
from ripple.features.tables.sources.parquet_types import validate_decimals
from ripple.features.tables.sources.source import FILE, quoted, reason
from ripple.suggestions import nearest

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

Form = Literal["parquet", "csv", "json", "xlsx"]
FORMS: Mapping[str, Form] = {
    "parquet": "parquet",
    "csv": "csv",
    "tsv": "csv",
    "json": "json",
    "jsonl": "json",
    "ndjson": "json",
    "xlsx": "xlsx",
}
"""By suffix, the form of a file."""
COMPRESSIONS = {"gz": "gzip", "zst": "zstd"}
"""By suffix, the compression of a text file, as Arrow calls it."""
LAKES = {"_delta_log": "Delta", "metadata": "Iceberg", ".hoodie": "Hudi"}
"""By the folder that says so, the kind of a table whose files count only as far as its log says."""
_NAME = re.compile(
    r"(?P<table>.+)\.(?:(?P<binary>parquet|xlsx)|(?P<text>csv|tsv|jsonl?|ndjson)(?:\.(?P<compression>gz|zst))?)",
    re.IGNORECASE,
)
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_SEPARATORS = ",;\t|"
# each object with all of its keys, whatever few rows have them
_JSON = """
DESCRIBE FROM read_json([{files}], sample_size = -1, union_by_name = true, map_inference_threshold = -1,
    field_appearance_threshold = 0)
"""
_KEYS = "SELECT DISTINCT unnest(json_keys(json)) AS key FROM read_json_objects([{files}]) ORDER BY key"


def table_name(file: str) -> str | None:
    """The table in a file of this name, which is the name without suffixes; None if it has no known form."""
    match = _NAME.fullmatch(file)
    return match["table"] if match else None


def form_of(file: Path) -> Form | None:
    """The form of a file by its name; None if it is none of `FORMS`."""
    match = _NAME.fullmatch(file.name)
    return FORMS[(match["binary"] or match["text"]).lower()] if match else None


def lake_of(folder: Path) -> str | None:
    """Which of `LAKES` *folder* is a table of, if any."""
    for name, kind in LAKES.items():
        if (folder / name).is_dir() and (kind != "Iceberg" or any((folder / name).glob("*.metadata.json"))):
            return kind
    return None


def read_files(
    connection: Backend, files: Sequence[Path], encoding: str | None = None, sheet: str | None = None
) -> ir.Table:
    """The rows of *files* of one form: Parquet in place with a column `FILE` more, all else at once.

    Args:
        connection: what reads them.
        files: the files.
        encoding: the encoding of text; UTF-8, or UTF-16 where the file begins with its mark, if not given.
        sheet: the sheet of a workbook; the only one with cells, if not given.

    Raises:
        InputError: a file cannot be read.
    """
    form = form_of(files[0])
    if form == "parquet":
        return _read_parquet(connection, files)
    if form == "xlsx":
        parts: list[ir.Table] = [ibis.memtable(_sheet(file, sheet)) for file in files]
        return connection.create_table(ibis.util.gen_name("xlsx"), _union(parts), temp=True)
    with TemporaryDirectory(prefix="ripple-") as folder:
        plain = {_plain(file, encoding, Path(folder) / str(i)): file for i, file in enumerate(files)}
        try:
            if form == "json":
                rows = _read_json(connection, list(plain), files[0])
            else:
                rows = _union([read_csv(connection, copy, file) for copy, file in plain.items()])
            return connection.create_table(ibis.util.gen_name(str(form)), rows, temp=True)
        except duckdb.Error as error:
            raise _unreadable(error, plain) from error


def _read_parquet(connection: Backend, files: Sequence[Path]) -> ir.Table:
    try:
        # by name, as DuckDB would otherwise leave out columns that the first file does not have
        paths = [glob.escape(str(file)) for file in files]
        validate_decimals(connection, paths)
        return connection.read_parquet(paths, union_by_name=True, filename=FILE)
    except duckdb.Error as error:
        raise _unreadable(error, {file: file for file in files}) from error


def _unreadable(error: duckdb.Error, files: Mapping[Path, Path]) -> InputError:
    """The error of reading *files*, given by the paths at which DuckDB reads them."""
    copy, file = next(iter(files.items()))
    for path, original in files.items():
        if str(path) in str(error):
            copy, file = path, original
    if re.search("utf-?(8|16)|unicode", str(error), re.IGNORECASE):
        return _misencoded(file, "UTF-8")
    return InputError(f"{file} cannot be read: {reason(error).replace(str(copy), str(file))}")


def _misencoded(file: Path, encoding: str) -> InputError:
    return InputError(
        f"{file} is not text in {encoding}: give its encoding in ripple.toml, as in [tables.orders] "
        f'from = "{file.name}", encoding = "cp1252".'
    )


def _plain(file: Path, encoding: str | None, copy: Path) -> Path:
    """*file*, or a *copy* of it where it is compressed or not in UTF-8.

    DuckDB reads a gzip stream that breaks off as if it ended there, and of encodings knows three.
    """
    match = _NAME.fullmatch(file.name)
    compression = COMPRESSIONS[match["compression"].lower()] if match and match["compression"] else None
    try:
        with pa.input_stream(str(file), compression=compression) as stream:
            head = stream.read(3)
            encoding = next((marked for mark, marked in _MARKS.items() if head.startswith(mark)), encoding)
        if compression is None and encoding is None:
            return file
        with (
            pa.input_stream(str(file), compression=compression) as stream,
            io.TextIOWrapper(stream, encoding=encoding or "utf-8", newline="") as lines,
            copy.open("w", encoding="utf-8", newline="") as out,
        ):
            while text := lines.read(1 << 20):
                out.write(text)
    except UnicodeError as error:
        raise _misencoded(file, encoding or "UTF-8") from error
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{file} cannot be read: {str(error).splitlines()[0]}") from error
    return copy


def read_csv(connection: Backend, file: Path, original: Path) -> ir.Table:
    """The rows of a text file with separators.

    The header is read here: where DuckDB guesses, a quote that comes late is an error, a row that starts with
    # is left out, and one ragged row makes the whole file a single column.
    """
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            header = lines.readline()
    except UnicodeDecodeError as error:
        raise _misencoded(original, "UTF-8") from error
    separator = separator_of(original, header)
    names = next(csv.reader([header], delimiter=separator), [])
    _validate_header(original, names, header.strip())
    return connection.read_csv(
        glob.escape(str(file)),
        columns=dict.fromkeys(names, "VARCHAR"),
        auto_detect=False,
        header=True,
        delim=separator,
        quote='"',
        escape='"',
    )


def separator_of(file: Path, header: str) -> str:
    """What separates the columns of a text *file* with this *header*."""
    match = _NAME.fullmatch(file.name)
    is_tsv = match is not None and (match["text"] or "").lower() == "tsv"
    return "\t" if is_tsv else max(_SEPARATORS, key=header.count)


def _validate_header(file: Path, names: Sequence[str], header: str) -> None:
    if not all(names) or len(set(names)) < len(names) or not names:
        raise InputError(f"{file}: its first line must name every column once; found {header!r}.")


def _read_json(connection: Backend, files: Sequence[Path], original: Path) -> ir.Table:
    """The objects of files, one a line or in an array; objects and lists in them stay what they are."""
    names = ", ".join(_literal(glob.escape(str(file))) for file in files)
    described = connection.con.sql(_JSON.format(files=names)).fetchall()
    columns = {name: _with_texts(connection.con.type(kind)) for name, kind, *_ in described}
    known = {name.lower() for name in columns}
    if any(re.sub(r"_\d+$", "", name) in known - {name} for name in known):
        # DuckDB gives such a name to a key that differs from another in case, and then never fills it
        keys = [key for (key,) in connection.con.sql(_KEYS.format(files=names)).fetchall()]
        for key in keys:
            others = [other for other in keys if other.lower() == key.lower() and other < key]
            if others:
                raise InputError(
                    f"{original}: the keys {others[0]} and {key} differ only in case: rename one."
                )
    return connection.read_json([glob.escape(str(file)) for file in files], columns=columns)


def _with_texts(kind: Any) -> str:
    """A type of DuckDB with texts for all that is neither an object nor a list."""
    if kind.id == "struct":
        return f"STRUCT({', '.join(f'{quoted(name)} {_with_texts(child)}' for name, child in kind.children)})"
    if kind.id == "list":
        ((_, child),) = kind.children
        return f"{_with_texts(child)}[]"
    return "VARCHAR"


def sheets(file: Path) -> list[str]:
    """The names of the sheets of a workbook that hold cells.

    Raises:
        InputError: the extra `excel` is not installed, or the workbook cannot be read.
    """
    with _workbook(file) as workbook:
        return [name for name in workbook.sheet_names if workbook.get_sheet_by_name(name).height]


@contextmanager
def _workbook(file: Path) -> Iterator[CalamineWorkbook]:
    try:
        from python_calamine import CalamineError, load_workbook
    except ImportError as error:
        raise missing_extras("excel") from error
    try:
        with closing(load_workbook(file)) as workbook:
            yield workbook
    except (CalamineError, OSError) as error:
        raise InputError(f"{file} cannot be read: {error}") from error


def _sheet(file: Path, name: str | None) -> pa.Table:
    """The rows of a sheet as texts."""
    names = sheets(file)
    if name is None and len(names) != 1:
        raise InputError(f"{file}: expected one sheet with cells; found {', '.join(names) or 'none'}.")
    if name is not None and name not in names:
        raise InputError(f"{file} has no sheet {name}{nearest(name, names)}")
    with _workbook(file) as workbook:
        header, *rows = workbook.get_sheet_by_name(name or names[0]).to_python()
    columns = [_cell(value) or "" for value in header]
    _validate_header(file, columns, ", ".join(columns))
    cells = [[_cell(value) for value in row] for row in rows]
    cells = [row for row in cells if any(row)]
    return pa.table(
        {column: pa.array([row[i] for row in cells], pa.string()) for i, column in enumerate(columns)}
    )


def _cell(value: object) -> str | None:
    """The value of a cell as text; Excel keeps every number as a float."""
    match value:
        case "" | None:
            return None
        case bool():
            return str(value).lower()
        case float() if value.is_integer() and abs(value) < 2**53:
            return str(int(value))
        case date() | time():
            return value.isoformat()
    return str(value)


def _union(parts: Sequence[ir.Table]) -> ir.Table:
    """All rows of tables of texts, null where one has not all columns."""
    names = list(dict.fromkeys(name for part in parts for name in part.columns))
    null = ibis.null("string")
    return ibis.union(
        *(
            part.select(**{name: part[name] if name in part.columns else null for name in names})
            for part in parts
        )
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

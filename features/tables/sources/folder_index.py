"""Which files of a folder make which table, and which are no part of any."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ripple.errors import InputError
from ripple.extras import require
from ripple.features.tables.sources.file_formats import FORMS, form_of, lake_of, sheets, table_name
from ripple.suggestions import nearest

OWN_FILES = ("ripple.toml", "features.py")
"""The files of a dataset that are no tables and are known."""


@dataclass(frozen=True)
class TableFiles:
    """What a table is made of.

    Attributes:
        files: files of one form, or the folder of a Delta table.
        sheet: the sheet of a workbook, if that is known.
    """

    files: tuple[Path, ...]
    sheet: str | None = None

    @property
    def is_delta(self) -> bool:
        """Whether it is a Delta table."""
        return self.files[0].is_dir()


class FolderIndex:
    """The tables of a folder: files, folders of files, and sheets of workbooks.

    What begins with _ or . is skipped, as tools keep copies and unfinished files under such names.

    Raises:
        InputError: the folder itself is a table.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._skipped: set[Path] = set()
        self._found: dict[str, TableFiles] = {}
        if lake := lake_of(folder):
            raise InputError(f"{folder} is one {lake} table: name the folder that holds it and the others.")
        self._entries = self._tables_in(folder)

    @property
    def names(self) -> list[str]:
        """The names of files and folders, without their suffixes, and of the sheets of workbooks."""
        return sorted(self._entries)

    @property
    def skipped(self) -> list[str]:
        """The files and folders with tables that were left out for their names."""
        return sorted(os.path.relpath(path, self._folder) for path in self._skipped)

    def unused(self, used: Iterable[str]) -> list[str]:
        """The tables, and the files in no known form, that the tables *used* are not made of."""
        made_of = {(self._top(file), table.sheet) for table in map(self.find, used) for file in table.files}
        tables = (
            name
            for name, candidates in self._entries.items()
            if not any((self._top(path), sheet) in made_of for path, sheet in candidates)
        )
        others = (
            entry.name
            for entry in self._folder.iterdir()
            if entry.is_file()
            and not form_of(entry)
            and not _is_hidden(entry)
            and entry.name not in OWN_FILES
        )
        return sorted([*tables, *others])

    def find(self, name: str) -> TableFiles:
        """What a table is made of.

        Args:
            name: the name of a table, or a file, a pattern of files such as ``2024/*.csv``, or a sheet as
                ``file.xlsx/sheet``.

        Raises:
            InputError: there is nothing, or nothing that makes one table.
        """
        if name not in self._found:
            table = self._find(name)
            for path in table.files:
                if path.exists() and not (path.is_file() or path.is_dir()):
                    raise InputError(
                        f"{path} is a pipe or a device: expected a file, which can be read twice."
                    )
            self._found[name] = table
        return self._found[name]

    def explain_missing(self, name: str) -> str:
        """That no file or folder has this name, and the nearest that is there.

        Raises:
            InputError: it may be a sheet, and the extra `excel` is not installed.
        """
        present = sorted(file.name for file in self._folder.iterdir())
        if any(form_of(Path(file)) == "xlsx" for file in present):
            require("excel")
        close = nearest(f"{name}.parquet", present or ["nothing"])
        return f"no {name}.parquet, {name}.csv or folder {name}/{close}"

    def _find(self, name: str) -> TableFiles:
        path = self._folder / name
        if set("*?[") & set(name):
            files = [file for file in sorted(self._folder.glob(name)) if file.is_file()]
            return TableFiles(self._of_one_form(path, [file for file in files if self._counts(file)]))
        if form_of(path.parent) == "xlsx" and path.parent.is_file():
            return TableFiles((path.parent,), path.name)
        if form_of(path) and path.is_file():
            names = _sheets(path)
            return TableFiles((path,), names[0] if len(names) == 1 else None)
        entries = self._entries if path.parent == self._folder else self._tables_in(path.parent)
        candidates = entries.get(path.name) or ([(path, None)] if path.is_dir() else [])
        if not candidates:
            raise InputError(f"{self._folder}: {self.explain_missing(name)}")
        if len(candidates) > 1:
            names = [candidate.name for candidate, _ in candidates]
            raise InputError(f"Table {name} is there more than once: {', '.join(names)}. Keep one.")
        ((entry, sheet),) = candidates
        if not entry.is_dir():
            return TableFiles((entry,), sheet)
        if lake_of(entry) == "Delta":
            return TableFiles((entry,))
        return TableFiles(self._of_one_form(entry, list(self._files_below(entry))))

    def _tables_in(self, folder: Path) -> dict[str, list[tuple[Path, str | None]]]:
        """By name, the files and folders in *folder* that may be that table, and their sheets."""
        tables: dict[str, list[tuple[Path, str | None]]] = {}
        for entry in _entries(folder) if folder.is_dir() else ():
            if _is_hidden(entry):
                self._skip(entry)
            elif entry.is_dir():
                # Spark and pandas write folders of such names
                tables.setdefault(table_name(entry.name) or entry.name, []).append((entry, None))
            elif table := table_name(entry.name):
                names = _sheets(entry)
                for sheet in names or (None,):
                    name = sheet if sheet is not None and len(names) > 1 else table
                    tables.setdefault(name, []).append((entry, sheet))
        return tables

    def _files_below(self, folder: Path) -> Iterator[Path]:
        """The files with tables in *folder* and below it."""
        _refuse_lake(folder)
        for entry in _entries(folder):
            if _is_hidden(entry):
                self._skip(entry)
            elif entry.is_dir() and not entry.is_symlink():
                yield from self._files_below(entry)
            elif form_of(entry):
                yield entry

    def _of_one_form(self, place: Path, files: Collection[Path]) -> tuple[Path, ...]:
        examples = {form_of(file): file.name for file in files}
        if len(examples) > 1:
            raise InputError(
                f"{place} holds files of several forms, such as {' and '.join(examples.values())}: keep one."
            )
        if not files:
            raise InputError(f"{place} holds no table: expected files that end in {', '.join(FORMS)}.")
        return tuple(sorted(files))

    def _counts(self, file: Path) -> bool:
        """Whether a file that a pattern matches is part of a table."""
        for path in reversed([file, *file.parents]):
            if self._folder in path.parents:
                if _is_hidden(path):
                    self._skip(path)
                    return False
                _refuse_lake(path)
        return form_of(file) is not None

    def _skip(self, entry: Path) -> None:
        if any(form_of(file) for file in ([entry] if entry.is_file() else entry.rglob("*"))):
            self._skipped.add(entry)

    def _top(self, path: Path) -> str:
        """What of the folder itself *path* is or lies in."""
        return Path(os.path.relpath(path, self._folder)).parts[0]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror}") from error


def _refuse_lake(folder: Path) -> None:
    """Raise an `InputError` if *folder* is a table whose files count only as far as its log says."""
    match lake_of(folder):
        case None:
            return
        case "Delta":
            remedy = f'name it alone, as in [tables.orders] from = "{folder.name}"'
        case _:
            remedy = "write its rows as Parquet with the engine that keeps it"
    raise InputError(f"{folder} is one {lake_of(folder)} table, not all of whose files count: {remedy}.")


def _is_hidden(path: Path) -> bool:
    return path.name.startswith(("_", "."))


def _sheets(file: Path) -> list[str]:
    """The sheets of a workbook, as far as they are known without an error, which comes when it is read."""
    try:
        return sheets(file) if form_of(file) == "xlsx" and file.is_file() else []
    except InputError:
        return []

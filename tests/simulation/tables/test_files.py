import signal
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ripple.simulation.tables import files
from ripple.simulation.tables.files import TABLES, dataset_around, write
from tests.support.checkout import ROOT

FIRST = {name: pa.table({"x": [1, 2]}) for name in TABLES}
SECOND = {name: pa.table({"x": [3]}) for name in TABLES}


def content(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_dataset_is_its_tables_and_their_settings(tmp_path):
    out = tmp_path / "new" / "data"
    write(FIRST, out, 'currency = "USD"\n')
    assert {file.name for file in out.iterdir()} == {"ripple.toml", *(f"{name}.parquet" for name in TABLES)}
    assert (out / "ripple.toml").read_text() == 'currency = "USD"\n'
    for name in TABLES:
        assert pq.read_table(out / f"{name}.parquet").equals(FIRST[name])
        assert pq.ParquetFile(out / f"{name}.parquet").metadata.row_group(0).column(0).compression == "ZSTD"
    assert list(out.parent.iterdir()) == [out]


def test_a_world_with_a_play_replaces_one_without_and_the_other_way_round(tmp_path):
    played = SECOND | {"plays_log": pa.table({"x": [4]})}
    for tables in (FIRST, played, FIRST):
        write(tables, tmp_path / "data", "")
        assert {file.stem for file in (tmp_path / "data").glob("*.parquet")} == set(tables)


@pytest.mark.parametrize("before", [FIRST, None])
def test_an_earlier_dataset_or_an_empty_folder_is_replaced(tmp_path, before):
    out = tmp_path / "data"
    if before:
        write(before, out, "")
    else:
        out.mkdir()
    write(SECOND, out, "")
    assert pq.read_table(out / "orders.parquet").equals(SECOND["orders"])
    assert list(tmp_path.iterdir()) == [out]


def test_the_current_folder_can_be_named(tmp_path, monkeypatch):
    out = tmp_path / "data"
    out.mkdir()
    monkeypatch.chdir(out)
    write(FIRST, out.relative_to(out), "")
    assert len(content(out)) == 7


def test_a_folder_with_anything_else_is_left_alone(tmp_path):
    out = tmp_path / "data"
    write(FIRST, out, "")
    (out / "notes.txt").write_text("mine")
    before = content(out)
    with pytest.raises(FileExistsError, match=r"also holds notes\.txt"):
        write(SECOND, out, "")
    assert content(out) == before


def test_part_of_a_dataset_is_somebody_elses_and_left_alone(tmp_path):
    (tmp_path / "orders.parquet").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="only part of a simulated dataset"):
        write(FIRST, tmp_path, "")
    assert content(tmp_path) == {"orders.parquet": b"mine"}


def test_a_file_is_left_alone(tmp_path):
    out = tmp_path / "data"
    out.write_text("mine")
    with pytest.raises(FileExistsError, match="is a file"):
        write(FIRST, out, "")
    assert out.read_text() == "mine"


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
@pytest.mark.parametrize("before", [FIRST, None])
def test_a_failure_while_writing_leaves_everything_as_it_was(tmp_path, monkeypatch, error, before):
    out = tmp_path / "data"
    if before:
        write(before, out, "")
    original = content(out) if before else None
    written = []

    def fail(table, path, **options):
        if written:
            raise error
        written.append(path)

    monkeypatch.setattr(files.pq, "write_table", fail)
    with pytest.raises(type(error)):
        write(SECOND, out, "")
    assert list(tmp_path.iterdir()) == ([out] if before else [])
    assert not before or content(out) == original


def test_a_failure_while_renaming_puts_the_earlier_dataset_back(tmp_path, monkeypatch):
    out = tmp_path / "data"
    write(FIRST, out, "")
    original = content(out)
    rename = files.Path.rename

    def fail(self, target):
        if self.name.endswith(".part"):
            raise OSError("no")
        return rename(self, target)

    monkeypatch.setattr(files.Path, "rename", fail)
    with pytest.raises(OSError, match="no"):
        write(SECOND, out, "")
    assert content(out) == original
    assert list(tmp_path.iterdir()) == [out]


def test_a_killed_run_leaves_at_most_a_hidden_sibling(tmp_path):
    out = tmp_path / "data"
    write(FIRST, out, "")
    original = content(out)
    script = (
        "import os, signal, sys, pathlib, pyarrow as pa\n"
        "from ripple.simulation.tables import files\n"
        "class Lethal(dict):\n"
        "    def items(self):\n"
        "        yield 'customers', pa.table({'x': [3]})\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "files.write(Lethal(), pathlib.Path(sys.argv[1]), '')\n"
    )
    root = ROOT
    done = subprocess.run([sys.executable, "-c", script, str(out)], cwd=root, check=False)
    assert done.returncode == -signal.SIGKILL
    assert content(out) == original
    siblings = [path.name for path in tmp_path.iterdir() if path != out]
    assert siblings
    assert all(name.startswith(".data.") for name in siblings)
    write(SECOND, out, "")
    assert pq.read_table(out / "orders.parquet").equals(SECOND["orders"])


@pytest.mark.parametrize(
    "files",
    [("ripple.toml",), ("customers.parquet", "orders.parquet"), ("customers.csv", "orders/part-0.parquet")],
)
def test_a_dataset_is_recognised_whoever_made_it_and_from_inside(tmp_path, files):
    dataset = tmp_path / "data"
    for file in files:
        (dataset / file).parent.mkdir(parents=True, exist_ok=True)
        (dataset / file).touch()
    assert dataset_around(dataset) == dataset
    assert dataset_around(dataset / "not" / "there") == dataset
    assert dataset_around(tmp_path / "elsewhere") is None
    (tmp_path / "link").symlink_to(dataset)
    assert dataset_around(tmp_path / "link" / "inside") == dataset


def test_customers_alone_are_no_dataset(tmp_path):
    (tmp_path / "customers.csv").touch()
    assert dataset_around(tmp_path) is None

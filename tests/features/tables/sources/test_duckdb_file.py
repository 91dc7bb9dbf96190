"""Datasets in a DuckDB file."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime

import duckdb

from ripple.features.dataset import open_dataset
from ripple.features.validation import checks
from ripple.settings import Settings
from tests.support.oracles import feature_frames
from tests.support.oracles.dataset_sources import counts, opening_error, write_duckdb

AS_OF = datetime(2024, 4, 1)
COUNTS = {"customers": 5, "orders": 5, "usage": 240, "catalog": 3, "interactions": 4, "feedback": 3}


class TestDuckDB:
    def test_a_schema_is_named_after_the_file(self, frames, tmp_path):
        file = write_duckdb(frames, tmp_path / "it's.db", "spring 24")
        assert counts(open_dataset(f"{file}?schema=spring%2024", Settings())) == COUNTS
        assert (
            opening_error(f"{file}?scheme=x")
            == f"{file}?scheme=x: after the file only ?schema=NAME may follow."
        )
        assert (
            opening_error(file)
            == f"{file}: no table or view customers in schema main, which is empty or not there"
        )

    def test_views_are_tables_also_when_they_name_tables_without_a_schema(self, frames, tmp_path):
        file = write_duckdb(
            {f"raw_{name}": frame for name, frame in frames.items()}, tmp_path / "data.duckdb"
        )
        with duckdb.connect(file) as connection:
            connection.execute("CREATE SCHEMA own")
            for name in frames:
                connection.execute(f"CREATE VIEW own.{name} AS SELECT * FROM raw_{name}")
        assert counts(open_dataset(f"{file}?schema=own", Settings())) == COUNTS

    def test_a_view_that_does_not_work_is_named(self, frames, tmp_path):
        file = write_duckdb(frames, tmp_path / "data.duckdb")
        with duckdb.connect(file) as connection:
            connection.execute("ALTER TABLE feedback RENAME TO gone")
            connection.execute("CREATE VIEW feedback AS SELECT * FROM gone")
            connection.execute("DROP TABLE gone")
        message = opening_error(file)
        assert message.startswith(f"{file}: feedback cannot be read: ")
        assert "gone" in message

    def test_a_missing_table_names_the_nearest(self, frames, tmp_path):
        frames["order"] = frames.pop("orders")
        file = write_duckdb(frames, tmp_path / "data.duckdb")
        assert opening_error(file) == f"{file}: no table or view orders in schema main; did you mean 'order'?"

    def test_the_file_stays_as_it_was(self, frames, tmp_path):
        file = write_duckdb(frames, tmp_path / "data.duckdb")
        before = file.read_bytes()
        file.chmod(0o444)
        feature_frames.features_at(checks.load(file, feature_frames.SETTINGS)[0], AS_OF)
        assert file.read_bytes() == before
        assert list(tmp_path.iterdir()) == [file]

    def test_a_file_that_another_process_writes_is_refused(self, frames, tmp_path):
        file = write_duckdb(frames, tmp_path / "data.duckdb")
        script = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); sys.stdin.read()"
        with subprocess.Popen(
            [sys.executable, "-c", script, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            message = opening_error(file)
            writer.communicate()
        assert message == (
            f"{file} is being written by another process (PID {writer.pid}): close it there, or copy the "
            "file and use the copy."
        )

    def test_another_kind_of_file_is_refused(self, frames, tmp_path):
        file = feature_frames.write(frames, tmp_path, "csv") / "orders.csv"
        assert opening_error(file) == (
            f"{file} is a file with one table: name the folder that holds it and the others."
        )
        assert opening_error(file.rename(file.with_suffix(".bin"))).startswith(
            f"{file.with_suffix('.bin')} is not a DuckDB file. A dataset of Parquet or CSV is named by"
        )

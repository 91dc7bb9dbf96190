"""Temporary Parquet files live as long as the connection that reads them."""

from __future__ import annotations

import gc
import tempfile

import pyarrow as pa

from ripple.features.tables.sources.source import connect
from ripple.features.tables.sources.temporary import TemporaryFiles, write_batches


def test_files_go_with_the_connection_and_no_one_else_reads_them(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    connection = connect()
    temporary = TemporaryFiles(connection)
    tables = []
    for value in (1, 2):
        batch = pa.record_batch({"a": [value]})
        file = temporary.new()
        write_batches(file, batch.schema, [batch, batch])
        tables.append(temporary.table(file))
    (folder,) = tmp_path.iterdir()
    assert folder.stat().st_mode & 0o077 == 0
    assert [table.a.to_pyarrow().to_pylist() for table in tables] == [[1, 1], [2, 2]]
    connection.disconnect()
    del connection, tables, temporary
    gc.collect()
    assert list(tmp_path.iterdir()) == []

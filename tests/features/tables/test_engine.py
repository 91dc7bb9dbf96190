import ibis
import pyarrow as pa

from ripple.features.tables.engine import cached


def test_a_cached_table_is_computed_once_and_stays_as_it_was():
    backend = ibis.duckdb.connect()
    source = backend.create_table("numbers", pa.table({"number": [1, 2]}))
    doubled = cached(source.mutate(number=source.number * 2))
    backend.insert("numbers", pa.table({"number": [3]}))
    assert sorted(doubled.to_pyarrow()["number"].to_pylist()) == [2, 4]
    assert source.count().to_pyarrow().as_py() == 3

"""The forms of files: what is read from each, and that a file which is not whole is an error."""

from __future__ import annotations

import gzip
import sys
from datetime import datetime, time
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from ripple.errors import InputError
from ripple.features.dataset import open_dataset
from ripple.features.tables.sources.file_formats import form_of, lake_of, read_files, sheets, table_name
from ripple.features.tables.sources.source import connect
from ripple.settings import Settings
from tests.support.oracles import feature_frames

LINES = "".join(f"{i},x{i}\n" for i in range(200_000))
TEXT = f"a,b\n{LINES}".encode()


def read(*files: Path, **options) -> list[dict[str, object]]:
    return read_files(connect(), files, **options).to_pyarrow().to_pylist()


@pytest.fixture
def written(tmp_path):
    def written(name: str, content: bytes | str) -> Path:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    return written


@pytest.mark.parametrize(
    ("name", "table", "form"),
    [
        ("orders.parquet", "orders", "parquet"),
        ("Orders.PARQUET", "Orders", "parquet"),
        ("part-0.snappy.parquet", "part-0.snappy", "parquet"),
        ("orders.csv.GZ", "orders", "csv"),
        ("orders.tsv", "orders", "csv"),
        ("2024.01.ndjson.zst", "2024.01", "json"),
        ("orders.xlsx", "orders", "xlsx"),
        ("orders.parquet.gz", None, None),
        ("orders.csv.bak", None, None),
        ("csv", None, None),
        (".csv", None, None),
    ],
)
def test_a_file_is_known_by_its_name(name, table, form):
    assert table_name(name) == table
    assert form_of(Path(name)) == form


class TestText:
    @pytest.mark.parametrize("suffix", ["gz", "GZ", "zst"])
    def test_compressed_files_of_several_members_are_read_to_their_end(self, written, suffix):
        codec = pa.Codec("gzip" if suffix.lower() == "gz" else "zstd")
        content = b"".join(codec.compress(part, asbytes=True) for part in (b"a\n1\n", b"2\n"))
        assert read(written(f"t.csv.{suffix}", content)) == [{"a": "1"}, {"a": "2"}]

    @pytest.mark.parametrize("form", ["csv", "jsonl"])
    @pytest.mark.parametrize("compression", ["gzip", "zstd"])
    def test_a_stream_that_breaks_off_is_an_error(self, written, form, compression):
        whole = TEXT if form == "csv" else b'{"a": 1}\n' * 200_000
        content = pa.Codec(compression).compress(whole, asbytes=True)
        file = written(f"t.{form}.{'gz' if compression == 'gzip' else 'zst'}", content[: len(content) // 2])
        with pytest.raises(InputError, match=rf"^{file} cannot be read: Truncated compressed stream"):
            read(file)

    @pytest.mark.parametrize("name", ["t.csv.gz", "t.csv.zst", "t.json.gz"])
    def test_what_is_not_compressed_is_an_error(self, written, name):
        with pytest.raises(InputError, match=rf"{name} cannot be read: "):
            read(written(name, TEXT))

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
    @pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.json"])
    def test_a_mark_tells_the_encoding(self, written, encoding, name):
        text = '[{"name": "Åse"}]' if "json" in name else "name\nÅse\n"
        content = text.encode(encoding)
        assert read(written(name, gzip.compress(content) if name.endswith("gz") else content)) == [
            {"name": "Åse"}
        ]

    @pytest.mark.parametrize("content", ["näme\nx\n", "name\n" + "x\n" * 99_999 + "Å\n"])
    def test_another_encoding_has_to_be_given(self, written, content):
        file = written("orders.csv", content.encode("cp1252"))
        with pytest.raises(InputError) as error:
            read(file)
        assert str(error.value) == (
            f"{file} is not text in UTF-8: give its encoding in ripple.toml, as in [tables.orders] "
            'from = "orders.csv", encoding = "cp1252".'
        )
        name, *_, last = content.split()
        assert read(file, encoding="cp1252")[-1] == {name: last}

    def test_an_encoding_that_does_not_fit_is_an_error(self, written):
        with pytest.raises(InputError, match=r"t\.csv is not text in ascii: give its encoding"):
            read(written("t.csv", "name\nÅ\n"), encoding="ascii")

    def test_an_encoding_is_an_option_of_the_mapping(self, frames, tmp_path):
        frames["customers"]["industry"] = "Øl & vin"
        folder = feature_frames.write(frames, tmp_path, "csv")
        frames["customers"].to_csv(folder / "customers.csv", index=False, encoding="latin-1")
        mapping = {"from": "customers", "encoding": "latin-1", "columns": {"industry": "industry"}}
        customers = open_dataset(folder, Settings(tables={"customers": mapping})).tables["customers"]
        assert customers.industry.to_pyarrow().to_pylist() == ["Øl & vin"] * 5

    def test_tabs_separate_whatever_else_is_in_the_header(self, written):
        assert read(written("t.TSV", "a, b\tc, d, e\n1\t2\n")) == [{"a, b": "1", "c, d, e": "2"}]


class TestJSON:
    ROWS = (
        '{"id": 9007199254740993, "at": "2024-05-17T09:30:00+02:00", "properties": {"plan": "a"}}\n'
        '{"id": "x", "paid": 1.50, "properties": {"seats": [1, 2], "plan": null}, "active": true}\n'
    )

    def test_values_are_text_and_objects_keep_their_keys(self, written):
        assert read(written("t.jsonl", self.ROWS)) == [
            {
                "id": "9007199254740993",
                "at": "2024-05-17T09:30:00+02:00",
                "properties": {"plan": "a", "seats": None},
                "paid": None,
                "active": None,
            },
            {
                "id": "x",
                "at": None,
                "properties": {"plan": None, "seats": ["1", "2"]},
                "paid": "1.5",
                "active": "true",
            },
        ]

    def test_a_key_that_one_of_many_rows_has_is_a_column(self, written):
        content = '{"a": 1}\n' * 100_000 + '{"b": {"c": 2}}\n'
        assert read(written("t.ndjson", content))[-1] == {"a": None, "b": {"c": "2"}}

    @pytest.mark.parametrize(
        "content",
        ['{"user": 1, "userId": 2}\n{"userID": 3}\n', '[{"userId": 1}, {"userID": 2, "x_1": 0, "x": 1}]'],
    )
    def test_keys_that_differ_in_case_alone_are_refused(self, written, content):
        with pytest.raises(InputError, match=r"t\.json: the keys userID and userId differ only in case"):
            read(written("t.json", content))

    def test_keys_that_end_in_a_number_are_columns(self, written):
        assert read(written("t.json", '{"x": 1, "x_1": 2}')) == [{"x": "1", "x_1": "2"}]

    def test_files_of_different_keys_are_one_table(self, written):
        first = written("1.json", '[{"a": 1}]')
        second = written("2.jsonl.gz", gzip.compress(b'{"b": "x"}'))
        assert read(first, second) == [{"a": "1", "b": None}, {"a": None, "b": "x"}]

    def test_an_expression_reaches_into_objects(self, frames, tmp_path):
        folder = feature_frames.write(frames, tmp_path)
        (folder / "customers.parquet").unlink()
        lines = (
            f'{{"customer": {{"id": "c{i}", "profile": {{"plan": "p{i}"}}}}, "joined": 1704067200}}'
            for i in range(1, 6)
        )
        (folder / "people.jsonl").write_text("\n".join(lines))
        columns = {
            "customer_id": "customer.id",
            "joined_at": {"column": "joined", "format": "epoch s"},
            "plan": "customer.profile.plan",
        }
        settings = Settings(tables={"customers": {"from": "people", "columns": columns}})
        rows = open_dataset(folder, settings).tables["customers"].order_by("customer_id").to_pyarrow()
        assert rows.to_pylist()[1] == {"customer_id": "c2", "joined_at": datetime(2024, 1, 1), "plan": "p2"}

    @pytest.mark.parametrize("content", ['{"a": 1}\n{"a":', "a,b\n1,2\n", '{"a": "\xff"}'])
    def test_what_is_no_json_is_an_error(self, written, content):
        with pytest.raises(InputError, match=r"t\.json (cannot be read: .*JSON|is not text in UTF-8)"):
            read(written("t.json", content.encode("latin-1")))


class TestExcel:
    def test_cells_are_text(self, tmp_path):
        frame = pd.DataFrame(
            {
                "id": [1001, 2],
                "sku": ["007", None],
                "at": [datetime(2024, 5, 17, 9, 30, 0, 250_000), None],
                "price": [1.5, 1e300],
                "paid": [True, False],
                "hour": [time(9, 30), None],
            }
        )
        frame.to_excel(tmp_path / "t.xlsx", index=False)
        first, second = read(tmp_path / "t.xlsx")
        assert first == {
            "id": "1001",
            "sku": "007",
            "at": "2024-05-17T09:30:00.250000",
            "price": "1.5",
            "paid": "true",
            "hour": "09:30:00",
        }
        assert second == {
            "id": "2",
            "sku": None,
            "at": None,
            "price": "1e+300",
            "paid": "false",
            "hour": None,
        }

    def test_a_sheet_is_named_where_there_are_several(self, tmp_path):
        file = tmp_path / "t.xlsx"
        with pd.ExcelWriter(file) as writer:
            pd.DataFrame({"a": [1]}).to_excel(writer, sheet_name="First", index=False)
            pd.DataFrame({"b": [2]}).to_excel(writer, sheet_name="Second", index=False)
            pd.DataFrame().to_excel(writer, sheet_name="Empty", index=False)
        assert sheets(file) == ["First", "Second"]
        assert read(file, sheet="Second") == [{"b": "2"}]
        with pytest.raises(InputError, match=r"t\.xlsx: expected one sheet with cells; found First, Second"):
            read(file)
        with pytest.raises(InputError, match=r"t\.xlsx has no sheet Third; known are First, Second"):
            read(file, sheet="Third")

    def test_a_header_names_every_column(self, tmp_path):
        pd.DataFrame([[1, 2]], columns=["a", ""]).to_excel(tmp_path / "t.xlsx", index=False)
        with pytest.raises(InputError, match=r"t\.xlsx: its first line must name every column once"):
            read(tmp_path / "t.xlsx")

    def test_what_is_no_workbook_is_an_error(self, written):
        with pytest.raises(InputError, match=r"t\.xlsx cannot be read: "):
            read(written("t.xlsx", TEXT))

    def test_without_the_library_it_says_how_to_install_it(self, tmp_path, monkeypatch):
        pd.DataFrame({"a": [1]}).to_excel(tmp_path / "t.xlsx", index=False)
        monkeypatch.setitem(sys.modules, "python_calamine", None)
        with pytest.raises(InputError, match=r"the extra excel: .*--extra excel"):
            read(tmp_path / "t.xlsx")


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("_delta_log/0.json", "Delta"),
        ("metadata/v1.metadata.json", "Iceberg"),
        (".hoodie/hoodie.properties", "Hudi"),
        ("metadata/notes.json", None),
    ],
)
def test_a_table_with_a_log_is_known_by_it(tmp_path, file, kind):
    (tmp_path / file).parent.mkdir()
    (tmp_path / file).touch()
    assert lake_of(tmp_path) == kind

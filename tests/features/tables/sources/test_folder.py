"""Datasets in a folder of files."""

import gc
import os
from datetime import datetime

import pytest

from ripple.errors import InputError
from ripple.features.dataset import open_dataset
from ripple.settings import Settings
from tests.support.oracles import feature_frames

CUTOFF = datetime(2024, 6, 1)
HEADER = b"customer_id,ordered_at,product,revenue\n"
ROW = b"c1,2024-01-01,p,1\n"


def values(table, column):
    return table[column].to_pyarrow().to_pylist()


@pytest.fixture(params=["parquet", "csv"])
def form(request):
    return request.param


def with_content(name, content):
    def replace(folder):
        (folder / "orders.parquet").unlink()
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)

    return replace


@pytest.fixture
def error_after(write):
    """The message of the error on a folder after *change* was done to it."""

    def error_after(frames, change, form="parquet"):
        folder = write(frames, form)
        change(folder)
        with pytest.raises(InputError) as error:
            open_dataset(folder, Settings())
        return str(error.value).replace(f"{folder}/", "").replace(str(folder), "FOLDER")

    return error_after


def test_both_forms_open_to_the_same_rows(frames, opened, tmp_path):
    frames["orders"].loc[0, "margin"] = None
    parquet = {name: table.to_pyarrow() for name, table in opened(frames, "parquet").tables.tables.items()}
    for name in frames:
        (tmp_path / "data" / f"{name}.parquet").unlink()
    for name, table in opened(frames, "csv").tables.tables.items():
        assert table.to_pyarrow().to_pylist() == parquet[name].select(table.columns).to_pylist()


def test_a_table_may_be_a_folder_of_files(frames, write, form):
    folder = write(frames, form)
    orders = frames["orders"]
    (folder / f"orders.{form}").unlink()
    parts = folder / "orders" / "2024"
    parts.mkdir(parents=True)
    late = orders.iloc[3:].assign(known_at=CUTOFF)[[*orders.columns[::-1], "known_at"]]
    for name, part in {"a": orders.iloc[:3], "b": late}.items():
        if form == "parquet":
            part.to_parquet(parts / f"{name}.parquet", index=False)
        else:
            part.to_csv(parts / f"{name}.csv", index=False)
    dataset = open_dataset(folder, Settings())
    table = dataset.tables["orders"].order_by("order_id")
    assert values(table, "order_id") == ["o1", "o2", "o3", "o4", "o5"]
    assert values(table, "revenue") == orders.revenue.to_list()
    # a column of the later files only is not lost
    assert values(table, "known_at") == [None] * 3 + [CUTOFF] * 2


def test_a_path_is_no_pattern(frames, tmp_path, write, form):
    folder = write(frames, form).rename(tmp_path / "data[1]*")
    assert open_dataset(folder, Settings()).tables["orders"].count().execute() == 5


def test_csv_outlives_the_collection_of_garbage(frames, opened):
    dataset = opened(frames, "csv")
    gc.collect()
    assert dataset.tables.before(CUTOFF)["customers"].count().execute() == 5


def test_a_missing_folder_says_what_to_do(tmp_path):
    with pytest.raises(InputError, match=r"No dataset at .*: expected a folder .*`ripple simulate OUT`"):
        open_dataset(tmp_path / "none", Settings())


@pytest.mark.parametrize("table", ["customers", "orders"])
def test_a_missing_table_names_the_nearest_file(frames, error_after, table):
    def rename(folder):
        (folder / f"{table}.parquet").rename(folder / f"{table[:-1]}.parq")

    message = error_after(frames, rename)
    assert message == (
        f"FOLDER: no {table}.parquet, {table}.csv or folder {table}/; did you mean '{table[:-1]}.parq'?"
    )


def test_missing_columns_are_listed_together_with_those_that_exist(frames, write, form):
    frames["orders"] = frames["orders"].rename(columns={"revenue": "amount"}).drop(columns="product")
    frames["feedback"] = frames["feedback"].drop(columns="score")
    with pytest.raises(InputError) as error:
        open_dataset(write(frames, form), Settings())
    columns = "customer_id, ordered_at, amount, margin, order_id"
    *lines, remedy = str(error.value).splitlines()
    assert lines == [
        f"orders: column 'product' is missing; found {columns}",
        f"orders: column 'revenue' is missing; found {columns}",
        "feedback: column 'score' is missing; found customer_id, occurred_at",
    ]
    assert remedy.endswith('[tables.orders.columns] product = "their_column"')


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("orders.parquet", b"PAR1 and then nothing", "No magic bytes found at end of file"),
        ("orders.parquet", b"", "too small to be a Parquet file"),
        (
            "orders.csv",
            HEADER + ROW * 3 + b"c1,2024-01-01,p,1,2\n",
            "Line: 5; Original Line: c1,2024-01-01,p,1,2; Expected Number of Columns: 4 Found: 5",
        ),
        (
            "orders.csv",
            HEADER + b"c1,2024\n" + ROW * 3,
            "Line: 2; Original Line: c1,2024; Expected Number of Columns: 4 Found: 2",
        ),
    ],
)
def test_an_unreadable_file_is_named_with_the_place(frames, error_after, name, content, reason):
    message = error_after(frames, with_content(name, content))
    assert message.startswith(f"{name} cannot be read: ")
    assert reason in message
    assert "\n" not in message


def test_a_pipe_is_not_waited_for(frames, write):
    folder = write(frames)
    os.mkfifo(folder / "unused.xlsx")
    assert "orders" in open_dataset(folder, Settings()).tables
    (folder / "orders.parquet").unlink()
    os.mkfifo(folder / "orders.csv")
    with pytest.raises(InputError, match=r"orders\.csv is a pipe or a device"):
        open_dataset(folder, Settings())


def test_the_unreadable_one_of_several_files_is_named(frames, write, form):
    folder = write(frames)
    (folder / "orders.parquet").unlink()
    (folder / "orders").mkdir()
    for name in "ab":
        feature_frames.write({name: frames["orders"]}, folder / "orders", form)
    (folder / "orders" / f"b.{form}").write_bytes(HEADER + b"c1")
    with pytest.raises(InputError, match=rf"orders/b\.{form} cannot be read"):
        open_dataset(folder, Settings())


@pytest.mark.parametrize("header", ["", "a,,b", "a,a", "a,b,"])
def test_a_header_must_name_every_column_once(frames, error_after, header):
    message = error_after(frames, with_content("orders.csv", f"{header}\n1,2,3\n".encode()))
    assert message == f"orders.csv: its first line must name every column once; found '{header}'."


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_csv_may_be_separated_otherwise(frames, write, separator):
    folder = write(frames, "csv")
    frames["orders"].to_csv(folder / "orders.csv", index=False, sep=separator, lineterminator="\r\n")
    assert values(open_dataset(folder, Settings()).tables["orders"], "revenue") == [100, 20, 50, 80, -30]


def test_csv_is_not_guessed_from_its_first_rows(frames, write):
    folder = write(frames, "csv")
    late = b'"#1, or so","2024-01-01T00:00:00Z","5"" disk\nand more","1.5"\n'
    (folder / "orders.csv").write_bytes(b"\xef\xbb\xbf" + HEADER + b"#2,2024-01-01,p,1\n" * 30_000 + late)
    table = open_dataset(folder, Settings()).tables["orders"]
    assert table.count().execute() == 30_001
    last = table.filter(table.revenue == 1.5).to_pyarrow().to_pylist()
    assert last == [
        {
            "customer_id": "#1, or so",
            "ordered_at": datetime(2024, 1, 1),
            "product": '5" disk\nand more',
            "revenue": 1.5,
        }
    ]


def test_a_table_that_is_there_twice_is_refused(frames, error_after):
    message = error_after(frames, lambda folder: (folder / "orders.csv").write_text("customer_id\n"))
    assert message == "Table orders is there more than once: orders.csv, orders.parquet. Keep one."


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "orders holds no table: expected files that end in parquet, csv"),
        (["a.txt", "_b.csv"], "orders holds no table: expected files that end in parquet, csv"),
        (["a.parquet", "b.csv"], "orders holds files of several forms, such as a.parquet and b.csv: keep"),
    ],
)
def test_a_folder_without_one_kind_of_files_is_refused(frames, error_after, files, message):
    def change(folder):
        (folder / "orders.parquet").unlink()
        (folder / "orders").mkdir()
        for file in files:
            (folder / "orders" / file).touch()

    assert error_after(frames, change).startswith(message)

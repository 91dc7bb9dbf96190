import gc
import uuid
from datetime import UTC, date, datetime, timedelta

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ripple.errors import InputError
from ripple.features.dataset import open_dataset
from ripple.settings import Settings
from tests.support import feature_frames

CUTOFF = datetime(2024, 6, 1)
MOMENT = timedelta(microseconds=1)
TIMES = {
    "customers": "joined_at",
    "orders": "ordered_at",
    "usage": "occurred_at",
    "interactions": "occurred_at",
    "feedback": "occurred_at",
}


def values(table, column):
    return table[column].to_pyarrow().to_pylist()


@pytest.fixture(params=["parquet", "csv"])
def form(request):
    return request.param


@pytest.fixture
def refused(write):
    """What the user is told about a folder, after *change* was done to it."""

    def refused(frames, change, form="parquet"):
        folder = write(frames, form)
        change(folder)
        with pytest.raises(InputError) as error:
            open_dataset(folder, Settings())
        return str(error.value).replace(f"{folder}/", "").replace(str(folder), "FOLDER")

    return refused


def test_every_table_opens_with_the_columns_of_the_contract(frames, opened, form):
    dataset = opened(frames, form)
    assert list(dataset.tables.tables) == list(frames)
    assert dataset.absent == []
    for name, frame in frames.items():
        assert list(dataset.tables[name].columns) == list(frame.columns)
        assert dataset.tables[name].count().execute() == len(frame)


def test_both_forms_open_to_the_same_rows(frames, opened, tmp_path):
    frames["orders"].loc[0, "margin"] = None
    parquet = {name: table.to_pyarrow() for name, table in opened(frames, "parquet").tables.tables.items()}
    for name in frames:
        (tmp_path / "data" / f"{name}.parquet").unlink()
    for name, table in opened(frames, "csv").tables.tables.items():
        assert table.to_pyarrow().to_pylist() == parquet[name].select(table.columns).to_pylist()


def test_ids_stay_text(frames, opened, form):
    ids = ["00123", "NA", "null", "1e5", "c5, or so"]
    frames["customers"]["customer_id"] = ids
    assert values(opened(frames, form).tables["customers"], "customer_id") == ids


def test_whole_numbers_are_ids(frames, opened, form):
    frames["customers"]["customer_id"] = [1, 2, 10, 100, -5]
    assert values(opened(frames, form).tables["customers"], "customer_id") == ["1", "2", "10", "100", "-5"]


def test_uuids_are_ids(frames, write):
    folder = write(frames)
    known = uuid.UUID(int=5)
    duckdb.sql(f"select uuid '{known}' as customer_id, timestamp '2024-01-01' as joined_at").write_parquet(
        str(folder / "customers.parquet")
    )
    dataset = open_dataset(folder, Settings())
    assert values(dataset.tables["customers"], "customer_id") == [str(known)]


def test_an_empty_id_is_none(frames, opened, form):
    frames["customers"].loc[0, "customer_id"] = ""
    assert values(opened(frames, form).tables["customers"], "customer_id")[0] is None


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2024-05-17", datetime(2024, 5, 17)),
        ("2024-05-17 09:30", datetime(2024, 5, 17, 9, 30)),
        ("2024-05-17 09:30:00", datetime(2024, 5, 17, 9, 30)),
        ("2024-05-17T09:30:00", datetime(2024, 5, 17, 9, 30)),
        ("2024-05-17T09:30:00.123456", datetime(2024, 5, 17, 9, 30, 0, 123456)),
        ("2024-05-17T09:30:00Z", datetime(2024, 5, 17, 9, 30)),
        ("2024-05-17T09:30:00+02:00", datetime(2024, 5, 17, 7, 30)),
        ("2024-05-17 09:30:00-0530", datetime(2024, 5, 17, 15, 0)),
        ("2024-05-17 00:30:00+02", datetime(2024, 5, 16, 22, 30)),
    ],
)
def test_times_written_as_text_are_utc(frames, opened, form, written, expected):
    frames["orders"]["ordered_at"] = written
    dataset = opened(frames, form)
    assert set(values(dataset.tables["orders"], "ordered_at")) == {expected}
    assert unreadable(dataset) == {}


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (pa.array([date(2024, 5, 17)]), datetime(2024, 5, 17)),
        (pa.array([datetime(2024, 5, 17, 9, 30)], pa.timestamp("ms")), datetime(2024, 5, 17, 9, 30)),
        (pa.array([datetime(2024, 5, 17, 9, 30)], pa.timestamp("ns")), datetime(2024, 5, 17, 9, 30)),
        (
            pa.array([datetime(2024, 5, 17, 7, 30, tzinfo=UTC)], pa.timestamp("us", "Europe/Berlin")),
            datetime(2024, 5, 17, 7, 30),
        ),
    ],
)
def test_every_type_of_time_in_parquet_is_utc(frames, write, stored, expected):
    folder = write(frames)
    pq.write_table(
        pa.table({"customer_id": ["c1"], "ordered_at": stored, "product": ["p"], "revenue": [1]}),
        folder / "orders.parquet",
    )
    dataset = open_dataset(folder, Settings())
    assert values(dataset.tables["orders"], "ordered_at") == [expected]
    assert unreadable(dataset) == {}


def test_numbers_of_every_type_are_floats(frames, write):
    folder = write(frames)
    orders = pa.table(
        {
            "customer_id": ["c1"],
            "ordered_at": pa.array([CUTOFF]),
            "product": ["p"],
            "revenue": pa.array([12], pa.int16()),
            "margin": pa.array(["1.25"]),
        }
    )
    pq.write_table(orders, folder / "orders.parquet")
    table = open_dataset(folder, Settings()).tables["orders"]
    assert (values(table, "revenue"), values(table, "margin")) == ([12.0], [1.25])


def unreadable(dataset):
    """table.column → how many values could not be read."""
    counts = {
        f"{table}.{column}": rows.count().execute()
        for table, columns in dataset.uncast.items()
        for column, rows in columns.items()
    }
    return {place: count for place, count in counts.items() if count}


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("orders", "revenue", "a lot"),
        ("orders", "revenue", "1,5"),
        ("orders", "ordered_at", "17/05/2024"),
        ("orders", "ordered_at", "20240-05-17"),
        ("usage", "occurred_at", "infinity"),
        ("feedback", "score", "good"),
    ],
)
def test_what_cannot_be_read_is_null_and_remembered(frames, opened, table, column, value):
    frames[table][column] = frames[table][column].astype(str)
    frames[table].loc[1, column] = value
    dataset = opened(frames, "csv")
    assert unreadable(dataset) == {f"{table}.{column}": 1}
    assert values(dataset.tables[table], column).count(None) == 1


@pytest.mark.parametrize(
    ("table", "column", "wrong"),
    [
        ("customers", "customer_id", [1.5, 2.0, 3.0, 4.0, 5.0]),
        ("orders", "ordered_at", [1, 2, 3, 4, 5]),
        ("orders", "revenue", [True, True, False, True, True]),
    ],
)
def test_a_column_of_another_type_is_all_null_and_remembered(frames, opened, table, column, wrong):
    frames[table][column] = wrong
    dataset = opened(frames)
    assert unreadable(dataset) == {f"{table}.{column}": 5}
    assert values(dataset.tables[table], column) == [None] * 5


def test_only_customers_keep_further_columns(frames, opened, form):
    frames["orders"]["colour"] = "blue"
    dataset = opened(frames, form)
    assert dataset.attributes == ["industry"]
    assert "colour" not in dataset.tables["orders"].columns


def test_an_attribute_may_have_the_name_of_a_time(frames, opened, form):
    frames["customers"]["known_at"] = "the fair"
    frames["customers"]["released_at"] = 3
    dataset = opened(frames, form)
    assert dataset.tables.before(CUTOFF)["customers"].count().execute() == 5


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
def test_a_missing_table_names_the_nearest_file(frames, refused, table):
    told = refused(frames, lambda folder: (folder / f"{table}.parquet").rename(folder / f"{table[:-1]}.parq"))
    assert told == (
        f"FOLDER: no {table}.parquet, {table}.csv or folder {table}/; did you mean '{table[:-1]}.parq'?"
    )


def test_usage_or_interactions_must_be_there(frames, refused, opened):
    told = refused(
        frames, lambda folder: [(folder / f"{n}.parquet").unlink() for n in ("usage", "interactions")]
    )
    assert told == "FOLDER: at least one of usage and interactions is needed; found neither."


@pytest.mark.parametrize("absent", ["usage", "interactions", "catalog", "feedback"])
def test_an_optional_table_may_be_absent(frames, opened, absent):
    del frames[absent]
    dataset = opened(frames)
    assert dataset.absent == [absent]
    assert absent not in dataset.tables


def test_missing_columns_are_told_together_with_what_was_found(frames, write, form):
    frames["orders"] = frames["orders"].rename(columns={"revenue": "amount"}).drop(columns="product")
    frames["feedback"] = frames["feedback"].drop(columns="score")
    with pytest.raises(InputError) as error:
        open_dataset(write(frames, form), Settings())
    found = "customer_id, ordered_at, amount, margin, order_id"
    assert str(error.value).splitlines() == [
        f"orders: column 'product' is missing; found {found}",
        f"orders: column 'revenue' is missing; found {found}",
        "feedback: column 'score' is missing; found customer_id, occurred_at",
    ]


HEADER = b"customer_id,ordered_at,product,revenue\n"
ROW = b"c1,2024-01-01,p,1\n"


def spoilt(name, content):
    def spoil(folder):
        (folder / "orders.parquet").unlink()
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)

    return spoil


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("orders.parquet", b"PAR1 and then nothing", "No magic bytes found at end of file"),
        ("orders.parquet", b"", "too small to be a Parquet file"),
        ("orders.csv", HEADER + b"c1,2024-01-01,p\xff,1\n", "not utf-8"),
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
def test_an_unreadable_file_is_named_with_the_place(frames, refused, name, content, reason):
    told = refused(frames, spoilt(name, content))
    assert told.startswith(f"{name} cannot be read: ")
    assert reason in told
    assert "\n" not in told


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
def test_a_header_must_name_every_column_once(frames, refused, header):
    told = refused(frames, spoilt("orders.csv", f"{header}\n1,2,3\n".encode()))
    assert told == f"orders.csv: its first line must name every column once; found '{header}'."


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


def test_a_table_that_is_there_twice_is_refused(frames, refused):
    told = refused(frames, lambda folder: (folder / "orders.csv").write_text("customer_id\n"))
    assert told == "Table orders is there more than once: orders.parquet, orders.csv. Keep one."


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ([], "orders holds neither Parquet nor CSV"),
        (["a.parquet", "b.csv"], "orders holds both Parquet and CSV"),
    ],
)
def test_a_folder_without_one_kind_of_files_is_refused(frames, refused, files, told):
    def change(folder):
        (folder / "orders.parquet").unlink()
        (folder / "orders").mkdir()
        for file in files:
            (folder / "orders" / file).touch()

    assert refused(frames, change).startswith(told)


def around(frame, column):
    """Three rows, just before, at and just after the cutoff."""
    rows = frame.iloc[[0, 0, 0]].reset_index(drop=True)
    rows[column] = pd.Series([CUTOFF - MOMENT, CUTOFF, CUTOFF + MOMENT], dtype="datetime64[us]")
    return rows


@pytest.mark.parametrize(
    ("table", "column"),
    [
        *TIMES.items(),
        *[(table, "known_at") for table in TIMES if table != "customers"],
        ("catalog", "released_at"),
    ],
)
def test_before_is_strict_and_until_is_not(frames, opened, form, table, column):
    if table in TIMES:
        frames[table][TIMES[table]] = datetime(2024, 1, 5)
    frames[table] = around(frames[table], column)
    tables = opened(frames, form).tables
    assert values(tables.before(CUTOFF)[table], column) == [CUTOFF - MOMENT]
    assert values(tables.until(CUTOFF)[table], column) == [CUTOFF - MOMENT, CUTOFF]


@pytest.mark.parametrize(("table", "column"), [("orders", "known_at"), ("catalog", "released_at")])
def test_a_time_that_is_not_given_hides_nothing(frames, opened, form, table, column):
    rows = len(frames[table])
    frames[table][column] = pd.Series([None] * rows, dtype="datetime64[us]")
    assert opened(frames, form).tables.before(datetime(2030, 1, 1))[table].count().execute() == rows


def test_a_late_row_is_hidden_until_it_is_known(frames, opened):
    frames["orders"]["known_at"] = [CUTOFF] * 2 + [None] * 3
    tables = opened(frames).tables
    assert values(tables.before(CUTOFF)["orders"], "order_id") == ["o3", "o4"]
    assert len(values(tables.before(CUTOFF + MOMENT)["orders"], "order_id")) == 4


def test_a_dataset_limited_to_a_moment_is_what_was_there_then(frames, opened):
    moment = datetime(2024, 5, 20)
    dataset = opened(frames).limited_to(moment)
    assert dataset.settings.until == moment
    assert max(values(dataset.tables["usage"], "occurred_at")) <= moment
    assert dataset.limited_to(CUTOFF).settings.until == moment
    assert values(dataset.tables["orders"], "order_id") == ["o1", "o2"]

"""Datasets in a MariaDB server, which is a real one."""

from __future__ import annotations

import socket
import sys
import tempfile
from datetime import datetime

import pytest
import sqlglot

from ripple.errors import InputError
from ripple.features.dataset import open_dataset
from ripple.features.tables.sources import find
from ripple.features.tables.sources.mysql import OpenMySQL
from ripple.features.validation import checks
from ripple.settings import Settings
from tests.support.oracles.dataset_sources import counts, opening_error
from tests.support.servers.postgres_server import PASSWORD, password_leaks
from tests.support.servers.processes import Ripple, free_port

COUNTS = {"customers": 5, "orders": 5, "usage": 240, "catalog": 3, "interactions": 4, "feedback": 3}


def test_every_type_arrives(mariadb, schema):
    name = f"`{schema}`"
    mariadb.run(
        f"CREATE DATABASE {name} CHARACTER SET latin1",
        f"""CREATE TABLE {name}.customers (customer_id bigint unsigned, joined_at date, plan char(4),
            seats decimal(9, 2), active boolean, ratio float, flag bit(1), born year, code binary(2),
            doc json, hour time)""",
        f"""INSERT INTO {name}.customers VALUES
            (18446744073709551615, '2024-05-17', 'ü', 2.5, true, 16777217, b'1', 1999, x'FF00', '{{"a": 1}}',
            '09:30:00')""",
        f"""CREATE TABLE {name}.orders (customer_id varchar(20), ordered_at timestamp, product decimal(20, 0),
            revenue decimal(12, 2), margin double, order_id int, known_at datetime(3))""",
        "SET time_zone = '+02:00', sql_mode = ''",
        f"""INSERT INTO {name}.orders VALUES
            ('a', '2024-05-17 00:30:00', 12345678901234567890, 1234567890.12, 0.1, 7,
                '2024-05-18 09:30:00.123'),
            ('b', '2024-05-17 09:30:00', 13, NULL, NULL, NULL, '0000-00-00')""",
        f"""CREATE TABLE {name}.interactions (source_id text, target_id varchar(9), occurred_at datetime,
            kind enum('follow', 'share'), weight smallint)""",
        f"""INSERT INTO {name}.interactions VALUES
            ('c1', 'ü', '2024-05-17', 'share', 3), (NULL, '', NULL, NULL, NULL)""",
    )
    dataset = open_dataset(mariadb.url(schema), Settings())
    assert dataset.tables["customers"].to_pyarrow().to_pylist() == [
        {
            "customer_id": "18446744073709551615",
            "joined_at": datetime(2024, 5, 17),
            "plan": "ü",
            "seats": 2.5,
            "active": 1,
            "ratio": 16777216.0,
            "flag": 1,
            "born": 1999,
            "code": "FF00",
            "doc": '{"a": 1}',
            "hour": "09:30:00",
        }
    ]
    assert [tuple(row.values()) for row in dataset.tables["orders"].to_pyarrow().to_pylist()] == [
        (
            "a",
            datetime(2024, 5, 16, 22, 30),
            "12345678901234567890",
            1234567890.12,
            0.1,
            "7",
            datetime(2024, 5, 18, 9, 30, 0, 123000),
        ),
        ("b", datetime(2024, 5, 17, 7, 30), "13", None, None, None, None),
    ]
    assert [tuple(row.values()) for row in dataset.tables["interactions"].to_pyarrow().to_pylist()] == [
        ("c1", "ü", datetime(2024, 5, 17), "share", 3.0),
        (None, None, None, None, None),
    ]


def test_a_missing_table_names_the_nearest(mariadb, schema, frames):
    frames["order"] = frames.pop("orders")
    url = mariadb.write(frames, schema)
    message = f"no table or view orders in schema {schema}; did you mean 'order'?"
    assert opening_error(url) == f"{find(url)}: {message}"


def test_all_tables_are_of_one_moment_and_nothing_is_written(mariadb, schema, frames, monkeypatch):
    url = mariadb.write(frames, schema)
    copy = OpenMySQL._copy

    def meddle(*arguments):
        mariadb.run(f"DELETE FROM `{schema}`.interactions")
        copy(*arguments)

    monkeypatch.setattr(OpenMySQL, "_copy", meddle)
    assert counts(open_dataset(url, Settings())) == COUNTS
    mariadb.run(
        f"CREATE SEQUENCE `{schema}`.calls",
        f"ALTER TABLE `{schema}`.`usage` RENAME TO `{schema}`.used",
        f"""CREATE VIEW `{schema}`.`usage` AS SELECT customer_id, occurred_at, feature,
            NEXT VALUE FOR `{schema}`.calls AS quantity FROM `{schema}`.used""",
    )
    assert "usage cannot be read: " in opening_error(url)
    assert "READ ONLY transaction" in opening_error(url)


def test_an_error_in_the_midst_of_a_table_names_it(mariadb, schema, frames):
    url = mariadb.write(frames, schema)
    mariadb.run(
        f"DROP TABLE `{schema}`.feedback",
        f"""CREATE VIEW `{schema}`.feedback AS SELECT 'c1' AS customer_id, '2024-05-01' AS occurred_at,
            (SELECT 1 UNION SELECT CASE WHEN seq > 49990 THEN 2 ELSE 1 END) AS score
            FROM `{schema}`.seq_1_to_50000""",
    )
    assert opening_error(url).startswith(f"{find(url)}: feedback cannot be read: ")
    assert "more than 1 row" in opening_error(url)


def test_a_table_is_read_in_batches(mariadb, schema, frames, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    url = mariadb.write(frames, schema)
    mariadb.run(
        f"DROP TABLE `{schema}`.`usage`",
        f"""CREATE VIEW `{schema}`.`usage` AS SELECT 'c1' AS customer_id, '2024-05-01' AS occurred_at,
            concat('f', seq) AS feature FROM `{schema}`.seq_1_to_50000""",
    )
    usage = open_dataset(url, Settings()).tables["usage"]
    assert (usage.count().execute(), usage.feature.nunique().execute()) == (50_000, 50_000)


def test_the_password_may_stand_elsewhere(mariadb, schema, frames, tmp_path, monkeypatch):
    mariadb.write(frames, schema)
    bare = mariadb.url(schema, password=None)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "Access denied" in opening_error(bare)
    monkeypatch.setenv("MYSQL_PWD", PASSWORD)
    assert counts(open_dataset(bare, Settings())) == COUNTS
    monkeypatch.delenv("MYSQL_PWD")
    (tmp_path / ".my.cnf").write_text(
        f"[client]\nuser = shop\nport = {mariadb.port}\npassword = '{PASSWORD}'\n"
    )
    dataset = open_dataset(f"mariadb://127.0.0.1/{schema.replace(' ', '%20')}", Settings())
    assert counts(dataset) == COUNTS


def test_errors_do_not_tell_the_password(mariadb, schema, frames, ripple: Ripple, tmp_path):
    del frames["orders"]
    url = mariadb.write(frames, schema)
    for data, message in {
        url: "no table or view orders",
        mariadb.url(schema, password=f"{PASSWORD} not"): "Access denied",
        mariadb.url(schema, port=free_port()): "Connection refused",
        f"{url}?password2={PASSWORD}": "The MySQL URL cannot be read",
    }.items():
        done = ripple("check", data, home=tmp_path / "home")
        assert done.returncode == 2
        assert message in done.stderr
        assert password_leaks(done.stdout + done.stderr) == []


@pytest.mark.parametrize(
    "rest", ["u:sec@ret@host/db", "u:1?secret@h/db", "h/db?secret=1", "h", "host/db?secret"]
)
def test_a_malformed_url_is_not_repeated(rest):
    with pytest.raises(
        InputError, match=r"^The MySQL URL cannot be read: expected mysql://user@host"
    ) as raised:
        find(f"mysql://{rest}")
    assert "secret" not in str(raised.value)


def test_without_the_driver_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pymysql", None)
    message = opening_error("mysql://localhost/shop")
    assert ".whl[mysql]'" in message
    assert "--extra mysql" in message


def test_a_dataset_is_named_after_the_database():
    source = find("mysql://u:secret@[::1]:3307/my%20shop")
    assert (source.name, source.folder, str(source)) == ("my shop", None, "mysql://[::1]:3307/my shop")
    assert "secret" not in repr(source)


def test_it_keeps_the_contract(mariadb, schema, frames):
    _, report = checks.check(mariadb.write(frames, schema), Settings())
    assert report.violations == []


def test_a_server_that_does_not_greet_is_left():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mysql://shop@127.0.0.1:{silent.getsockname()[1]}/sales?connect_timeout=1"
        assert "cannot connect: Lost connection" in opening_error(url)


def test_a_query_may_take_longer_than_a_connection(mariadb, schema, frames):
    url = f"{mariadb.write(frames, schema)}?connect_timeout=1"
    with find(url).open() as place:
        rows = place.read(sqlglot.parse_one("SELECT SLEEP(1.5) AS slept", dialect="mysql"))
        assert rows.to_pyarrow().to_pylist() == [{"slept": 0}]

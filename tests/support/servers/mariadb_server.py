"""A real MariaDB server for the tests, from the machine's package, on a free port of the loopback."""

from __future__ import annotations

import os
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

import pandas as pd
import pymysql
import pytest

from tests.support.servers.postgres_server import PASSWORD
from tests.support.servers.processes import free_port

QUICK = (
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-buffer-pool-size=16M",
    "--skip-name-resolve",
    "--bind-address=127.0.0.1",
)
TYPES = {"datetime64": "DATETIME(6)", "float": "DOUBLE", "int": "BIGINT"}
"""By the beginning of a type of pandas, the type of a column; all else is text."""


@dataclass(frozen=True)
class MariaDBServer:
    """A running server; its user `shop` may read and write everything."""

    port: int

    def url(self, database: str, password: str | None = PASSWORD, port: int | None = None) -> str:
        """What a user would type as DATA."""
        user = "shop" if password is None else f"shop:{quote(password, safe='')}"
        return f"mysql://{user}@127.0.0.1:{port or self.port}/{quote(database, safe='')}"

    def run(self, *statements: str, rows: list[tuple[Any, ...]] | None = None) -> None:
        """Run the statements; the last of them once for each of *rows*, if these are given."""
        options = {"host": "127.0.0.1", "port": self.port, "user": "shop", "password": PASSWORD}
        with (
            closing(pymysql.connect(**options, autocommit=True)) as connection,
            connection.cursor() as cursor,
        ):
            for statement in statements if rows is None else statements[:-1]:
                cursor.execute(statement)
            if rows:
                cursor.executemany(statements[-1], rows)

    def write(self, tables: Mapping[str, pd.DataFrame], database: str) -> str:
        """Write the tables into a database of their own and return its URL."""
        self.run(f"CREATE DATABASE `{database}` CHARACTER SET utf8mb4")
        for name, frame in tables.items():
            columns = ", ".join(f"`{column}` {_type(kind)}" for column, kind in frame.dtypes.items())
            values = ", ".join(["%s"] * len(frame.columns))
            rows = [
                tuple(None if pd.isna(value) else value for value in row)
                for row in frame.astype(object).itertuples(index=False, name=None)
            ]
            self.run(
                f"CREATE TABLE `{database}`.`{name}` ({columns})",
                f"INSERT INTO `{database}`.`{name}` VALUES ({values})",
                rows=rows,
            )
        return self.url(database)


def _type(kind: object) -> str:
    return next((type_ for start, type_ in TYPES.items() if str(kind).startswith(start)), "LONGTEXT")


@contextmanager
def running() -> Iterator[MariaDBServer]:
    """Start a server in a temporary folder, and stop it in the end."""
    program = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip(
            "there is no MariaDB server on this machine: apt-get install mariadb-server-core mariadb-client"
        )
    with TemporaryDirectory(prefix="ripple-mariadb-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        common = ["--no-defaults", f"--datadir={folder / 'data'}"]
        if os.geteuid() == 0:
            common.append("--user=root")
        create = ["--skip-test-db", "--auth-root-authentication-method=normal"]
        subprocess.run(["mariadb-install-db", *common, *create], check=True, capture_output=True)
        port, socket = free_port(), folder / "socket"
        place = [f"--port={port}", f"--socket={socket}", f"--pid-file={folder / 'pid'}"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([program, *common, *place, *QUICK], stdout=log, stderr=log)
        try:
            _await(process, socket, folder / "log")
            yield MariaDBServer(port)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _await(process: subprocess.Popen[bytes], socket: Path, log: Path) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if not socket.exists():
            time.sleep(0.05)
            continue
        try:
            with closing(pymysql.connect(user="root", unix_socket=str(socket))) as connection:
                cursor = connection.cursor()
                cursor.execute("CREATE USER shop@'%%' IDENTIFIED BY %s", (PASSWORD,))
                cursor.execute("GRANT ALL ON *.* TO shop@'%'")
            return
        except pymysql.OperationalError:
            time.sleep(0.05)
    raise AssertionError(f"MariaDB did not start: {log.read_text()}")

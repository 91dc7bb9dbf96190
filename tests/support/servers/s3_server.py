"""An S3 server on loopback, for as long as tests need one."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from moto.server import ThreadedMotoServer
from pyarrow import fs

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "not so secret"}
"""What the environment has to hold."""


class S3Server:
    """A server that accepts any credentials."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.files = fs.S3FileSystem(
            access_key="key",
            secret_key="secret",
            endpoint_override=address,
            scheme="http",
            region="us-east-1",
            allow_bucket_creation=True,
        )

    def url(self, path: str) -> str:
        """What a user types for a *path* that begins with a bucket."""
        return f"s3://{path}?endpoint_override={self._address}&scheme=http&region=us-east-1"

    def write(self, folder: Path, path: str) -> None:
        """Put the files of a *folder* below *path*, whose bucket is created."""
        self.files.create_dir(path.partition("/")[0])
        for file in sorted(one for one in folder.rglob("*") if one.is_file()):
            with self.files.open_output_stream(f"{path}/{file.relative_to(folder)}") as stream:
                stream.write(file.read_bytes())


@contextmanager
def running() -> Iterator[S3Server]:
    """A server that holds no bucket yet."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield S3Server(f"{host}:{port}")
    finally:
        server.stop()

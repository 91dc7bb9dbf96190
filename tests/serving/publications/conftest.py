"""Publications and an empty Redis for the tests of stores."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from ripple.serving.publications.publication import write_publication


@pytest.fixture
def empty_redis(redis_url: str) -> str:
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    return redis_url


@pytest.fixture
def newer(source: Path, tmp_path: Path) -> Path:
    """A publication of another version."""
    (tmp_path / "newer").mkdir()
    return (tmp_path / "newer").rename(tmp_path / write_publication(tmp_path / "newer", source, "2"))

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripple.serving.http.rate_limits import SHARED, RateLimits


@given(
    st.sampled_from([0.25, 1.0, 3.0, 50.0]),
    st.lists(st.floats(0, 2, allow_nan=False), min_size=1, max_size=200),
)
def test_no_second_admits_more_than_twice_the_rate_and_no_one_waits_in_vain(
    rate: float, pauses: list[float]
) -> None:
    """Counted directly: in t seconds at most one second's burst and t · rate requests."""
    limits, now = RateLimits([rate]), 1000.0
    admitted: list[float] = []
    for pause in pauses:
        now += pause
        wait = limits.wait(0, now)
        if wait == 0:
            admitted.append(now)
            continue
        assert wait <= 1 / rate + 1e-9
        # a moment before it is refused still, and then admitted
        assert limits.wait(0, now + wait - 1e-3) > 0
    for begin, first in enumerate(admitted):
        for end in range(begin, len(admitted)):
            seconds = admitted[end] - first
            assert end - begin + 1 <= max(1.0, rate) + seconds * rate + 1e-6


def test_whoever_waits_as_long_as_told_is_admitted() -> None:
    limits, now = RateLimits([2.0]), 50.0
    for _ in range(20):
        now += limits.wait(0, now)
        assert limits.wait(0, now) == 0


def test_limits_are_apart_and_none_limits_nothing() -> None:
    limits = RateLimits([1.0, None, 1.0])
    assert [limits.wait(place, 5.0) for place in (0, 1, 2, 1, 1)] == [0.0] * 5
    assert limits.wait(0, 5.0) == limits.wait(2, 5.0) == 1.0


def test_a_time_of_before_the_machine_was_started_anew_is_forgotten() -> None:
    limits = RateLimits([1.0])
    assert limits.wait(0, 1_000_000.0) == 0
    assert limits.wait(0, 3.0) == 0
    assert limits.wait(0, 3.0) == 1.0


WORKER = """
import sys
from ripple.serving.http.rate_limits import RateLimits
limits = RateLimits([40.0, 7.0])
print(sum(limits.wait(0, 100.0) == 0 for _ in range(1000)))
"""


def test_workers_share_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SHARED, str(tmp_path / "shared"))
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    assert sum(int(worker.communicate()[0]) for worker in workers) == 40
    assert RateLimits([40.0, 7.0]).wait(0, 100.0) > 0
    # other keys have other limits
    assert RateLimits([40.0]).wait(0, 100.0) == 0

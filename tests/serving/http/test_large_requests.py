from __future__ import annotations

import asyncio
import threading
from contextlib import ExitStack
from typing import Any

import pytest

from ripple.serving.errors import RequestError
from ripple.serving.http import large_requests as module
from ripple.serving.http.large_requests import MAX_LARGE, MAX_WAITING, LargeRequests, Place


def test_there_are_so_many_places_and_each_is_freed(run: Any) -> None:
    async def check() -> None:
        large = LargeRequests()
        for _ in range(2):
            with ExitStack() as stack:
                places = [stack.enter_context(Place(large)) for _ in range(MAX_LARGE)]
                for place in places * 2:
                    await place.take()
                assert large.places.locked()
            assert not large.places.locked()

    run(check())


def test_a_request_waits_for_its_turn(run: Any) -> None:
    async def check() -> list[int]:
        large, order, at_once, most = LargeRequests(), [], 0, 0

        async def request(number: int) -> None:
            nonlocal at_once, most
            with Place(large) as place:
                await place.take()
                at_once += 1
                most = max(most, at_once)
                await asyncio.sleep(0)
                order.append(number)
                at_once -= 1

        await asyncio.gather(*(request(number) for number in range(MAX_WAITING)))
        assert most == MAX_LARGE
        return order

    assert run(check()) == list(range(MAX_WAITING))


@pytest.mark.parametrize("beyond", [False, True])
def test_who_would_wait_too_long_is_refused_with_retry_after(
    beyond: bool, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either at once, as too many wait already, or after a while."""
    monkeypatch.setattr(module, "WAIT_SECONDS", 60.0 if beyond else 0.05)

    async def check() -> None:
        large = LargeRequests()
        with ExitStack() as stack:
            for _ in range(MAX_LARGE):
                await stack.enter_context(Place(large)).take()
            waiting = [asyncio.create_task(Place(large).take()) for _ in range(MAX_WAITING if beyond else 0)]
            await asyncio.sleep(0)
            with Place(large) as place, pytest.raises(RequestError) as refused:
                await place.take()
            assert (refused.value.status, refused.value.code) == (503, "overloaded")
            assert refused.value.headers == [(b"retry-after", b"1")]
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        assert large.waiting == 0
        with Place(large) as place:
            await place.take()

    run(check())


def test_only_large_requests_are_worked_on_in_the_thread(run: Any) -> None:
    async def check() -> tuple[str, str]:
        with Place(LargeRequests()) as place:
            before = await place.run(lambda: threading.current_thread().name)
            await place.take()
            return before, await place.run(lambda: threading.current_thread().name)

    before, after = run(check())
    assert before == threading.current_thread().name
    assert after.startswith("large-requests")


def test_a_place_is_freed_if_the_work_fails(run: Any) -> None:
    async def check() -> None:
        large = LargeRequests()

        async def fail() -> None:
            with Place(large) as place:
                await place.take()
                await place.run(lambda: 1 / 0)

        for _ in range(2 * MAX_LARGE):
            with pytest.raises(ZeroDivisionError):
                await fail()

    run(check())

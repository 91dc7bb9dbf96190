"""What a publication keeps of earlier ones, compared with what these answer themselves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ripple.serving.errors import StoreUnavailable
from ripple.serving.publications.history import FILE, MAX_PAST, History, Past, Rankings, write_history
from ripple.serving.publications.publication import Publication, load_publication
from ripple.serving.publications.redis_store import RedisStore
from ripple.serving.publications.stores import FolderStore, current_rankings

FIRST, SECOND, THIRD = datetime(2026, 4, 1), datetime(2026, 5, 1), datetime(2026, 6, 1)


@pytest.fixture
def three(publication: Callable[..., Path]) -> tuple[Path, Path, Path]:
    first = publication(1, FIRST, small=True)
    second = publication(2, SECOND, after=first)
    return first, second, publication(3, THIRD, after=second)


@pytest.fixture(params=["folder", "redis"])
def third(request: pytest.FixtureRequest, three: tuple[Path, Path, Path], tmp_path: Path, run: Any) -> Any:
    """The third publication, read from a store of either kind."""
    folder = three[2]
    if request.param == "folder":
        store = FolderStore(tmp_path)
        store.publish(folder, folder.name)
        yield run(store.open(folder.name))
        return
    redis = RedisStore(request.getfixturevalue("empty_redis"))
    redis.publish(folder, folder.name)
    yield run(redis.open(folder.name))
    run(redis.client.aclose())


def _values(publication: Publication, run: Any, customer_id: str) -> tuple[float, int]:
    lookup = run(publication.customers.find([customer_id]))
    return float(lookup.scores[0, 0]), lookup.ranks[0]


def test_values_and_ranks_are_those_that_earlier_publications_answer(
    third: Publication, three: tuple[Path, Path, Path], run: Any
) -> None:
    first, second = (load_publication(folder, folder.name) for folder in three[:2])
    assert [one.name for one in third.customers.past] == [second.name, first.name]
    assert third.customers.past[1] == Past(first.name, "1", FIRST.isoformat(), 20, 1)
    assert third.customers.past[0] == Past(second.name, "2", SECOND.isoformat(), 400, 8)
    for customer_id in ("c0000", "c0003", "c0019"):
        rank = _values(third, run, customer_id)[1]
        expected = [_values(earlier, run, customer_id) for earlier in (second, first)]
        assert run(third.customers.past_scores(rank)) == expected
    # the first publication held 20 customers
    rank = _values(third, run, "c0300")[1]
    newer, older = run(third.customers.past_scores(rank))
    assert newer == _values(second, run, "c0300")
    assert (np.isnan(older[0]), older[1]) == (True, 0)


def test_a_whole_ranking_is_that_of_every_customer(third: Publication, run: Any) -> None:
    for place in range(2):
        values, ranks = run(third.customers.past_ranking(place))
        rows = [run(third.customers.past_scores(rank))[place] for rank in range(1, 401)]
        assert np.array_equal(values, [value for value, _ in rows], equal_nan=True)
        assert ranks.tolist() == [rank for _, rank in rows]
    # each customer has a rank of their own, from the first to the last
    assert sorted(run(third.customers.past_ranking(0))[1]) == list(range(1, 401))


def test_a_ranking_that_was_changed_in_redis_is_not_answered(
    three: tuple[Path, Path, Path], empty_redis: str, run: Any
) -> None:
    store = RedisStore(empty_redis)
    store.publish(three[2], three[2].name)
    customers = run(store.open(three[2].name)).customers
    key = f"ripple:{three[2].name}:past:1"
    run(store.client.setrange(key, 100, b"changed"))
    with pytest.raises(StoreUnavailable, match="not as they were published"):
        run(customers.past_scores(1))
    with pytest.raises(StoreUnavailable, match="not as they were published"):
        run(customers.past_ranking(1))
    run(store.client.delete(key))
    assert not run(customers.renew())
    with pytest.raises(StoreUnavailable, match="no longer holds"):
        run(customers.past_scores(1))
    store.publish(three[2], three[2].name)
    assert run(customers.renew())
    assert len(run(customers.past_scores(1))) == 2
    run(store.client.aclose())


def test_what_is_published_again_is_the_same(
    three: tuple[Path, Path, Path], publication: Callable[..., Path]
) -> None:
    """Its name, a digest of all its files, too: it does not take itself along."""
    assert publication(3, THIRD, after=three[2]).name == three[2].name
    assert publication(4, THIRD, after=three[2]).name != three[2].name
    # without an earlier one there is no history
    assert not (three[0] / FILE).exists()


@pytest.mark.parametrize("kind", ["folder", "redis"])
def test_a_publisher_reads_what_is_current(
    kind: str, three: tuple[Path, Path, Path], tmp_path: Path, empty_redis: str, run: Any
) -> None:
    location = str(tmp_path) if kind == "folder" else empty_redis
    assert run(current_rankings(location)) is None
    store = FolderStore(tmp_path) if kind == "folder" else RedisStore(empty_redis)
    store.publish(three[1], three[1].name)
    rankings = run(current_rankings(location))
    assert [one.name for one in rankings.past] == [three[1].name, three[0].name]
    customers = load_publication(three[1], three[1].name).customers
    assert list(rankings.ids) == list(run(customers.ids()))
    assert np.array_equal(rankings.values[0], -customers.negated_values)
    assert rankings.ranks[0].tolist() == list(range(1, 401))
    assert np.count_nonzero(rankings.ranks[1]) == 20
    run(store.aclose())


def test_the_newest_are_kept_and_customers_who_are_gone_are_not(tmp_path: Path) -> None:
    count = MAX_PAST + 3
    past = tuple(Past(f"v{place}", "1", "2026-01-01T00:00:00", 2, 1) for place in range(count))
    values = [np.array([2.0 + place, 1.0]) for place in range(count)]
    rankings = Rankings(past, [b"a", b"gone"], values, [np.array([1, 2])] * count)
    write_history(tmp_path / FILE, rankings, [b"new", b"a"])
    history = History(tmp_path / FILE)
    assert history.past == past[:MAX_PAST]
    assert history.of_row(1) == [(2.0 + place, 1) for place in range(MAX_PAST)]
    assert {rank for _, rank in history.of_row(0)} == {0}

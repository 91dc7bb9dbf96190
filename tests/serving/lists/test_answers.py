"""Plays, history and changes, computed again from the publications' own scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from ripple.serving.errors import RequestError
from ripple.serving.lists.answers import changed
from ripple.serving.messages.lists import (
    ChangesRequest,
    ChangesResponse,
    CustomerPlaysResponse,
    HistoryResponse,
    PlaysRequest,
    PlaysResponse,
)
from ripple.serving.publications.publication import load_publication
from ripple.serving.publications.redis_store import RedisStore
from ripple.serving.scorer import Scorer
from ripple.serving.store_poller import warmed_up_scorer


def _read(model: type[BaseModel], answer: Any) -> Any:
    return model.model_validate_json(msgspec.json.encode(answer))


@pytest.fixture(scope="module")
def earlier(publication: Callable[..., Path]) -> Scorer:
    """A publication of which the one served takes values and ranks along: another model, fewer customers."""
    return warmed_up_scorer(load_publication(folder := publication(51, small=True), folder.name))


@pytest.fixture(scope="module", params=["folder", "redis"])
def later(
    request: pytest.FixtureRequest, publication: Callable[..., Path], earlier: Scorer, run: Any
) -> Iterator[Scorer]:
    folder = publication(52, datetime(2026, 7, 1), after=publication(51, small=True))
    if request.param == "folder":
        yield warmed_up_scorer(load_publication(folder, folder.name))
        return
    store = RedisStore(request.getfixturevalue("redis_url"))
    store.publish(folder, folder.name)
    yield warmed_up_scorer(run(store.open(folder.name)))
    run(store.client.aclose())


def test_plays_come_by_page_with_the_totals_of_all(scorer: Scorer, run: Any) -> None:
    def ask(**query: Any) -> PlaysResponse:
        answer: PlaysResponse = _read(PlaysResponse, run(scorer.lists.plays(PlaysRequest(**query))))
        return answer

    everybody = ask()
    assert [one.customer_id for one in everybody.customers] == ["c0003", "c0005", "c0004", "c0001"]
    assert everybody.plays_as_of == "2025-12-31T00:00:00Z"
    mias = ask(owner="mia", limit=1, offset=1)
    assert [one.customer_id for one in mias.customers] == ["c0001"]
    assert (mias.total, mias.limit, mias.offset, mias.owner, mias.play) == (2, 1, 1, "mia", None)
    assert [(one.play, one.customers) for one in mias.plays] == [("rescue", 2), ("connect", 2)]
    nobody = ask(play="advocate")
    assert (nobody.customers, nobody.total, nobody.plays) == ([], 0, everybody.plays)


def test_a_customer_has_a_play_or_none(scorer: Scorer, run: Any) -> None:
    def ask(customer_id: str) -> CustomerPlaysResponse:
        answer = run(scorer.lists.customer_plays(customer_id))
        read: CustomerPlaysResponse = _read(CustomerPlaysResponse, answer)
        return read

    (play,) = ask("c0003").plays
    assert (play.play, play.owner, play.max_cost) == ("rescue", "mia", 4.5)
    assert ask("c0100").plays == []
    with pytest.raises(RequestError) as error:
        ask("gone")
    assert error.value.code == "unknown_customer"


def test_a_publication_without_plays_says_so(run: Any) -> None:
    (folder,) = (Path(__file__).parents[1] / "earlier_artifacts/store/publications").iterdir()
    scorer = warmed_up_scorer(load_publication(folder, folder.name))
    for work in (scorer.lists.plays(PlaysRequest()), scorer.lists.customer_plays("c07")):
        with pytest.raises(RequestError) as error:
            run(work)
        assert (error.value.status, error.value.code) == (404, "plays_not_published")
    # it has a history of itself alone, and nothing to be compared with
    assert len(run(scorer.lists.history("c07"))["history"]) == 1
    with pytest.raises(RequestError) as error:
        run(scorer.lists.changes(ChangesRequest()))
    assert (error.value.status, error.value.code) == (404, "publication_not_kept")


@pytest.mark.parametrize("customer_id", ["c0003", "c0019", "c0399"])
def test_the_history_is_what_each_publication_answered(
    customer_id: str, later: Scorer, earlier: Scorer, run: Any
) -> None:
    answer: HistoryResponse = _read(HistoryResponse, run(later.lists.history(customer_id)))
    scorers = [later, earlier] if customer_id < "c0020" else [later]
    expected = [(one, run(one.customer(customer_id, 0))) for one in scorers]
    assert [
        (
            one.publication,
            one.model_version,
            one.as_of,
            one.network_value,
            one.rank,
            one.top_member,
            one.customers,
        )
        for one in answer.history
    ] == [
        (
            scorer.publication.name,
            scorer.publication.version,
            same["as_of"],
            same["customer"]["network_value"],
            same["customer"]["rank"],
            same["customer"]["top_member"],
            scorer.customers.size,
        )
        for scorer, same in expected
    ]


@pytest.mark.parametrize("min_change", [None, 0.0, 30.0])
def test_changes_are_the_differences_of_what_the_two_answer(
    min_change: float | None, later: Scorer, earlier: Scorer, run: Any
) -> None:
    def customers(scorer: Scorer) -> dict[str, Any]:
        found = run(scorer.customers.top(None, 0, 400))
        return {one["customer_id"]: one for one in scorer._published_answers(found, 0)}

    before, now = customers(earlier), customers(later)
    expected = []
    for customer_id, one in now.items():
        was = before.get(customer_id)
        moved = (
            was is not None
            and min_change is not None
            and abs(one["network_value"] - was["network_value"]) > min_change
        )
        if moved or one["top_member"] != bool(was and was["top_member"]):
            expected.append((customer_id, one["rank"], was["rank"] if was else None))
    pages = []
    for offset in (0, 3):
        limit = 3 if offset == 0 else 100
        request = ChangesRequest(
            since=earlier.publication.name, min_change=min_change, limit=limit, offset=offset
        )
        pages.append(_read(ChangesResponse, run(later.lists.changes(request))))
    found = [one for page in pages for one in page.customers]
    assert [(one.customer_id, one.rank, one.rank_before) for one in found] == expected
    assert {page.total for page in pages} == {len(expected)}
    for one in found:
        was = before.get(one.customer_id)
        assert one.network_value_before == (was["network_value"] if was else None)
        assert one.top_member_before == bool(was and was["top_member"])
        assert one.network_value == now[one.customer_id]["network_value"]
    assert pages[0].since.publication == earlier.publication.name
    assert len(expected) >= (8 if min_change is None else 20 if min_change == 0 else 9)


def test_without_since_it_is_the_publication_before_and_since_itself_nothing(
    later: Scorer, earlier: Scorer, run: Any
) -> None:
    first: ChangesResponse = _read(ChangesResponse, run(later.lists.changes(ChangesRequest())))
    assert first.since.publication == earlier.publication.name
    assert [one.publication for one in first.kept] == [earlier.publication.name]
    again = run(later.lists.changes(ChangesRequest(since=first.publication, min_change=0.0)))
    assert (again["customers"], again["total"], again["gone"]) == ([], 0, 0)
    with pytest.raises(RequestError) as error:
        run(later.lists.changes(ChangesRequest(since="v0-000000000000")))
    assert (error.value.status, error.value.code) == (404, "publication_not_kept")
    assert earlier.publication.name in error.value.problem["hint"]


@given(
    st.lists(st.tuples(st.integers(0, 9), st.one_of(st.none(), st.integers(0, 9))), min_size=1, max_size=12),
    st.integers(0, 4),
    st.one_of(st.none(), st.integers(0, 5)),
)
def test_changes_of_any_values_are_those_of_a_loop(
    rows: list[tuple[int, int | None]], top: int, min_change: int | None
) -> None:
    rows = sorted(rows, key=lambda row: -row[0])
    order = sorted((place for place, row in enumerate(rows) if row[1] is not None), key=lambda i: -rows[i][1])  # type: ignore[operator]
    ranks = np.zeros(len(rows), np.int32)
    # two of those at the top before are no longer there
    ranks[order] = np.arange(3, 3 + len(order))
    values = np.array([np.nan if was is None else float(was) for _, was in rows])
    chosen, gone = changed(np.array([float(now) for now, _ in rows]), values, ranks, top + 2, top, min_change)
    expected = [
        place
        for place, (now, was) in enumerate(rows)
        if (place < top) != (0 < ranks[place] <= top + 2)
        or (was is not None and min_change is not None and abs(now - was) > min_change)
    ]
    assert chosen.tolist() == expected
    assert gone == top + 2 - sum(0 < rank <= top + 2 for rank in ranks)

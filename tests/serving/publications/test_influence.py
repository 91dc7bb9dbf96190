from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest

from ripple.serving.errors import RequestError, StoreUnavailable
from ripple.serving.publications.influence import (
    COLUMNS,
    FILE,
    MAX_PAIRS,
    SOURCE,
    Influence,
    Window,
    convert_influence,
    parse_texts,
    write_influence,
)
from ripple.serving.publications.publication import load_publication
from ripple.serving.publications.redis_store import RedisStore
from ripple.serving.schemas import InfluenceResponse
from ripple.serving.scorer import Scorer
from ripple.serving.store_poller import warmed_up_scorer

START, END = datetime(2026, 1, 1), datetime(2026, 6, 30)


def _influence(scorer: Scorer, run: Any, customer_id: str) -> InfluenceResponse:
    return InfluenceResponse.model_validate_json(msgspec.json.encode(run(scorer.influence(customer_id))))


def test_both_directions_come_by_value_with_product_day_and_contact(scorer: Scorer, run: Any) -> None:
    answer = _influence(scorer, run, "c0003")
    assert (answer.window_start, answer.window_end) == ("2026-01-01T00:00:00Z", "2026-06-30T00:00:00Z")
    assert [tuple(vars(one).values()) for one in answer.influenced] == [
        ("c0007", "team", "2026-03-04", None, 0.5, 40.0),
        ("c0005", "pro", "2026-02-03", "answer", 0.25, 12.5),
    ]
    (by,) = answer.influenced_by
    assert tuple(vars(by).values()) == ("c0004", "pro", "2026-01-09", "referral", 1.0, 90.0)
    assert [one.customer_id for one in _influence(scorer, run, "c0005").influenced_by] == ["c0003", "gone"]


def test_who_influenced_nobody_has_empty_lists_and_a_stranger_is_unknown(scorer: Scorer, run: Any) -> None:
    answer = _influence(scorer, run, "c0100")
    assert (answer.influenced, answer.influenced_by) == ([], [])
    with pytest.raises(RequestError) as error:
        run(scorer.influence("gone"))
    assert error.value.code == "unknown_customer"


def test_a_publication_of_an_earlier_version_says_that_it_has_none(run: Any) -> None:
    store = Path(__file__).parents[1] / "earlier_artifacts/store/publications"
    (folder,) = store.iterdir()
    with pytest.raises(RequestError) as error:
        run(warmed_up_scorer(load_publication(folder, folder.name)).influence("c07"))
    assert (error.value.status, error.value.code) == (404, "influence_not_published")


def test_what_was_changed_in_redis_is_not_answered(
    run: Any, redis_url: str, publication: Callable[..., Path]
) -> None:
    folder = publication(31, small=True)
    store = RedisStore(redis_url)
    store.publish(folder, folder.name)
    scorer = warmed_up_scorer(run(store.open(folder.name)))
    assert len(_influence(scorer, run, "c0003").influenced) == 2
    key = f"ripple:{folder.name}:influence"
    run(store.client.hset(key, "c0003", run(store.client.hget(key, "c0005"))))
    with pytest.raises(StoreUnavailable, match="not as they were published"):
        run(scorer.influence("c0003"))
    run(store.client.delete(key))
    assert not run(scorer.customers.renew())
    with pytest.raises(StoreUnavailable, match="no longer holds"):
        run(scorer.influence("c0003"))
    # publishing again repairs it
    store.publish(folder, folder.name)
    assert len(_influence(scorer, run, "c0003").influenced) == 2
    run(store.client.aclose())


def test_the_highest_values_of_many_are_kept(tmp_path: Path) -> None:
    count = MAX_PAIRS + 20
    rows = pd.DataFrame(
        [("a", f"t{number:03d}", "pro", END, "share", 0.5, float(number)) for number in range(count)],
        columns=list(COLUMNS),
    )
    write_influence(tmp_path / SOURCE, rows, START, END)
    convert_influence(tmp_path / FILE, tmp_path / SOURCE, [b"b", b"a", b"t000"])
    influence = Influence.load(tmp_path / FILE)
    assert influence.window == Window(START.isoformat(), END.isoformat())
    assert influence.of_row(0) == b""
    kept = msgspec.json.decode(parse_texts(influence.of_row(1)).influenced)
    assert [one["value"] for one in kept] == [float(count - 1 - place) for place in range(MAX_PAIRS)]
    assert len(msgspec.json.decode(parse_texts(influence.of_row(2)).influenced_by)) == 1


def test_nobody_is_credited_where_nothing_happened(tmp_path: Path) -> None:
    nothing = pd.DataFrame(columns=list(COLUMNS)).astype({"adopted_at": "datetime64[s]", "value": float})
    write_influence(tmp_path / SOURCE, nothing, START, END)
    convert_influence(tmp_path / FILE, tmp_path / SOURCE, [b"a"])
    assert Influence.load(tmp_path / FILE).of_row(0) == b""

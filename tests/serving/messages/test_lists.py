from __future__ import annotations

import pytest

from ripple.serving.errors import RequestError
from ripple.serving.messages.lists import ChangesRequest, NoParameters, PlaysRequest
from ripple.serving.requests import parse_query


def test_a_query_is_read_with_its_defaults() -> None:
    assert parse_query(PlaysRequest, []).model_dump() == {
        "limit": 100,
        "offset": 0,
        "play": None,
        "owner": None,
    }
    changes = parse_query(ChangesRequest, [("since", "v1-a"), ("min_change", "2.5"), ("limit", "7")])
    assert (changes.since, changes.min_change, changes.limit) == ("v1-a", 2.5, 7)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("min_change", "nan", "finite_number"),
        ("min_change", "-1", "greater_than_equal"),
        ("limit", "1001", "less_than_equal"),
        ("until", "x", "extra_forbidden"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(name: str, value: str, code: str) -> None:
    with pytest.raises(RequestError) as error:
        parse_query(ChangesRequest, [(name, value)])
    assert (error.value.code, error.value.problem["where"]) == (code, name)


def test_a_route_without_parameters_takes_none() -> None:
    with pytest.raises(RequestError):
        parse_query(NoParameters, [("explain", "1")])

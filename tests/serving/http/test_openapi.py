from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from ripple.serving.http.app import CUSTOMER, METHODS
from ripple.serving.http.error_examples import EXAMPLES
from ripple.serving.http.openapi import HEADERS, PAGE, document
from ripple.serving.messages.lists import ChangesRequest
from ripple.serving.publications.publication import load_publication
from ripple.serving.schemas import ScoreRequest
from ripple.serving.store_poller import warmed_up_scorer

DOCUMENT = json.loads(document())
SCORE = {"customer_ids": ["c0003", "nobody"], "explain": 2}
BY_FEATURES = {"customers": [{"customer_id": "c0003", "features": {}}]}
SENT: dict[str, tuple[str, str, dict[str, Any]]] = {
    "score by ids": ("POST", "/v1/score", {"json": SCORE}),
    "score by features": (
        "POST",
        "/v1/score",
        {"json": BY_FEATURES},
    ),
    "score of values that were not seen": (
        "POST",
        "/v1/score",
        {"json": {"customers": [{"customer_id": "c0003", "features": {"reach_30d": -1e9}}], "suggest": 3}},
    ),
    "top": ("GET", "/v1/top", {"params": {"limit": 3}}),
    "top of a segment": ("GET", "/v1/top", {"params": {"segment": "plan pro", "offset": 1}}),
    "customer": ("GET", "/v1/customers/c0003", {}),
    "customer with reasons": ("GET", "/v1/customers/c0003", {"params": {"explain": 3}}),
    "influence": ("GET", "/v1/customers/c0003/influence", {}),
    "influence of nobody": ("GET", "/v1/customers/c0100/influence", {}),
    "plays of a customer": ("GET", "/v1/customers/c0003/plays", {}),
    "history": ("GET", "/v1/customers/c0003/history", {}),
    "plays": ("GET", "/v1/plays", {"params": {"owner": "leo"}}),
    "plays that there are not": ("GET", "/v1/plays", {"params": {"play": "advocate"}}),
    "changes that are not kept": ("GET", "/v1/changes", {}),
    "experiments": ("GET", "/v1/experiments", {}),
    "experiment": ("GET", "/v1/experiments/june", {}),
    "experiment that was read": ("GET", "/v1/experiments/a%2Fb%20%C3%BC", {}),
    "no experiment": ("GET", "/v1/experiments/july", {}),
    "model": ("GET", "/v1/model", {}),
}
"""Requests of every operation."""


def test_openapi_documents_the_real_request_answer_and_errors(client: httpx.Client) -> None:
    document = client.get("/docs.json", follow_redirects=True).json()
    assert document["info"]["title"] == "Ripple"
    post = document["paths"]["/v1/score"]["post"]
    refused = {"400", "401", "403", "413", "415", "422", "429", "431"}
    assert set(post["responses"]) == {"200", *refused, "500", "503", "504"}
    schemas = document["components"]["schemas"]
    assert set(schemas["ScoreByIds"]["properties"]) == {"customer_ids", "explain", "suggest"}
    references = {reference.removeprefix("#/components/schemas/") for reference in _references(document)}
    assert references - {f"#/components/headers/{name}" for name in HEADERS} <= set(schemas)
    assert {"ScoreRequest", "CustomerScore", "HeadExplanation", "Problem", "ModelResponse"} <= references


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        references = [value["$ref"]] if "$ref" in value else []
        return references + [reference for inner in value.values() for reference in _references(inner)]
    return (
        [reference for inner in value for reference in _references(inner)] if isinstance(value, list) else []
    )


def test_the_document_has_every_scoring_route_and_method() -> None:
    paths = json.loads(document())["paths"]
    routes = {path.removesuffix("{customer_id}"): next(iter(methods)) for path, methods in paths.items()}
    expected = {path: method.lower() for path, method in METHODS.items()} | {CUSTOMER: "get"}
    assert routes == {
        path: method for path, method in expected.items() if path not in ("/v1/openapi.json", "/v1/docs")
    }


def test_every_schema_and_field_of_a_query_is_described() -> None:
    content = json.loads(document())
    assert all(schema["description"] for schema in content["components"]["schemas"].values())
    for methods in content["paths"].values():
        for operation in methods.values():
            described = [
                parameter for parameter in operation.get("parameters", ()) if parameter["in"] == "query"
            ]
            assert all(parameter["description"] for parameter in described)


def test_the_page_reaches_no_other_host() -> None:
    assert b"//" not in PAGE
    assert b"/v1/openapi.json" in PAGE


def _validator(schema: Any) -> OAS31Validator:
    return OAS31Validator(
        schema | {"components": DOCUMENT["components"]}, format_checker=OAS31Validator.FORMAT_CHECKER
    )


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """All objects of a document."""
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _nodes(inner)


def test_the_document_is_one_of_openapi_31() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_every_example_keeps_its_own_schema() -> None:
    contents = [node for node in _nodes(DOCUMENT["paths"]) if "examples" in node and "schema" in node]
    examples = [
        (content["schema"], one["value"]) for content in contents for one in content["examples"].values()
    ]
    in_schemas = [node for node in _nodes(DOCUMENT) if isinstance(node.get("examples"), list)]
    examples += [(node, example) for node in in_schemas for example in node["examples"]]
    assert len(examples) > 40
    assert not [
        (error.message, one) for schema, one in examples for error in _validator(schema).iter_errors(one)
    ]


@pytest.mark.parametrize("name", SENT)
def test_every_answer_keeps_its_schema(name: str, client: httpx.Client) -> None:
    method, path, arguments = SENT[name]
    answer = client.request(method, path, **arguments)
    template = re.sub("experiments/.+", "experiments/{name}", re.sub("/c[0-9]{4}", "/{customer_id}", path))
    documented = DOCUMENT["paths"][template]
    response = documented[method.lower()]["responses"][str(answer.status_code)]
    content = response["content"]["application/json"]
    assert not [error.message for error in _validator(content["schema"]).iter_errors(answer.json())]


def test_changes_keep_their_schema(run: Any, publication: Callable[..., Path], published: Path) -> None:
    folder = publication(3, after=published)
    scorer = warmed_up_scorer(load_publication(folder, folder.name))
    answer = msgspec.to_builtins(run(scorer.lists.changes(ChangesRequest(min_change=0.0))))
    assert answer["customers"]
    assert not [
        error.message
        for error in _validator({"$ref": "#/components/schemas/ChangesResponse"}).iter_errors(answer)
    ]


def test_each_error_has_an_example_of_its_own() -> None:
    for methods in DOCUMENT["paths"].values():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                if status not in ("200", "304"):
                    codes = response["content"]["application/json"]["examples"]
                    assert {EXAMPLES[code].status for code in codes} == {int(status)}


@pytest.mark.parametrize(
    ("body", "valid"),
    [
        (SCORE, True),
        ({"customer_ids": ["a"]}, True),
        ({"customers": [{"features": {"a": None}}], "explain": False}, True),
        ({"explain": 2}, False),
        ({"customer_ids": ["a"], "customers": [{"features": {}}]}, False),
        ({"customer_ids": []}, False),
        ({"customer_ids": ["a"], "explain": True}, False),
    ],
)
def test_a_request_has_ids_or_customers(body: dict[str, Any], valid: bool) -> None:
    assert _validator({"$ref": "#/components/schemas/ScoreRequest"}).is_valid(body) is valid
    assert set(body) <= set(ScoreRequest.model_fields)


def test_generators_make_optional_what_may_be_left_out_and_nothing_else() -> None:
    optional = {
        f"{name}.{field}"
        for name, schema in DOCUMENT["components"]["schemas"].items()
        for field in set(schema.get("properties", ())) - set(schema.get("required", ()))
    }
    assert optional == {
        "CustomerFeatures.customer_id",
        "CustomerScore.explanation",
        "CustomerScore.flagged",
        "CustomerScore.suggestions",
        "ScoreByFeatures.explain",
        "ScoreByIds.explain",
        "ScoreByFeatures.suggest",
        "ScoreByIds.suggest",
    }
    # a generator takes a field with a default for one that is always there
    assert not [node for node in _nodes(DOCUMENT["components"]["schemas"]) if "default" in node]


def test_moments_have_a_zone_and_numbers_their_width(client: httpx.Client) -> None:
    model = client.get("/v1/model").json()
    assert model["as_of"] == "2026-06-30T00:00:00Z"
    assert model["trained_until"].endswith("Z")
    numbers = [node for node in _nodes(DOCUMENT["components"]["schemas"]) if node.get("type") == "number"]
    assert {node["format"] for node in numbers} == {"double"}

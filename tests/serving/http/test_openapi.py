from __future__ import annotations

import json
from typing import Any

import httpx

from ripple.serving.http.app import CUSTOMER, METHODS
from ripple.serving.http.openapi import PAGE, document


def test_openapi_documents_the_real_request_answer_and_errors(client: httpx.Client) -> None:
    document = client.get("/docs.json", follow_redirects=True).json()
    assert document["info"]["title"] == "Ripple"
    post = document["paths"]["/v1/score"]["post"]
    assert set(post["responses"]) == {"200", "400", "401", "413", "415", "422", "431", "500", "503", "504"}
    schemas = document["components"]["schemas"]
    assert set(schemas["ScoreRequest"]["properties"]) == {"customer_ids", "customers", "explain"}
    references = {reference.removeprefix("#/components/schemas/") for reference in _references(document)}
    assert references <= set(schemas)
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
    routes = {path.replace("{customer_id}", ""): next(iter(methods)) for path, methods in paths.items()}
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

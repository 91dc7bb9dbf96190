"""The OpenAPI document, generated from the schemas, and a page that shows it without network access."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from ripple.serving.schemas import (
    CustomerRequest,
    CustomerResponse,
    ErrorResponse,
    ModelResponse,
    ScoreRequest,
    ScoreResponse,
    TopRequest,
    TopResponse,
)

REFERENCE = "#/components/schemas/{model}"
ERRORS = {
    "400": "The body is not JSON",
    "401": "The API key is missing or not known",
    "404": "There is no such customer",
    "413": "The body is too large",
    "415": "The body is not JSON as it is: of another content type, or compressed",
    "422": "A rule of the schema is broken, or a feature or segment is unknown",
    "431": "Path and headers are too large",
    "500": "Failed",
    "503": "Not ready, overloaded, or the store does not answer: see Retry-After",
    "504": "It took too long",
}
COMMON_ERRORS = ("401", "422", "431", "500", "503", "504")

PAGE = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Ripple: the scoring API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/static_content/swagger-ui.css">
</head>
<body>
<main id="page"></main>
<script src="/static_content/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({url: "/v1/openapi.json", dom_id: "#page", validatorUrl: null})</script>
</body>
</html>
"""


@cache
def document() -> bytes:
    """The OpenAPI 3.1 document as JSON."""
    models = (ScoreRequest, ScoreResponse, TopResponse, CustomerResponse, ModelResponse, ErrorResponse)
    _, schemas = models_json_schema([(model, "validation") for model in models], ref_template=REFERENCE)
    paths = {
        "/v1/score": {
            "post": _operation(
                "score",
                "Score customers by id from the latest feature snapshot, or by features sent.",
                ScoreResponse,
                ("400", "413", "415"),
                requestBody={"required": True, "content": _content(ScoreRequest)},
            )
        },
        "/v1/top": {
            "get": _operation(
                "top",
                "The customers of highest network value, best first.",
                TopResponse,
                (),
                parameters=_query(TopRequest),
            )
        },
        "/v1/customers/{customer_id}": {
            "get": _operation(
                "customer",
                "One customer of the snapshot.",
                CustomerResponse,
                ("404",),
                parameters=[_path("customer_id"), *_query(CustomerRequest)],
            )
        },
        "/v1/model": {
            "get": _operation(
                "model",
                "The model and snapshot served, and the backtest's metrics.",
                ModelResponse,
                (),
            )
        },
    }
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Ripple",
                "version": "1",
                "description": "Predicts the network value of customers: the revenue of others that would "
                "not have come without them. Scores are in the currency and over the horizon that an answer "
                "names.",
            },
            "paths": paths,
            "components": {
                "schemas": schemas["$defs"],
                "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            },
            "security": [{"key": []}, {}],
        }
    )


def _operation(
    name: str, summary: str, answer: type[BaseModel], errors: tuple[str, ...], **rest: Any
) -> dict[str, Any]:
    error_responses = {
        status: {"description": ERRORS[status], "content": _content(ErrorResponse)}
        for status in sorted({*errors, *COMMON_ERRORS})
    }
    responses = {"200": {"description": answer.__doc__, "content": _content(answer)}, **error_responses}
    return {"operationId": name, "summary": summary, "tags": ["scores"], **rest, "responses": responses}


def _content(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": REFERENCE.format(model=model.__name__)}}}


def _query(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema()
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": field.pop("description"),
            "schema": field,
        }
        for name, field in schema["properties"].items()
    ]


def _path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}

"""The OpenAPI document, generated from the schemas, and a page that shows it without network access."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from ripple.serving.experiment_schemas import ExperimentResponse, ExperimentsResponse
from ripple.serving.http.error_examples import DESCRIPTIONS, EXAMPLES
from ripple.serving.messages.lists import (
    CONTENT_TYPES,
    ChangesRequest,
    ChangesResponse,
    CustomerPlaysResponse,
    ExportRequest,
    ExportSummary,
    HistoryResponse,
    PlaysRequest,
    PlaysResponse,
)
from ripple.serving.schemas import (
    CustomerRequest,
    CustomerResponse,
    ErrorResponse,
    InfluenceResponse,
    ModelResponse,
    ScoreByFeatures,
    ScoreByIds,
    ScoreRequest,
    ScoreResponse,
    TopRequest,
    TopResponse,
)

REFERENCE = "#/components/schemas/{model}"
COMMON_ERRORS = (
    *(
        "unauthorized",
        "out_of_scope",
        "rate_limited",
        "extra_forbidden",
        "head_too_large",
        "failed",
        "too_slow",
    ),
    *("not_ready", "overloaded", "store_unavailable"),
)
"""The codes of errors of every operation."""
REQUEST_ID = "5c9c1f0e7a4d4c0b8f6f2b1f0a3d9e17"
HEADERS = {
    "etag": {
        "description": "Tag of the answer. Sent as if-none-match, it gets 304 until another one is given.",
        "schema": {"type": "string"},
    },
    **{
        f"x-ripple-{name.replace('_', '-')}": {
            "description": f"{name} of what is exported; other characters than ASCII are percent-encoded.",
            "schema": {"type": "string"},
        }
        for name in ExportSummary.model_fields
    },
    "x-request-id": {
        "description": "Id of the request: the caller's own, or one that is made.",
        "schema": {"type": "string"},
    },
    "retry-after": {
        "description": "After how many seconds to try again.",
        "schema": {"type": "integer", "minimum": 0},
    },
}

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
    one_of = (ScoreByIds, ScoreByFeatures)
    responses = (
        ScoreResponse,
        TopResponse,
        CustomerResponse,
        InfluenceResponse,
        CustomerPlaysResponse,
        HistoryResponse,
        PlaysResponse,
        ChangesResponse,
        ExperimentsResponse,
        ExperimentResponse,
        ModelResponse,
        ErrorResponse,
    )
    _, definitions = models_json_schema(
        [
            *((request, "validation") for request in one_of),
            *((response, "serialization") for response in responses),
        ],
        ref_template=REFERENCE,
        schema_generator=_Schemas,
    )
    # as one object with two optional fields, generators would take neither and both for valid
    score_request = {"description": ScoreRequest.__doc__, "oneOf": [_reference(model) for model in one_of]}
    paths = {
        "/v1/score": {
            "post": _operation(
                "score",
                "Score customers by id from the latest feature snapshot, or by features sent.",
                ScoreResponse,
                *("json_invalid", "incomplete", "too_large", "wrong_content_type", "wrong_content_encoding"),
                *("one_of_two", "unknown_feature"),
                requestBody={"required": True, "content": _content(ScoreRequest)},
            )
        },
        "/v1/top": {
            "get": _query_operation(
                "top",
                "The customers of highest network value, best first.",
                TopResponse,
                "unknown_segment",
                parameters=_query(TopRequest),
            )
        },
        "/v1/customers/{customer_id}": {
            "get": _query_operation(
                "customer",
                "One customer of the snapshot, with the arms of running experiments.",
                CustomerResponse,
                "unknown_customer",
                parameters=[_path("customer_id"), *_query(CustomerRequest)],
            )
        },
        "/v1/customers/{customer_id}/influence": {
            "get": _query_operation(
                "influence",
                "Whom a customer influenced, and who influenced them.",
                InfluenceResponse,
                *("unknown_customer", "influence_not_published"),
                parameters=[_path("customer_id")],
            )
        },
        "/v1/customers/{customer_id}/plays": {
            "get": _query_operation(
                "customer_plays",
                "What to do with a customer.",
                CustomerPlaysResponse,
                *("unknown_customer", "plays_not_published"),
                parameters=[_path("customer_id")],
            )
        },
        "/v1/customers/{customer_id}/history": {
            "get": _query_operation(
                "history",
                "Score and rank of a customer in every publication that is kept.",
                HistoryResponse,
                "unknown_customer",
                parameters=[_path("customer_id")],
            )
        },
        "/v1/plays": {
            "get": _query_operation(
                "plays",
                "The customers with a play, the most valuable of each play first.",
                PlaysResponse,
                "plays_not_published",
                parameters=_query(PlaysRequest),
            )
        },
        "/v1/changes": {
            "get": _query_operation(
                "changes",
                "Who entered or left the top, and whose score changed, since an earlier publication.",
                ChangesResponse,
                "publication_not_kept",
                parameters=_query(ChangesRequest),
            )
        },
        "/v1/export": {
            "get": _export(
                _query_operation(
                    "export",
                    "All customers, the highest network value first, in parts.",
                    ExportSummary,
                    parameters=_query(ExportRequest),
                )
            )
        },
        "/v1/experiments": {
            "get": _query_operation(
                "experiments",
                "All experiments with plays that were published, by start and name.",
                ExperimentsResponse,
            )
        },
        "/v1/experiments/{name}": {
            "get": _query_operation(
                "experiment",
                "The design of an experiment and, once it was read, what it found.",
                ExperimentResponse,
                "unknown_experiment",
                parameters=[_path("name", "Name of an experiment.", "july")],
            )
        },
        "/v1/model": {
            "get": _query_operation(
                "model",
                "The model and snapshot served, and the backtest's metrics.",
                ModelResponse,
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
                "schemas": definitions["$defs"] | {ScoreRequest.__name__: score_request},
                "headers": HEADERS,
                "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            },
            "security": [{"key": []}, {}],
        }
    )


class _Schemas(GenerateJsonSchema):
    """Schemas of which generators of clients make the types that are meant."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        # a field with a default counts as one that is always there, also in what is sent
        return self.generate_inner(schema["schema"])

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        inner = self.generate_inner(schema["schema"])
        if isinstance(inner.get("type"), str):
            return inner | {"type": [inner["type"], "null"]}
        return {"oneOf": [inner, {"type": "null"}]}

    def int_schema(self, schema: core_schema.IntSchema) -> JsonSchemaValue:
        return super().int_schema(schema) | {"format": "int64"}

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        # in Go a number without a format is one of 32 bits
        return super().float_schema(schema) | {"format": "double"}

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


class _Parameters(_Schemas):
    """Schemas of parameters, which are left out where a field is null."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        default = {} if schema.get("default") is None else {"default": schema["default"]}
        return self.generate_inner(schema["schema"]) | default

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def _operation(name: str, summary: str, answer: type[BaseModel], *errors: str, **rest: Any) -> dict[str, Any]:
    codes: dict[int, list[str]] = {}
    for code in (*errors, *COMMON_ERRORS):
        codes.setdefault(EXAMPLES[code].status, []).append(code)
    success = {
        "description": answer.__doc__,
        "headers": _headers("x-request-id"),
        "content": _content(answer),
    }
    failures = {str(status): _error(status, codes[status]) for status in sorted(codes)}
    return {
        "operationId": name,
        "summary": summary,
        "tags": ["scores"],
        **rest,
        "responses": {"200": success, **failures},
    }


def _query_operation(
    name: str, summary: str, answer: type[BaseModel], *errors: str, **rest: Any
) -> dict[str, Any]:
    """An operation by GET, whose answer has a tag."""
    operation = _operation(name, summary, answer, *errors, **rest)
    operation["responses"]["200"]["headers"] = _headers("etag", "x-request-id")
    unchanged = {
        "description": "As it was when the tag was given",
        "headers": _headers("etag", "x-request-id"),
    }
    operation["responses"] |= {"304": unchanged}
    return operation


def _export(operation: dict[str, Any]) -> dict[str, Any]:
    """The *operation* with an answer that is a file, which generators hand on as it is."""
    answer = operation["responses"]["200"]
    file = {"schema": {"type": "string", "format": "binary"}}
    answer["description"] = "A row for each customer; headers say of which publication"
    answer["content"] = {kind.decode(): file for kind in CONTENT_TYPES.values()}
    names = [name for name in HEADERS if name.startswith("x-ripple-")]
    answer["headers"] |= _headers(*names)
    return operation


def _error(status: int, codes: Sequence[str]) -> dict[str, Any]:
    """The response of a status, with an example of each of its *codes*."""
    examples = {}
    for code in codes:
        _, message, where, hint = EXAMPLES[code]
        problem = {"code": code, "message": message, "where": where, "hint": hint, "request_id": REQUEST_ID}
        examples[code] = {"value": {"error": problem}}
    content = {"application/json": _content(ErrorResponse)["application/json"] | {"examples": examples}}
    names = ["x-request-id", *(["retry-after"] if status in (429, 503) else [])]
    return {"description": DESCRIPTIONS[status], "headers": _headers(*names), "content": content}


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _content(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": _reference(model)}}


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": REFERENCE.format(model=model.__name__)}


def _query(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema(schema_generator=_Parameters)
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


def _path(name: str, description: str = "Id of a customer.", example: str = "c004663") -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "examples": [example]}
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
    }

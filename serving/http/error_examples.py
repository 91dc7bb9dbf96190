"""An example of each error of the API, for its OpenAPI document."""

from __future__ import annotations

from typing import NamedTuple

DESCRIPTIONS = {
    400: "The body is not JSON, or not all of it came",
    401: "The API key is missing or not known",
    403: "The API key does not open this",
    404: "There is no such customer or experiment, or nothing of the kind was published",
    413: "The body is too large",
    415: "The body is not JSON as it is: of another content type, or compressed",
    422: "A rule of the schema is broken, or a feature or segment is unknown",
    429: "The API key sends more requests a second than it may: see Retry-After",
    431: "Path and headers are too large",
    500: "Failed",
    503: "Not ready, overloaded, or the store does not answer: see Retry-After",
    504: "It took too long",
}
"""What each HTTP status of an error means."""


class ErrorExample(NamedTuple):
    """An error as the service gives it."""

    status: int
    message: str
    where: str
    hint: str


EXAMPLES = {
    "json_invalid": ErrorExample(
        400,
        "Invalid JSON: invalid character (byte 0).",
        "body",
        'Send a JSON object such as {"customer_ids": ["c1", "c2"]}.',
    ),
    "incomplete": ErrorExample(400, "The body ended early.", "body", "Send all of it."),
    "unauthorized": ErrorExample(
        401,
        "The API key is missing or not known.",
        "authorization",
        "Send the header authorization: Bearer KEY.",
    ),
    "out_of_scope": ErrorExample(
        403,
        "Key 'crm' opens read, and not export.",
        "authorization",
        "Ask for a key with the scope export.",
    ),
    "rate_limited": ErrorExample(
        429,
        "Key 'crm' may send 50 requests a second.",
        "authorization",
        "Send fewer requests, with more customers each, or try again when retry-after says.",
    ),
    "unknown_customer": ErrorExample(
        404,
        "The snapshot as of 2026-01-01T00:00:00 does not know customer 'c999999'.",
        "customer_id",
        "Check the id, or send the customer's features to POST /v1/score.",
    ),
    "influence_not_published": ErrorExample(
        404,
        "What is served holds scores, and not who influenced whom.",
        "service",
        "Publish with `ripple publish` of this version.",
    ),
    "plays_not_published": ErrorExample(
        404,
        "What is served holds scores, and no plays.",
        "service",
        "Publish with `ripple publish` of this version, a model whose run lists plays.",
    ),
    "publication_not_kept": ErrorExample(
        404,
        "Publication 'v2-0123456789ab' is not kept, and cannot be compared with.",
        "since",
        "Read all customers, by GET /v1/export or /v1/top; kept are v3-0123456789ab.",
    ),
    "unknown_experiment": ErrorExample(
        404,
        "No experiment 'jul' was published as of 2026-01-01T00:00:00.",
        "name",
        "Did you mean 'july'?",
    ),
    "too_large": ErrorExample(413, "The body is larger than 5 MB.", "body", "Split the request."),
    "wrong_content_type": ErrorExample(
        415,
        "Expected content type application/json, found text/plain.",
        "content-type",
        "Send the header content-type: application/json.",
    ),
    "wrong_content_encoding": ErrorExample(
        415, "Expected a body without encoding, found gzip.", "content-encoding", "Send the body as it is."
    ),
    "one_of_two": ErrorExample(
        422,
        "Expected customer_ids or customers, exactly one of the two.",
        "body",
        "Send customer_ids to score from the snapshot, customers to score features of your own.",
    ),
    "unknown_feature": ErrorExample(
        422,
        "The model has no feature 'order_90d'.",
        "customers[0].features.order_90d",
        "Did you mean 'orders_90d'?",
    ),
    "unknown_segment": ErrorExample(
        422, "There is no segment 'plan pr'.", "segment", "Did you mean 'plan pro'?"
    ),
    "extra_forbidden": ErrorExample(
        422, "Extra inputs are not permitted.", "explian", "Did you mean 'explain'?"
    ),
    "head_too_large": ErrorExample(
        431,
        "Path and headers are larger than 32 kB, or more than 100.",
        "headers",
        "Send fewer and shorter headers, or ids by POST /v1/score.",
    ),
    "failed": ErrorExample(500, "Scoring failed.", "service", "See the service's log."),
    "not_ready": ErrorExample(503, "There is no model to serve yet.", "service", "Try again in a moment."),
    "overloaded": ErrorExample(503, "128 requests are being answered.", "service", "Try again in a moment."),
    "store_unavailable": ErrorExample(
        503,
        "Customers cannot be looked up now: Redis does not answer (TimeoutError).",
        "service",
        "Try again in a moment, or send all features.",
    ),
    "too_slow": ErrorExample(
        504, "The request took too long.", "service", "Send fewer customers, or try again."
    ),
}
"""The examples by code."""

"""Parsing requests: what a body may cost is bounded, and of its errors only the first is built.

`ripple.serving.schemas` documents the same requests. Pydantic builds all errors of a body before the first
can be read, which takes seconds and hundreds of megabytes. Here each level of a body is decoded by itself,
with the values inside it left as bytes, so that nothing is built which the schema does not allow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Raw
from pydantic import BaseModel, ValidationError

from ripple.serving.errors import RequestError, shorten, suggestion, valid_utf8
from ripple.serving.messages.what_if import MAX_SUGGESTED, MAX_SUGGESTIONS
from ripple.serving.schemas import MAX_CUSTOMERS, MAX_REASONS, CustomerFeatures, ScoreRequest

Query = TypeVar("Query", bound=BaseModel)
Item = TypeVar("Item")

MAX_FEATURES_BYTES = 2**18
"""The size of the features of one customer, at most, in bytes of JSON."""
MAX_MARKS = 10
"""The number of quotes in an id or of braces in a customer, on average; without any inside an id it is 2."""

EXAMPLE = 'Send a JSON object such as {"customer_ids": ["c1", "c2"]}.'
SCHEMA = "See the schema at /docs.json, or the page at /."
HINTS = {
    "json_invalid": EXAMPLE,
    "model_type": EXAMPLE,
    "one_of_two": "Send customer_ids to score from the snapshot, customers to score features of your own.",
    "missing": "Add the field; {} where everything is to come from the snapshot.",
    "finite_number": "Send a finite number, or null for a feature that is undefined.",
    "float_type": "Send a number without quotes, or null for a feature that is undefined.",
    "explain_type": "Send false, or a number of reasons such as 5.",
    "too_long": f"Split the request: at most {MAX_CUSTOMERS} customers at a time.",
    "too_short": "Name at least one customer.",
    "twice": "Send it once.",
}
CODES = {"object": "model_type", "array": "list_type", "str": "string_type", "float": "float_type"}
"""The code of an error by the type that was expected, as msgspec calls it."""
IN_WORDS = {
    "object": "an object",
    "array": "a list",
    "str": "a string",
    "float": "a number",
    "int": "a number",
    "bool": "true or false",
}
_NULL, _ZERO = Raw(b"null"), Raw(b"0")


class Customer(msgspec.Struct):
    """A `ripple.serving.schemas.CustomerFeatures`, validated."""

    customer_id: str | None
    features: dict[str, float | None]


class Scoring(msgspec.Struct):
    """A `ripple.serving.schemas.ScoreRequest`, validated."""

    customer_ids: list[str] | None
    customers: list[Customer] | None
    explain: int
    suggest: int = 0

    @property
    def size(self) -> int:
        """The number of customers to score."""
        return len(self.customer_ids or self.customers or ())


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    customer_ids: Raw = _NULL
    customers: Raw = _NULL
    explain: Raw = _ZERO
    suggest: Raw = _ZERO


class _Customer(msgspec.Struct, forbid_unknown_fields=True):
    features: Raw
    customer_id: Raw = _NULL


class _Name(str):
    """The name of a field, which is checked as it is read."""


_BODY = msgspec.json.Decoder(_Body)
_IDS = msgspec.json.Decoder(list[str] | None)
_CUSTOMERS = msgspec.json.Decoder(list[_Customer] | None)
_ID = msgspec.json.Decoder(str | None)
_SUGGEST = msgspec.json.Decoder(int)
_EXPLAIN = msgspec.json.Decoder(bool | int)
_RAW_FEATURES = msgspec.json.Decoder(dict[str, Raw])
_NUMBER = msgspec.json.Decoder(float | None)


class RequestParser:
    """Parses requests to a model with these *features*."""

    def __init__(self, features: Sequence[str]) -> None:
        self._known = list(features)
        names: Any = Literal[tuple(features)]
        # a name is compared before anything is built, so made-up names take no memory
        self._features = msgspec.json.Decoder(dict[names, float | None])

    def parse(self, body: bytes) -> Scoring:
        """The request in *body*.

        Raises:
            RequestError: it is not JSON or breaks the schema; the error names the first broken rule.
        """
        try:
            return self._parse(body)
        except RequestError as error:
            if error.code == "json_invalid" and (b"NaN" in body or b"Infinity" in body):
                # a number out of range is JSON, and refused where it stands: its error names the field
                self._parse(body.replace(b"NaN", b"1e999").replace(b"Infinity", b"1e999"))
            raise

    def _parse(self, body: bytes) -> Scoring:
        try:
            fields = _decoded(_BODY, body, "")
        except RecursionError:
            raise _error("json_invalid", "Invalid JSON: the body is nested too deeply.", "") from None
        if len(body) > MAX_MARKS * MAX_CUSTOMERS:
            _validate_marks(fields.customer_ids, b'"', "customer_ids")
            _validate_marks(fields.customers, b"{", "customers")
        ids = _validated_length(_decoded(_IDS, fields.customer_ids, "customer_ids"), "customer_ids")
        sent = _validated_length(_decoded(_CUSTOMERS, fields.customers, "customers"), "customers")
        explain = _explain(fields.explain)
        suggest = _suggest(fields.suggest, len(ids or sent or ()))
        if (ids is None) == (sent is None):
            raise _error("one_of_two", "Expected customer_ids or customers, exactly one of the two.", "")
        customers = None if sent is None else [self._customer(at, one) for at, one in enumerate(sent)]
        _validate_once(body, fields, sent or [], customers or [])
        return Scoring(ids, customers, explain, suggest)

    def _customer(self, index: int, sent: _Customer) -> Customer:
        customer_id = None
        if sent.customer_id is not _NULL:
            customer_id = _decoded(_ID, sent.customer_id, f"customers[{index}].customer_id")
        raw = bytes(sent.features)
        if len(raw) > MAX_FEATURES_BYTES:
            message = f"The features are larger than {MAX_FEATURES_BYTES // 2**10} kB."
            hint = "Send each feature once, without blanks."
            raise RequestError(413, "too_large", message, _features_at(index), hint)
        try:
            return Customer(customer_id, self._features.decode(raw))
        except ValueError:
            self._find_error(raw, _features_at(index))
            raise _repeated(raw, _features_at(index)) from None

    def _find_error(self, raw: bytes, where: str) -> None:
        """Raise a RequestError for the first feature that is not as it should be."""
        for name, value in _decoded(_RAW_FEATURES, raw, where, CODES | {"object": "dict_type"}).items():
            place = f"{where}.{shorten(name)}"
            if name not in self._known:
                message = f"The model has no feature '{shorten(name)}'."
                raise RequestError(422, "unknown_feature", message, place, suggestion(name, self._known))
            _decoded(_NUMBER, value, place)


def parse_query(model: type[Query], pairs: Iterable[tuple[str, str]]) -> Query:
    """The query string's *pairs* as a *model*.

    Raises:
        RequestError: a parameter is unknown, is given twice, or has an invalid value.
    """
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in values:
            raise RequestError(422, "twice", f"'{shorten(name)}' is there twice.", shorten(name), "Send one.")
        values[name] = value
    try:
        return model.model_validate_strings(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        rule, name = first["type"], str(first["loc"][-1])
        if rule == "extra_forbidden":
            hint = suggestion(name, model.model_fields)
        else:
            hint = model.model_fields[name].description or SCHEMA
        message = f"{valid_utf8(first['msg'])}."
        raise RequestError(422, rule, message, shorten(name), hint) from error


def _decoded(
    decoder: msgspec.json.Decoder[Item], raw: bytes | Raw, where: str, codes: dict[str, str] = CODES
) -> Item:
    """What *raw* holds.

    Raises:
        RequestError: it is not JSON, or not of the decoder's type.
    """
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$")
        raise _type_error(what, where + path.rstrip("`"), codes) from error
    except ValueError as error:
        what = str(error).removeprefix("JSON is malformed: ")
        raise _error("json_invalid", f"Invalid JSON: {what}.", where) from error


def _type_error(what: str, where: str, codes: dict[str, str]) -> RequestError:
    """The error that msgspec words as *what*, such as "Expected `array | null`, got `str`"."""
    quoted = what.split("`")[1::2]
    if what.startswith("Expected"):
        expected, found = quoted
        first, *null = expected.split(" | ")
        message = f"Expected {IN_WORDS[first]}{' or null' * bool(null)}, found {IN_WORDS.get(found, found)}."
        return _error(codes[first], message, where)
    if what.startswith("Object contains unknown field"):
        name = "`".join(what.split("`")[1:-1])
        known = (CustomerFeatures if where else ScoreRequest).model_fields
        message, place = f"There is no field '{shorten(name)}' here.", f"{where}.{shorten(name)}".lstrip(".")
        return RequestError(422, "extra_forbidden", message, place or "body", suggestion(name, known))
    if what.startswith("Object missing required field"):
        return _error("missing", f"Field '{quoted[0]}' is missing.", f"{where}.{quoted[0]}")
    return _error("finite_number", "Expected a finite number.", where)


def _explain(raw: Raw) -> int:
    if raw is _ZERO:
        return 0
    try:
        explain = _EXPLAIN.decode(raw)
    except ValueError:
        explain = True
    if explain is True:
        raise _error("explain_type", "Expected false or a number of reasons.", "explain")
    if explain > MAX_REASONS:
        raise _error("less_than_equal", f"Expected at most {MAX_REASONS} reasons.", "explain")
    if explain < 0:
        raise _error("greater_than_equal", "Expected a number of reasons, 0 or more.", "explain")
    return int(explain)


def _suggest(raw: Raw, customers: int) -> int:
    if raw is _ZERO:
        return 0
    suggest = _decoded(_SUGGEST, raw, "suggest", CODES | {"int": "int_type"})
    if suggest > MAX_SUGGESTIONS:
        raise _error("less_than_equal", f"Expected at most {MAX_SUGGESTIONS} suggestions.", "suggest")
    if suggest < 0:
        raise _error("greater_than_equal", "Expected a number of suggestions, 0 or more.", "suggest")
    if suggest and customers > MAX_SUGGESTED:
        message = f"Expected at most {MAX_SUGGESTED} customers with suggestions, found {customers}."
        hint = f"Ask for suggestions of at most {MAX_SUGGESTED} customers at a time."
        raise RequestError(422, "too_many_suggested", message, "suggest", hint)
    return suggest


def _validated_length(items: list[Item] | None, where: str) -> list[Item] | None:
    if items is not None and not 1 <= len(items) <= MAX_CUSTOMERS:
        code = "too_long" if items else "too_short"
        raise _error(code, f"Expected 1 to {MAX_CUSTOMERS} customers, found {len(items)}.", where)
    return items


def _validate_marks(raw: Raw, mark: bytes, where: str) -> None:
    """Raise a RequestError if *raw*, not decoded yet, has a *mark* too often for a list of customers."""
    if bytes(raw).count(mark) > MAX_MARKS * MAX_CUSTOMERS:
        raise _error("too_long", f"Expected 1 to {MAX_CUSTOMERS} customers, found many more.", where)


def _validate_once(
    body: bytes, fields: _Body, sent: Sequence[_Customer], customers: Sequence[Customer]
) -> None:
    """Raise a RequestError if a name occurs twice in one of the objects of *body*."""
    names = (fields.customers is not _NULL) + (fields.explain is not _ZERO) + (fields.suggest is not _ZERO)
    names += fields.customer_ids is not _NULL
    ids = [] if fields.customer_ids is _NULL else [fields.customer_ids]
    for raw, customer in zip(sent, customers, strict=True):
        names += 1 + len(customer.features)
        if raw.customer_id is not _NULL:
            names += 1
            ids.append(raw.customer_id)
    # outside of ids a colon follows a name, as no name that is known has one in it
    if body.count(b":") == names + sum(bytes(one).count(b":") for one in ids):
        return
    for index, (raw, customer) in enumerate(zip(sent, customers, strict=True)):
        if bytes(raw.features).count(b":") > len(customer.features):
            raise _repeated(bytes(raw.features), _features_at(index))
    raise _error("twice", "A field of the request or of a customer is there twice.", "")


def _features_at(index: int) -> str:
    return f"customers[{index}].features"


def _repeated(raw: bytes, where: str) -> RequestError:
    """The error of the first name that occurs twice in the object *raw*."""
    names: set[str] = set()

    def once(_: type, name: str) -> _Name:
        if name in names:
            raise KeyError(name)
        names.add(name)
        return _Name(name)

    try:
        msgspec.json.decode(raw, type=dict[_Name, Raw], dec_hook=once)
    except KeyError as error:
        name = shorten(error.args[0])
        return _error("twice", f"'{name}' is there twice.", f"{where}.{name}")
    return _error("json_invalid", "Invalid JSON.", where)


def _error(code: str, message: str, where: str) -> RequestError:
    status = 400 if code == "json_invalid" else 422
    return RequestError(status, code, message, where or "body", HINTS.get(code, SCHEMA))

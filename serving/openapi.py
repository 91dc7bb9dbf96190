"""The OpenAPI page with this service's own errors in place of BentoML's."""

from __future__ import annotations

import inspect
from typing import Any

import attr
import bentoml

from serving.schemas import ErrorResponse

REFERENCE = "#/components/schemas/{model}"
ERRORS = {400: "Refused", 500: "Failed", 503: "Not ready"}


class DocumentedService(bentoml.Service):
    """A BentoML service whose errors have the shape of `ErrorResponse`."""

    @property
    def openapi_spec(self) -> Any:
        """BentoML's specification, corrected."""
        spec = super().openapi_spec
        schema = ErrorResponse.model_json_schema(ref_template=REFERENCE)
        spec.components["schemas"] |= schema.pop("$defs") | {"ErrorResponse": schema}
        content = {"application/json": {"schema": {"$ref": REFERENCE.format(model="ErrorResponse")}}}
        errors = {status: {"description": word, "content": content} for status, word in ERRORS.items()}
        for api in self.apis.values():
            post = spec.paths[api.route].post
            post["responses"] = {200: post["responses"][200], **errors}
            post["description"] = inspect.cleandoc(api.doc or "")
        # who serves the page is Ripple, not the makers of the framework
        return attr.evolve(spec, info=attr.evolve(spec.info, title="Ripple", contact=None))

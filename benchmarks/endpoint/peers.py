"""What the service is compared with: an endpoint that does nothing, and one as people first write it.

`server_processes.bento` starts them by their names, `benchmarks.endpoint.peers:Floor` and `:Naive`.
"""

from __future__ import annotations

import gc
import os
from typing import Any

import bentoml
import joblib
import pandas as pd
from pydantic import BaseModel, create_model
from starlette.requests import Request
from starlette.responses import Response

from benchmarks.synthetic_model import NAMES
from ripple.serving.service import RippleService

SERVICE: Any = RippleService
"""The service that `bentoml.service` made of the class, which mypy takes for the class."""
FIELDS: dict[str, Any] = dict.fromkeys(NAMES, (float | None, ...))
Customer: Any = create_model("Customer", **FIELDS)


class Scores(BaseModel):
    """The naive answer."""

    network_value: float
    top_probability: float


class Body(bentoml.IODescriptor):
    """The body of a request, as it came."""

    given: str = ""
    __root_input__ = True

    @classmethod
    async def from_http_request(cls, request: Request, serde: Any) -> Any:
        """Read it, unparsed."""
        return await request.body()


class Answer(bentoml.IODescriptor):
    """The form of the answer."""

    network_value: float


@bentoml.service(name="floor", **SERVICE.config)
class Floor:
    """Answers everything with a constant, under the settings of Ripple's own server."""

    def __init__(self) -> None:
        gc.collect()
        gc.freeze()

    @bentoml.api(input_spec=Body, output_spec=Answer)
    async def score(self, body: bytes, /) -> Response:
        """Return the constant."""
        return Response(b'{"network_value":1.0}', media_type="application/json")


@bentoml.service(name="naive")
class Naive:
    """Pydantic in and out, a DataFrame between, scikit-learn's interface, BentoML's defaults."""

    def __init__(self) -> None:
        self.value, self.top = joblib.load(os.environ["HEADS"])

    @bentoml.api
    def score(self, customer: Customer) -> Scores:
        """Scores of one customer."""
        features = pd.DataFrame([customer.model_dump()], dtype=float)
        return Scores(
            network_value=self.value.predict(features)[0],
            top_probability=self.top.predict_proba(features)[0, 1],
        )

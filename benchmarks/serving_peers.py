"""What the service is compared with: an endpoint that does nothing, and one as people first write it."""

from __future__ import annotations

import gc
import os
from typing import Any

import bentoml
import joblib
import pandas as pd
from made_up import NAMES
from pydantic import BaseModel, create_model
from starlette.requests import Request
from starlette.responses import Response

from ripple.serving.service import RippleService

Customer: Any = create_model("Customer", **dict.fromkeys(NAMES, (float | None, ...)))


class Scores(BaseModel):
    """The naive answer."""

    network_value: float
    top_probability: float


class Body(bentoml.IODescriptor):
    """The request's body, as it came."""

    given: str = ""
    __root_input__ = True

    @classmethod
    async def from_http_request(cls, request: Request, serde: Any) -> Any:
        """Read it."""
        return await request.body()


class Answer(bentoml.IODescriptor):
    """What the answer looks like."""

    network_value: float


@bentoml.service(name="floor", **RippleService.config)
class Floor:
    """Answers everything with a constant, under the settings of Ripple's own server."""

    def __init__(self) -> None:
        gc.collect()
        gc.freeze()

    @bentoml.api(input_spec=Body, output_spec=Answer)
    async def score(self, body: bytes, /) -> Response:
        """The constant."""
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

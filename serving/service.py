"""The BentoML service. Everything it needs comes from the Bento and the BentoML model packed with it."""

from __future__ import annotations

import asyncio
import gc
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bentoml
from bentoml.images import Image
from prometheus_client import Counter
from starlette.requests import Request
from starlette.responses import Response

from serving.openapi import DocumentedService
from serving.refusals import RequestError, parse
from serving.schemas import ErrorResponse, Problem, ScoreRequest, ScoreResponse

if TYPE_CHECKING:
    from serving.scorer import Scorer

MODEL = "ripple"
# a request of more customers takes over 10 ms, for which the event loop must not stand still
FEW_CUSTOMERS = 8

# BentoML's own distros install compilers and git; a distro it does not know gets only what is asked for
IMAGE = Image(base_image="python:3.11-slim", distro="none", python_version="3.11").run(
    "apt-get update && apt-get install -q -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*"
)

SCORED = Counter("ripple_scored_rows", "Customers scored.", ["model_version"])
ERRORS = Counter("ripple_errors", "Requests refused or failed.", ["model_version", "code"])

FAILED = Problem(code="failed", message="Scoring failed.", where="service", hint="See the service's log.")
NOT_READY = Problem(
    code="not_ready",
    message="The model does not reproduce the scores of its own snapshot here.",
    where="service",
    hint="Ask another instance; the log of this one says more.",
)

logger = logging.getLogger("bentoml.ripple")


class ScoreBody(bentoml.IODescriptor, ScoreRequest):
    """Whom to score: customer_ids or customers, exactly one of the two."""

    __root_input__ = True

    @classmethod
    async def from_http_request(cls, request: Request, serde: Any) -> Any:
        """The body as it came: were it decoded here, BentoML would word the errors its own way."""
        return await request.body()


class ScoreAnswer(bentoml.IODescriptor, ScoreResponse):
    """Predictions in the order asked for."""


@bentoml.service(
    name="ripple",
    service_class=DocumentedService,
    image=IMAGE,
    envs=[
        # one process per core: threads of LightGBM inside a request would fight over the cores
        {"name": "OMP_NUM_THREADS", "value": "1"},
        {"name": "BENTOML_DO_NOT_TRACK", "value": "True"},
    ],
    # every request leaves a timer of this length behind, so the default of a minute piles up under load
    traffic={"timeout": 5},
    logging={"access": {"enabled": False}},
    # spans are recorded even where nobody collects them
    tracing={"excluded_urls": ".*"},
)
class RippleService:
    """Predicted network value of customers, with the reasons."""

    def __init__(self) -> None:
        # only workers score; the process that supervises them imports this module, too
        from serving.scorer import Scorer

        # an alias of the version packed with this Bento; a tag with "latest" would be whatever came last
        model = bentoml.models.get(MODEL)
        self.version = str(model.tag.version)
        self.scorer: Scorer = Scorer.load(Path(model.path), self.version)
        self.ready = self.scorer.agrees()
        if not self.ready:
            logger.error("%s does not reproduce the scores of its snapshot here; it stays not ready.", model)
        gc.collect()
        gc.freeze()

    async def __is_ready__(self) -> bool:
        """Whether scores here are those of the batch job; /readyz asks."""
        return self.ready

    @bentoml.api(input_spec=ScoreBody, output_spec=ScoreAnswer)
    async def score(self, body: bytes, /) -> Response:
        """Score customers by id from the latest feature snapshot, or by features sent.

        Scores are in the currency and over the horizon that the answer names. The effects of all features and
        the model's base add up to the score on the log scale.
        """
        if not self.ready:
            return self._error(NOT_READY, 503)
        try:
            request = parse(body)
            few = request.size <= FEW_CUSTOMERS
            content = self._answer(request) if few else await asyncio.to_thread(self._answer, request)
        except RequestError as error:
            return self._error(error.problem, 400)
        except Exception:
            logger.exception("Scoring failed.")
            return self._error(FAILED, 500)
        return Response(content, media_type="application/json")

    def _answer(self, request: ScoreRequest) -> str:
        answer = self.scorer.answer(request)
        SCORED.labels(self.version).inc(len(answer.customers))
        return answer.model_dump_json()

    def _error(self, problem: Problem, status: int) -> Response:
        ERRORS.labels(self.version, problem.code).inc()
        content = ErrorResponse(error=problem).model_dump_json()
        return Response(content, status, media_type="application/json")

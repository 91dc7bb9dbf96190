"""The BentoML service, which needs only its Bento and the BentoML model packed with it."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bentoml
from bentoml.images import Image

from ripple.serving.http.app import CUSTOMER, METHODS, Api
from ripple.serving.http.audit import AuditLog
from ripple.serving.http.draining import Draining, DrainingMiddleware
from ripple.serving.http.middleware import AdmissionMiddleware, with_cors
from ripple.serving.http.protocol import use_bounded_protocol
from ripple.serving.options import PREFIX, Options
from ripple.serving.prometheus import ServiceMetrics

if TYPE_CHECKING:
    from ripple.serving.scorer import Scorer
    from ripple.serving.store_poller import StorePoller

MODEL = "ripple"

# BentoML's own distros install compilers and git; an unknown distro gets only what is listed here
IMAGE = Image(base_image="python:3.11-slim", distro="none", python_version="3.11").run(
    "apt-get update && apt-get install -q -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*"
)

OPTIONS = Options.load()
METRICS = ServiceMetrics((*METHODS, CUSTOMER))
API = Api(METRICS)
DRAINING = Draining(OPTIONS.drain_seconds)

logger = logging.getLogger("bentoml.ripple")


class ServiceWithAdmission(bentoml.Service):
    """A BentoML service whose requests come by `BoundedProtocol` and pass `AdmissionMiddleware` first."""

    def to_asgi(self, is_main: bool = True) -> Any:
        """BentoML's ASGI application, wrapped in the middleware."""
        use_bounded_protocol()
        app: Any = AdmissionMiddleware(
            super().to_asgi(is_main),
            METRICS,
            OPTIONS.keys,
            OPTIONS.most_at_once,
            OPTIONS.public_docs,
            OPTIONS.access_log,
            exports=API,
            audit=None if OPTIONS.audit is None else AuditLog(OPTIONS.audit, METRICS),
        )
        app = DrainingMiddleware(app, DRAINING)
        if OPTIONS.traces is not None:
            # its libraries are an extra
            from ripple.serving.http.tracing import TracingMiddleware

            app = TracingMiddleware(app, OPTIONS.traces)
        return with_cors(app, OPTIONS.origins) if OPTIONS.origins else app


@bentoml.asgi_app(API, path="/v1", name="v1")
@bentoml.service(
    name="ripple",
    service_class=ServiceWithAdmission,
    image=IMAGE,
    workers=OPTIONS.workers,
    envs=[
        # one process per core: threads of LightGBM inside a request would fight over the cores
        {"name": "OMP_NUM_THREADS", "value": "1"},
        {"name": "BENTOML_DO_NOT_TRACK", "value": "True"},
    ],
    # every request leaves a timer of this length behind, so the default of a minute piles up under load
    traffic={"timeout": 5},
    logging={"access": {"enabled": False}},
    # BentoML labels its metrics by raw path, of which a caller can make up any number
    metrics={"enabled": False},
    # spans are recorded even if nobody collects them
    tracing={"excluded_urls": ".*"},
)
class RippleService:
    """Predicted network value of customers, with the reasons."""

    def __init__(self) -> None:
        # only workers score; the process that supervises them imports this module, too
        from ripple.serving.publications.publication import load_publication
        from ripple.serving.store_poller import warmed_up_scorer

        # an alias of the version packed with this Bento; a tag with "latest" would be whatever came last
        model = bentoml.models.get(MODEL)
        publication = load_publication(Path(model.path) / "publication", str(model.tag.version))
        self._use(warmed_up_scorer(publication))
        self._poller: StorePoller | None = None
        self._tasks: list[asyncio.Task[None]] = []
        gc.collect()
        gc.freeze()
        # a thread with a large request gives way to the event loop after half a millisecond, not five
        sys.setswitchinterval(0.0005)

    @bentoml.on_deployment
    @staticmethod
    def validate_access() -> None:
        """Refuse to start if anybody on the network could ask without a key."""
        if OPTIONS.exposed():
            raise SystemExit(
                f"Nobody would need an API key: set {PREFIX}KEYS to the hashes that `ripple key` prints, or "
                f"let everybody in with {PREFIX}OPEN=1, or listen on 127.0.0.1 by `ripple serve`."
            )

    @bentoml.on_startup
    async def start_background_tasks(self) -> None:
        """Take the current publication, poll the store, write the prediction log, and handle SIGTERM."""
        DRAINING.start(OPTIONS.keep_alive_seconds)

        from ripple.serving.prediction_log import PredictionLog
        from ripple.serving.publications.stores import open_store
        from ripple.serving.store_poller import StorePoller

        if OPTIONS.store is not None and API.scorer is not None:
            served, seconds = API.scorer.publication, OPTIONS.poll_seconds
            self._poller = StorePoller(open_store(OPTIONS.store), METRICS, self._use, served, seconds)
            await self._poller.poll()
            self._tasks.append(asyncio.create_task(self._poller.run()))
        if OPTIONS.log is not None and OPTIONS.log_salt is not None:
            log = PredictionLog(OPTIONS.log, OPTIONS.log_salt.get_secret_value().encode(), METRICS)
            API.on_scores = log.append
            self._tasks.append(asyncio.create_task(log.run()))

    @bentoml.on_shutdown
    async def stop_background_tasks(self) -> None:
        """Stop polling the store, and write the rest of the log."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def __is_ready__(self) -> bool:
        """Whether there is a validated model to serve, with its customers; the answer of /readyz."""
        is_lost = self._poller is not None and self._poller.is_lost
        return API.scorer is not None and not is_lost and not DRAINING.is_under_way

    def _use(self, scorer: Scorer) -> None:
        API.scorer = scorer
        METRICS.count_publication("taken", scorer)

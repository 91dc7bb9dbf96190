"""Clients of the scoring service for Python applications, with typed answers, retries and typed errors.

Only httpx, Pydantic and the standard library are imported: this is all that an application needs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from os import PathLike
from types import TracebackType
from typing import Any

import httpx

from ripple.serving.calls import Answer, Call, NotFound, Refused, ServiceError, Unavailable, http_options
from ripple.serving.experiment_schemas import Experiment, ExperimentArm
from ripple.serving.messages.client_files import is_export, summary, whole_file
from ripple.serving.messages.client_methods import AsyncListMethods, ListMethods
from ripple.serving.messages.lists import ExportSummary, Format
from ripple.serving.schemas import CustomerScore, InfluenceResponse, ModelResponse, ScoreResponse, TopResponse

__all__ = ["AsyncClient", "Client", "NotFound", "Refused", "ServiceError", "Unavailable"]

MIN_SECONDS = 0.001
"""The time that the last try has, at least, however long the pause before it was."""


class Client(ListMethods):
    """Calls the scoring service at *url*; safe to share between threads.

    Args:
        key: API key, if the service requires one.
        timeout: Seconds that a call may take, with all its tries and the pauses between them.
        retries: Number of further tries if the service is overloaded, not ready or not reached.
    """

    def __init__(self, url: str, key: str | None = None, timeout: float = 5.0, retries: int = 4) -> None:
        self._http = httpx.Client(**http_options(url, key))
        self._timeout = timeout
        self._retries = retries

    def score(
        self,
        customer_ids: Sequence[str] | None = None,
        *,
        customers: Sequence[Mapping[str, Any]] | None = None,
        explain: int = 0,
        suggest: int = 0,
    ) -> ScoreResponse:
        """Scores of customers by id, or by features sent.

        Args:
            customers: One mapping {"customer_id": …, "features": {name: number or None}} each; either some
                features of a customer of the snapshot, or all features. Numbers may be those of NumPy, and
                NaN is undefined as None is.
            explain: Number of reasons for each score.
            suggest: Number of features whose change the model is asked for, of at most ten customers.

        Raises:
            Refused, Unavailable
        """
        return self._call(Call.score(customer_ids, customers, explain, suggest))

    def customer(self, customer_id: str, explain: int = 0) -> CustomerScore:
        """The score of one customer.

        Raises:
            NotFound, Refused, Unavailable
        """
        return self._call(Call.customer(customer_id, explain)).customer

    def influence(self, customer_id: str) -> InfluenceResponse:
        """Whom a customer influenced, and who influenced them, as of the last closed window.

        Raises:
            NotFound, Refused, Unavailable
        """
        return self._call(Call.influence(customer_id))

    def arms(self, customer_id: str) -> list[ExperimentArm]:
        """The arms of the running experiments in which a customer takes part; empty if there is none.

        Raises:
            NotFound, Refused, Unavailable
        """
        return self._call(Call.customer(customer_id, 0)).experiments

    def experiments(self) -> list[Experiment]:
        """All experiments that were published, by start and name.

        Raises:
            Refused, Unavailable
        """
        return self._call(Call.experiments()).experiments

    def experiment(self, name: str) -> Experiment:
        """The design of an experiment and, once it was read, what it found.

        Raises:
            NotFound, Refused, Unavailable
        """
        return self._call(Call.experiment(name)).experiment

    def top(self, limit: int = 100, offset: int = 0, segment: str | None = None) -> TopResponse:
        """The customers of highest network value in descending order, of everybody or of one segment.

        Raises:
            Refused, Unavailable
        """
        return self._call(Call.top(limit, offset, segment))

    def model(self) -> ModelResponse:
        """The model and snapshot that are served, and the metrics of the backtest.

        Raises:
            Refused, Unavailable
        """
        return self._call(Call.describe_model())

    def export(
        self, into: str | PathLike[str], format: Format = "parquet", explain: int = 0
    ) -> ExportSummary:
        """Write all customers, the highest network value first, to the file *into*: whole or not at all.

        Args:
            format: A Parquet file, the stream of Arrow's IPC ("arrow"), or a JSON object a line ("ndjson").
            explain: Number of reasons for each score.

        Raises:
            Refused, Unavailable: also where nothing comes for `timeout`; all of it may take longer.
        """
        return self._call(Call.export(into, format, explain))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _get(self, model: type[Answer], path: str, params: Mapping[str, Any]) -> Answer:
        return self._call(Call(model, "GET", path, {"params": params}))

    def _call(self, call: Call[Answer]) -> Answer:
        retry, deadline = 0, time.monotonic() + self._timeout
        while True:
            result = self._try(call, max(MIN_SECONDS, deadline - time.monotonic()))
            outcome = call.outcome(result, retry, self._retries, deadline - time.monotonic())
            if not isinstance(outcome, float):
                return outcome
            time.sleep(outcome)
            retry += 1

    def _try(self, call: Call[Answer], seconds: float) -> httpx.Response | httpx.TransportError:
        try:
            if call.into is None:
                return self._http.request(call.method, call.path, **call.arguments, timeout=seconds)
            with self._http.stream(call.method, call.path, **call.arguments, timeout=seconds) as answer:
                if not is_export(answer):
                    answer.read()
                    return answer
                with whole_file(call.into) as file:
                    for part in answer.iter_bytes():
                        file.write(part)
                return summary(answer)
        except httpx.TransportError as error:
            return error


class AsyncClient(AsyncListMethods):
    """`Client` for asyncio: the same arguments, methods, answers and errors."""

    def __init__(self, url: str, key: str | None = None, timeout: float = 5.0, retries: int = 4) -> None:
        self._http = httpx.AsyncClient(**http_options(url, key))
        self._timeout = timeout
        self._retries = retries

    async def score(
        self,
        customer_ids: Sequence[str] | None = None,
        *,
        customers: Sequence[Mapping[str, Any]] | None = None,
        explain: int = 0,
        suggest: int = 0,
    ) -> ScoreResponse:
        """See `Client.score`."""
        return await self._call(Call.score(customer_ids, customers, explain, suggest))

    async def customer(self, customer_id: str, explain: int = 0) -> CustomerScore:
        """See `Client.customer`."""
        return (await self._call(Call.customer(customer_id, explain))).customer

    async def influence(self, customer_id: str) -> InfluenceResponse:
        """See `Client.influence`."""
        return await self._call(Call.influence(customer_id))

    async def arms(self, customer_id: str) -> list[ExperimentArm]:
        """See `Client.arms`."""
        return (await self._call(Call.customer(customer_id, 0))).experiments

    async def experiments(self) -> list[Experiment]:
        """See `Client.experiments`."""
        return (await self._call(Call.experiments())).experiments

    async def experiment(self, name: str) -> Experiment:
        """See `Client.experiment`."""
        return (await self._call(Call.experiment(name))).experiment

    async def top(self, limit: int = 100, offset: int = 0, segment: str | None = None) -> TopResponse:
        """See `Client.top`."""
        return await self._call(Call.top(limit, offset, segment))

    async def model(self) -> ModelResponse:
        """See `Client.model`."""
        return await self._call(Call.describe_model())

    async def export(
        self, into: str | PathLike[str], format: Format = "parquet", explain: int = 0
    ) -> ExportSummary:
        """See `Client.export`."""
        return await self._call(Call.export(into, format, explain))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _get(self, model: type[Answer], path: str, params: Mapping[str, Any]) -> Answer:
        return await self._call(Call(model, "GET", path, {"params": params}))

    async def _call(self, call: Call[Answer]) -> Answer:
        retry, deadline = 0, time.monotonic() + self._timeout
        while True:
            result = await self._try(call, max(MIN_SECONDS, deadline - time.monotonic()))
            outcome = call.outcome(result, retry, self._retries, deadline - time.monotonic())
            if not isinstance(outcome, float):
                return outcome
            await asyncio.sleep(outcome)
            retry += 1

    async def _try(self, call: Call[Answer], seconds: float) -> httpx.Response | httpx.TransportError:
        try:
            if call.into is None:
                return await self._http.request(call.method, call.path, **call.arguments, timeout=seconds)
            async with self._http.stream(call.method, call.path, **call.arguments, timeout=seconds) as answer:
                if not is_export(answer):
                    await answer.aread()
                    return answer
                with whole_file(call.into) as file:
                    async for part in answer.aiter_bytes():
                        file.write(part)
                return summary(answer)
        except httpx.TransportError as error:
            return error

"""DuckDB behind the protocol of Databricks: Thrift over HTTPS, with pages of Arrow batches."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import duckdb
import pyarrow as pa
import sqlglot
import trustme
from databricks.sql.thrift_api.TCLIService import TCLIService
from databricks.sql.thrift_api.TCLIService import ttypes as t
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TTransport import TMemoryBuffer

HTTP_PATH = "/sql/1.0/warehouses/1"
PAGE_ROWS = 100
_TYPES = {
    "string": t.TTypeId.STRING_TYPE,
    "int32": t.TTypeId.INT_TYPE,
    "int64": t.TTypeId.BIGINT_TYPE,
    "double": t.TTypeId.DOUBLE_TYPE,
    "bool": t.TTypeId.BOOLEAN_TYPE,
    "timestamp": t.TTypeId.TIMESTAMP_TYPE,
    "list": t.TTypeId.ARRAY_TYPE,
    "struct": t.TTypeId.STRUCT_TYPE,
    "decimal128": t.TTypeId.DECIMAL_TYPE,
}
_OK = t.TStatus(statusCode=t.TStatusCode.SUCCESS_STATUS)
_HANDLE = t.THandleIdentifier(guid=b"0" * 16, secret=b"1" * 16)


class DatabricksServer:
    """What the driver calls, for one session with one query at a time.

    Attributes:
        url: what a user would type as DATA.
        sessions: the requests that opened sessions.
        queries: the statements.
        closed: how many sessions were closed.
    """

    def __init__(self, file: Path) -> None:
        self.url = ""
        self.sessions: list[Any] = []
        self.queries: list[str] = []
        self.closed = 0
        self._connection = duckdb.connect(file, read_only=True)
        self._metadata: Any = None
        self._pages: Iterator[tuple[int, list[pa.RecordBatch], bool]] = iter(())

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def OpenSession(self, request: Any) -> Any:
        self.sessions.append(request)
        return t.TOpenSessionResp(
            status=_OK,
            serverProtocolVersion=t.TProtocolVersion.SPARK_CLI_SERVICE_PROTOCOL_V7,
            sessionHandle=t.TSessionHandle(sessionId=_HANDLE),
            canUseMultipleCatalogs=True,
        )

    def CloseSession(self, request: Any) -> Any:
        self.closed += 1
        return t.TCloseSessionResp(status=_OK)

    def ExecuteStatement(self, request: Any) -> Any:
        self.queries.append(request.statement)
        # sqlglot hands SET on as it is, with a warning
        is_query = not request.statement.startswith("SET ")
        (query,) = (
            sqlglot.transpile(request.statement, "databricks", "duckdb") if is_query else [request.statement]
        )
        try:
            rows = self._connection.execute(query).to_arrow_table()
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            message = f"[{type(error).__name__}] {reason}\n\n== SQL ==\n{request.statement}"
            return t.TExecuteStatementResp(
                status=t.TStatus(statusCode=t.TStatusCode.ERROR_STATUS, errorMessage=message)
            )
        self._pages = _paged(rows)
        self._metadata = t.TGetResultSetMetadataResp(
            status=_OK,
            schema=t.TTableSchema(columns=[_described(*one) for one in enumerate(rows.schema)]),
            resultFormat=t.TSparkRowSetType.ARROW_BASED_SET,
            lz4Compressed=False,
            arrowSchema=rows.schema.serialize().to_pybytes(),
        )
        return t.TExecuteStatementResp(
            status=_OK,
            operationHandle=t.TOperationHandle(
                operationId=_HANDLE, operationType=t.TOperationType.EXECUTE_STATEMENT, hasResultSet=True
            ),
            directResults=t.TSparkDirectResults(
                operationStatus=t.TGetOperationStatusResp(
                    status=_OK, operationState=t.TOperationState.FINISHED_STATE
                ),
                resultSetMetadata=self._metadata,
                resultSet=self.FetchResults(None),
            ),
        )

    def FetchResults(self, request: Any) -> Any:
        start, batches, more = next(self._pages)
        sent = [
            t.TSparkArrowBatch(batch=one.serialize().to_pybytes(), rowCount=one.num_rows) for one in batches
        ]
        return t.TFetchResultsResp(
            status=_OK,
            hasMoreRows=more,
            results=t.TRowSet(startRowOffset=start, rows=[], arrowBatches=sent),
            resultSetMetadata=self._metadata,
        )

    def CloseOperation(self, request: Any) -> Any:
        return t.TCloseOperationResp(status=_OK)


def _paged(rows: pa.Table) -> Iterator[tuple[int, list[pa.RecordBatch], bool]]:
    for start in range(0, max(rows.num_rows, 1), PAGE_ROWS):
        yield start, rows.slice(start, PAGE_ROWS).to_batches(), start + PAGE_ROWS < rows.num_rows


def _described(position: int, column: pa.Field) -> Any:
    kind = next(kind for name, kind in _TYPES.items() if str(column.type).startswith(name))
    qualifiers = None
    if kind == t.TTypeId.DECIMAL_TYPE:
        parts = {"precision": column.type.precision, "scale": column.type.scale}
        qualifiers = t.TTypeQualifiers(
            {name: t.TTypeQualifierValue(i32Value=value) for name, value in parts.items()}
        )
    entry = t.TPrimitiveTypeEntry(type=kind, typeQualifiers=qualifiers)
    return t.TColumnDesc(column.name, t.TTypeDesc([t.TTypeEntry(primitiveEntry=entry)]), position + 1)


@contextmanager
def running(file: Path, certificate: Path, token: str) -> Iterator[DatabricksServer]:
    """A server of a DuckDB *file* on the loopback interface, with the *certificate* that it writes."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    service = DatabricksServer(file)
    processor = TCLIService.Processor(service)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None: ...

        def do_HEAD(self) -> None:
            self.send_response(200)
            self.end_headers()

        def do_POST(self) -> None:
            call = TMemoryBuffer(self.rfile.read(int(self.headers["Content-Length"])))
            answer = TMemoryBuffer()
            if self.headers["Authorization"] != f"Bearer {token}":
                self.send_response(403)
                self.send_header("x-databricks-reason-phrase", "Invalid access token.")
            elif self.path != HTTP_PATH:
                self.send_response(404)
            else:
                processor.process(TBinaryProtocol(call), TBinaryProtocol(answer))
                self.send_response(200)
            self.send_header("Content-Length", str(len(answer.getvalue())))
            self.end_headers()
            self.wfile.write(answer.getvalue())

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        service.url = f"databricks://127.0.0.1:{server.server_port}/shop?schema=Public&http_path={HTTP_PATH}"
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield service
        finally:
            server.shutdown()
            service.close()

"""
connect: the client, joined from its parts. A session keeps a connection; the book of requests says what goes over it;
users hold runs.
"""

import asyncio
import random as dice
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, cast

from .errors import StreamerError, about
from .frames import print_frame
from .options import Clock, LoopClock, Options, OutboxLimits, Reconnect, Token, resolve_url
from .requests import Requests
from .run import Run
from .session import ConnectionState, Session
from .state import RequestInfo, describe
from .tracker import Tracker
from .wire import ActionDescription, Actions, Listing, RequestStatus, RunReference, Scalar, ServerMessage, Snapshot

ABSENT: Any = object()
"""No payload: `None` is one, `null`."""


@dataclass(frozen=True, slots=True)
class Page:
    items: Sequence[RequestInfo]
    cursor: str | None
    """For the next page; None on the last."""


def connect(
    url: str,
    *,
    token: Token,
    reconnect: Reconnect = Reconnect(),
    connect_timeout_ms: float = 10_000,
    pong_timeout_ms: float = 10_000,
    outbox: OutboxLimits = OutboxLimits(),
    clock: Clock | None = None,
    random: Callable[[], float] = dice.random,
) -> "Client":
    """
    Connects, and stays connected until `close()`, or the end of its `async with`.

    `connect_timeout_ms`: how long a server may take to answer a new connection. `pong_timeout_ms`: how long a silent
    one may take to answer a ping before the connection is given up. `clock` and `random` are seams for tests.

    >>> async with connect("ws://localhost:8080", token=token) as client: ...
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError as cause:
        raise RuntimeError("connect() needs a running event loop; without one, use streamer_client.sync.") from cause
    options = Options(
        token=token,
        reconnect=reconnect,
        connect_timeout_ms=connect_timeout_ms,
        pong_timeout_ms=pong_timeout_ms,
        outbox=outbox,
        clock=clock or LoopClock(loop),
        random=random,
    )
    return Client(resolve_url(url), options)


class Client:
    """Made by `connect`."""

    def __init__(self, url: str, options: Options) -> None:
        self._requests = Requests(options, lambda: self.state.status == "open", lambda text: self._session.send(text))
        self._session = Session(url, options, self._requests)
        self._session.start()

    @property
    def state(self) -> ConnectionState:
        return self._session.state

    def on_state(self, listener: Callable[[ConnectionState], None]) -> Callable[[], None]:
        """Calls `listener` at each change of the connection; returns a function that unsubscribes."""
        return self._session.on_state(listener)

    def request(
        self,
        action: str,
        payload: Any = ABSENT,
        *,
        id: str | None = None,
        mode: Literal["auto", "sync", "async"] | None = None,
        priority: int | None = None,
        delay_ms: int | None = None,
        run_at: datetime | int | None = None,
        idempotency_key: str | None = None,
        timeout_ms: int | None = None,
        max_attempts: int | None = None,
        metadata: Mapping[str, Scalar] | None = None,
    ) -> Run:
        """
        Sends a request, at once. It never raises: what is wrong with it is told by the run.

        `id`: yours, at most 128 characters, to find the request again from anywhere. `mode`: `auto` (default) at once
        when it is expected to be short, queued otherwise. `priority`: 0–9, 9 first, default 5. `run_at`: a datetime or
        epoch ms. `idempotency_key`: requests of one user under one key are one request. `timeout_ms`: longest that one
        attempt may run.

        >>> run = client.request("resize_images", {"album": "a1", "width": 640})
        """
        request_id = secrets.token_hex(16) if id is None else id
        options = {
            "mode": mode,
            "priority": priority,
            "delay_ms": delay_ms,
            "run_at": round(run_at.timestamp() * 1_000) if isinstance(run_at, datetime) else run_at,
            "idempotency_key": idempotency_key,
            "timeout_ms": timeout_ms,
            "max_attempts": max_attempts,
        }
        wanted = {name: value for name, value in options.items() if value is not None}
        message: dict[str, Any] = {"type": "request", "id": request_id, "action": action}
        if payload is not ABSENT:
            message["payload"] = payload
        if metadata is not None:
            message["metadata"] = dict(metadata)
        if wanted:
            message["options"] = wanted

        def begin() -> Tracker:
            try:
                frame = print_frame(message)
            except (TypeError, ValueError, RecursionError) as cause:
                problem = f'The payload of "{action}" is not JSON: {cause}'
                return self._requests.refused(request_id, StreamerError("VALIDATION_ERROR", problem, request_id))
            return self._requests.follow(request_id, frame)

        return self._follow(request_id, begin)

    def attach(self, request: str | RunReference, *, after: int = 0) -> Run:
        """
        Follows a request made elsewhere or before: by its id, from its beginning or after a seq; or by what
        `run.to_json()` said there, from where it was.
        """
        reference: RunReference = {"id": request, "after": after} if isinstance(request, str) else request
        if _is_reference(reference):
            return self._follow(reference["id"], lambda: self._requests.attach(reference))
        problem = "What is attached to must be a request's id, or what run.to_json() gave."
        return self._run(self._requests.refused("unknown", StreamerError("VALIDATION_ERROR", problem)))

    def retry(self, request_id: str, reason: str | None = None) -> Run:
        """Queues a failed request again and follows it."""
        message = {"type": "retry", "request_id": request_id, **({} if reason is None else {"reason": reason})}
        return self._follow(request_id, lambda: self._requests.follow(request_id, print_frame(message)))

    async def get(self, request_id: str) -> RequestInfo:
        return describe(cast(Snapshot, await self._ask("snapshot", {"type": "get", "request_id": request_id})))

    async def list(
        self,
        *,
        status: RequestStatus | None = None,
        action: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page:
        """The user's own requests, newest first. `limit`: 1–100, default 20. `cursor`: from the page
        before. A page may be short or empty and still have a cursor: go on while there is one."""
        query = {"status": status, "action": action, "limit": limit, "cursor": cursor}
        wanted = {name: value for name, value in query.items() if value is not None}
        listing = cast(Listing, await self._ask("list", {"type": "list", **wanted}))
        return Page(tuple(describe(item) for item in listing["items"]), listing.get("cursor"))

    async def actions(self) -> Sequence[ActionDescription]:
        """What the server can do: each action, its limits, and JSON Schemas of what it takes and gives."""
        return cast(Actions, await self._ask("actions", {"type": "actions"}))["items"]

    async def close(self) -> None:
        """Ends the connection. Requests go on at the server; runs that have not ended raise CLIENT_CLOSED."""
        self._session.stop()
        self._requests.end(self._closed())
        await self._session.stopped()

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _closed(self) -> StreamerError:
        """What is said of anything asked after the end."""
        return self.state.error or StreamerError("CLIENT_CLOSED", "The client was closed.")

    def _follow(self, id: str, begin: Callable[[], Tracker]) -> Run:
        """Follows with `begin` unless the client is closed."""
        if self.state.status == "closed":
            return self._run(self._requests.refused(id, about(self._closed(), id)))
        return self._run(begin())

    def _run(self, tracker: Tracker) -> Run:
        return Run(tracker, self._requests)

    async def _ask(self, type: str, message: Mapping[str, Any]) -> ServerMessage:
        if self.state.status == "closed":
            raise self._closed()
        answer = await self._requests.ask(message).settled()
        if answer["type"] != type:
            raise StreamerError("INVALID_MESSAGE", f"The server answered {message['type']} with {answer['type']}.")
        return answer


def _is_reference(value: object) -> bool:
    """It comes from where a user kept it: anything may have happened to it."""
    if not isinstance(value, dict):
        return False
    id, after, frame, epoch = (value.get(name) for name in ("id", "after", "frame", "epoch"))
    return isinstance(id, str) and type(after) is int and isinstance(frame, str | None) and isinstance(epoch, str | None)

"""
The connection that is always meant to be there: dials, watches it end, waits, dials again, with a fresh token each
time. One loop decides; nothing else opens or replaces a connection.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from .connection import CLOSE_WAIT_MS, Connection, ConnectionEvents
from .errors import StreamerError
from .listeners import Listeners, subscribe, tell
from .options import Options, fresh
from .reconnect import after_end
from .wire import ServerMessage, Welcome


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionState:
    """`waiting`: between two attempts; `closed`: for good, by the user or given up with `error`."""

    status: Literal["connecting", "open", "waiting", "closed"]
    connection_id: str | None = None
    server_version: str | None = None
    failures: int = 0
    """In a row, while `waiting`; the next attempt is made in `retry_in_ms`."""
    retry_in_ms: float | None = None
    error: StreamerError | None = None


class SessionEvents(Protocol):
    def up(self, welcome: Welcome) -> None: ...

    def receive(self, message: ServerMessage) -> None: ...

    def stumble(self) -> None: ...

    def down(self) -> None: ...

    def end(self, error: StreamerError) -> None: ...


class Session(ConnectionEvents):
    def __init__(self, url: str, options: Options, events: SessionEvents) -> None:
        self.state = ConnectionState(status="connecting")
        self._url = url
        self._options = options
        self._events = events
        self._listeners: Listeners[ConnectionState] = {}
        self._connection: Connection | None = None
        self._failures = 0
        self._keeper: asyncio.Task[None] | None = None
        # Sockets whose close the other side has not confirmed; also what keeps their tasks from being collected.
        self._closing: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._keeper = asyncio.create_task(self._keep())

    def send(self, text: str) -> None:
        """Only while open."""
        if self._connection:
            self._connection.send(text)

    def on_state(self, listener: Callable[[ConnectionState], None]) -> Callable[[], None]:
        return subscribe(self._listeners, listener)

    def stop(self) -> None:
        if self.state.status == "closed" or not self._keeper:
            return
        self._become(ConnectionState(status="closed"))
        self._keeper.cancel()

    async def stopped(self) -> None:
        """Waits until the socket is closed, or long enough."""
        if self._keeper:
            await asyncio.wait([self._keeper])
        if self._closing:
            await asyncio.wait(self._closing, timeout=2 * CLOSE_WAIT_MS / 1_000)

    def welcomed(self, welcome: Welcome) -> None:
        self._failures = 0
        self._become(
            ConnectionState(
                status="open", connection_id=welcome["connection_id"], server_version=welcome["server_version"]
            )
        )
        self._events.up(welcome)

    def heard(self, message: ServerMessage) -> None:
        self._events.receive(message)

    def stumbled(self) -> None:
        self._events.stumble()

    async def _keep(self) -> None:
        while True:
            error = await self._connect()
            if self.state.status == "open":
                self._events.down()
            else:
                self._failures += 1
            verdict = after_end(error, self._failures, self._options)
            if isinstance(verdict, StreamerError):
                self._become(ConnectionState(status="closed", error=verdict))
                self._events.end(verdict)
                return
            self._become(
                ConnectionState(status="waiting", failures=self._failures, retry_in_ms=verdict, error=error)
            )
            await self._pause(verdict)
            self._become(ConnectionState(status="connecting"))

    async def _connect(self) -> StreamerError:
        try:
            token = await fresh(self._options.token)
        except Exception as cause:
            return StreamerError("CANNOT_CONNECT", f"No token could be had: {cause}")
        connection = self._connection = Connection(self._url, token, self._options, self)
        try:
            return await connection.live()
        finally:
            self._connection = None
            closing = asyncio.create_task(connection.closed())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def _pause(self, ms: float) -> None:
        over = asyncio.Event()
        call_off = self._options.clock.after(ms, over.set)
        try:
            await over.wait()
        finally:
            call_off()

    def _become(self, state: ConnectionState) -> None:
        self.state = state
        tell(self._listeners, state)

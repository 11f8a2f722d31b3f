"""
One dial: from opening a socket to its end, told once, whatever ended it. It is open when the server's `welcome` is in,
not when the socket is. A silent link is asked with `ping`, and given up when it does not answer: a half-open socket
never closes by itself. It knows nothing of requests and never dials twice.
"""

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, cast

import websockets
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from .errors import StreamerError, from_wire
from .frames import PING
from .options import Options
from .parts import PartJoiner
from .wire import ServerMessage, Welcome, WireError

CLOSE_WAIT_MS = 1_000
"""How long the server's side of a close may take."""

logger = logging.getLogger("streamer_client")

# What a header may hold: anything else is no JWT, and might be a second header.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")


class ConnectionEvents(Protocol):
    def welcomed(self, welcome: Welcome) -> None: ...

    def heard(self, message: ServerMessage) -> None: ...

    def stumbled(self) -> None:
        """Some frame was lost on its way to the server."""


class _Socket(Protocol):
    """What is used of a `websockets` connection: old and new ones have it alike."""

    async def send(self, message: str) -> None: ...

    async def recv(self) -> str | bytes: ...

    async def close(self) -> None: ...


# By name: old versions look it up when it is used, where no type checker follows.
_connect: Callable[..., Awaitable[_Socket]] = getattr(websockets, "connect")


class Connection:
    def __init__(self, url: str, token: str, options: Options, events: ConnectionEvents) -> None:
        self._url = url
        self._token = token
        self._options = options
        self._clock = options.clock
        self._events = events
        self._end: asyncio.Future[StreamerError] = asyncio.get_running_loop().create_future()
        self._outgoing: asyncio.Queue[str] = asyncio.Queue()
        self._parts = PartJoiner()
        self._heartbeat_ms: float | None = None
        self._heard_at = self._clock.monotonic()
        # The last thing the server said, when that was an error about no frame: why it is about to close.
        self._last_error: WireError | None = None
        self._stop_timer: Callable[[], None] = lambda: None
        self._carrier: asyncio.Task[None] | None = None

    async def live(self) -> StreamerError:
        """Dials, lasts until the link ends, and tells why: what the server said last, when that was why. Cancelling it ends the link from this side."""
        timeout_ms = self._options.connect_timeout_ms
        self._watch(timeout_ms, lambda: self._ended(f"{self._url} did not answer within {timeout_ms:.0f} ms."))
        self._carrier = asyncio.create_task(self._carry())
        try:
            return await self._end
        finally:
            # From here on nothing this socket does is heard.
            self._end.cancel()
            self._stop_timer()
            self._carrier.cancel()

    def send(self, text: str) -> None:
        self._outgoing.put_nowait(text)

    async def closed(self) -> None:
        """Waits until the socket is closed, after the end."""
        if self._carrier:
            await asyncio.wait([self._carrier])

    async def _carry(self) -> None:
        try:
            socket = await self._dial()
        except Exception as cause:
            self._ended(f"{self._url} could not be reached ({cause}).")
            return
        # An API gateway cannot speak first: the ping gives such a server a message to answer with its welcome.
        self.send(PING)
        sending = asyncio.create_task(self._send_on(socket))
        try:
            while True:
                self._hear(await socket.recv())
        except ConnectionClosed as closed:
            self._lost(closed)
        finally:
            sending.cancel()
            await socket.close()

    async def _dial(self) -> _Socket:
        if not _TOKEN.fullmatch(self._token):
            raise ValueError("the token is not a JWT")
        # The same way in as browsers, which cannot set headers; and old and new `websockets` name theirs differently.
        subprotocols = [Subprotocol("streamer.v1"), Subprotocol(f"bearer.{self._token}")]
        return await _connect(
            self._url,
            subprotocols=subprotocols,
            max_size=None,
            open_timeout=None,
            ping_interval=None,
            close_timeout=CLOSE_WAIT_MS / 1_000,
        )

    async def _send_on(self, socket: _Socket) -> None:
        try:
            while True:
                await socket.send(await self._outgoing.get())
        except ConnectionClosed:
            pass  # Whoever reads is told.

    def _ended(self, message: str) -> None:
        if not self._end.done():
            error = from_wire(self._last_error) if self._last_error else StreamerError("CANNOT_CONNECT", message)
            self._end.set_result(error)

    def _lost(self, closed: ConnectionClosed) -> None:
        code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (None, "")
        why = ", ".join(part for part in (reason, f"code {code}" if code else "") if part)
        url = self._url
        what = f"{url} could not be reached" if self._heartbeat_ms is None else f"The connection to {url} was lost"
        self._ended(f"{what}{f' ({why})' if why else ''}.")

    def _watch(self, in_ms: float, check: Callable[[], None]) -> None:
        self._stop_timer()
        self._stop_timer = self._clock.after(in_ms, check)

    def _listen_for_silence(self, heartbeat_ms: float) -> None:
        silent_ms = self._clock.monotonic() - self._heard_at
        if silent_ms < heartbeat_ms:
            self._watch(heartbeat_ms - silent_ms, lambda: self._listen_for_silence(heartbeat_ms))
        else:
            self._ask(heartbeat_ms)

    def _ask(self, heartbeat_ms: float) -> None:
        asked_at = self._clock.monotonic()

        def check() -> None:
            if self._heard_at >= asked_at:
                self._listen_for_silence(heartbeat_ms)
            else:
                silent_ms = self._clock.monotonic() - self._heard_at
                self._ended(f"{self._url} was silent for {silent_ms:.0f} ms; the connection is given up.")

        self.send(PING)
        self._watch(self._options.pong_timeout_ms, check)

    def _hear(self, data: str | bytes) -> None:
        if self._end.done() or not isinstance(data, str):
            return
        self._heard_at = self._clock.monotonic()
        try:
            self._receive(json.loads(data))
        except Exception:
            # What cannot be read, or lacks what its type promises, changes nothing: a newer server may say more.
            logger.debug("A frame was passed over.", exc_info=True)

    def _receive(self, message: Mapping[str, Any]) -> None:
        kind = message.get("type")
        if kind != "error":
            self._last_error = None
        if kind is None and "connectionId" in message:
            # No word of the server's: a gateway's own, which failed on some frame, or had too many, and does not say which.
            self._events.stumbled()
        elif kind == "part":
            whole = self._parts.join(cast(Any, message))
            if whole is not None:
                self._receive(json.loads(whole))
        elif kind == "error":
            if "request_id" not in message and "ref" not in message:
                self._last_error = message["error"]
            self._events.heard(cast(ServerMessage, message))
        elif kind == "welcome":
            heartbeat_ms = self._heartbeat_ms = message["heartbeat_ms"]
            self._watch(heartbeat_ms, lambda: self._listen_for_silence(heartbeat_ms))
            self._events.welcomed(cast(Welcome, message))
        else:
            self._events.heard(cast(ServerMessage, message))

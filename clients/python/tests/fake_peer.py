"""
A small server with dials, on a real WebSocket: what it says is up to the test, and it can stall, cut, and greet with
another epoch. It keeps what each connection said, so that a test can wait for it.
"""

import asyncio
import json
import unittest
from collections.abc import Callable
from typing import Any

import websockets

from streamer_client import Client, ConnectionState, Reconnect, RunEvent, StreamerError, connect

Frame = dict[str, Any]

WAIT_S = 20
DONE: Frame = {"type": "complete", "result": {"n": 1}, "metadata": {"attempts": 1, "queue_ms": 0, "run_ms": 1}}
ACK: Frame = {"type": "acknowledgment", "status": "queued", "message": ""}
SNAPSHOT: Frame = {"type": "snapshot", "action": "work", "attempt": 1, "created_at": 1}


class FakePeer:
    def __init__(self) -> None:
        self.heard: list[Frame] = []
        """Frames of all connections, in order, pings apart."""
        self.offered: list[str] = []
        """Subprotocols offered, per connection."""
        self.pings = 0
        self.epoch = "e1"
        self.heartbeat_ms = 60_000
        self.messages_per_second = 1_000
        self.message_bytes = 1_048_576
        self.stalled = False
        """Accept sockets and say nothing on them, not even welcome or pong."""
        self.refuse_with: Frame | None = None
        """Refuse each connection with this error."""
        self.on_frame: Callable[[Frame], None] = lambda frame: None
        self._sockets: set[Any] = set()
        self._changed = asyncio.Event()

    async def start(self) -> None:
        serve: Any = getattr(websockets, "serve")
        subprotocols = ["streamer.v1"]
        self._server = await serve(self._visited, "127.0.0.1", 0, subprotocols=subprotocols, close_timeout=0.1)
        self.url = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"

    async def stop(self) -> None:
        self.cut()
        self._server.close()
        await self._server.wait_closed()

    def say(self, frame: Frame) -> None:
        text = json.dumps({"timestamp": 1_000, **frame})
        for outgoing in self._sockets:
            outgoing[1].put_nowait(text)

    def cut(self) -> None:
        """Cuts every connection without a goodbye."""
        for socket, _ in self._sockets:
            socket.transport.abort()
        self._sockets.clear()

    def said(self, kind: str, **fields: Any) -> list[Frame]:
        wanted = {"type": kind, **fields}
        return [frame for frame in self.heard if wanted.items() <= {name: frame.get(name) for name in wanted}.items()]

    async def hear(self, kind: str, count: int = 1, **fields: Any) -> Frame:
        """The frame heard of this kind, waiting for it."""
        await self.until(lambda: len(self.said(kind, **fields)) >= count)
        return self.said(kind, **fields)[count - 1]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Waits until it holds, looked at after each frame and connection."""
        async with asyncio.timeout(WAIT_S):
            while not holds():
                self._changed.clear()
                await self._changed.wait()

    async def _visited(self, socket: Any) -> None:
        headers = socket.request_headers if hasattr(socket, "request_headers") else socket.request.headers
        self.offered.append(headers["Sec-WebSocket-Protocol"])
        if self.refuse_with:
            await socket.send(json.dumps({"type": "error", "timestamp": 1_000, "error": self.refuse_with}))
            await socket.close(1008, self.refuse_with["code"])
            return
        outgoing: asyncio.Queue[str] = asyncio.Queue()
        visit = (socket, outgoing)
        self._sockets.add(visit)
        saying = asyncio.create_task(self._say_on(socket, outgoing))
        if not self.stalled:
            outgoing.put_nowait(json.dumps(self._welcome()))
        self._changed.set()
        try:
            while True:
                self._hear(json.loads(await socket.recv()), outgoing)
        except websockets.exceptions.ConnectionClosed:
            pass
        finally:
            saying.cancel()
            self._sockets.discard(visit)
            self._changed.set()

    async def _say_on(self, socket: Any, outgoing: "asyncio.Queue[str]") -> None:
        while True:
            await socket.send(await outgoing.get())

    def _hear(self, frame: Frame, outgoing: "asyncio.Queue[str]") -> None:
        if frame["type"] == "ping":
            self.pings += 1
            if not self.stalled:
                outgoing.put_nowait(json.dumps({"type": "pong", "timestamp": 1_000}))
        else:
            self.heard.append(frame)
            self.on_frame(frame)
        self._changed.set()

    def _welcome(self) -> Frame:
        return {
            "type": "welcome",
            "timestamp": 1_000,
            "connection_id": f"c{len(self.offered)}",
            "epoch": self.epoch,
            "protocol": "streamer.v1",
            "server_version": "0.0.0",
            "heartbeat_ms": self.heartbeat_ms,
            "limits": {
                "message_bytes": self.message_bytes,
                "depth": 32,
                "messages_per_second": self.messages_per_second,
            },
        }


class PeerCase(unittest.IsolatedAsyncioTestCase):
    """Tests with a peer, and clients that are closed in the end."""

    async def asyncSetUp(self) -> None:
        self.peer = FakePeer()
        await self.peer.start()
        self.addAsyncCleanup(self.peer.stop)

    def open(self, **options: Any) -> Client:
        chosen: Any = {"token": "t0", "reconnect": Reconnect(base_ms=1, cap_ms=5), **options}
        client = connect(self.peer.url, **chosen)
        self.addAsyncCleanup(client.close)
        return client

    async def assert_fails(self, waiting: Any, code: str) -> StreamerError:
        with self.assertRaises(StreamerError) as caught:
            await waiting
        self.assertEqual(caught.exception.code, code)
        return caught.exception


async def becomes(client: Client, status: str) -> ConnectionState:
    arrived: asyncio.Future[ConnectionState] = asyncio.get_running_loop().create_future()

    def look(state: ConnectionState) -> None:
        if state.status == status and not arrived.done():
            arrived.set_result(state)

    end = client.on_state(look)
    look(client.state)
    try:
        async with asyncio.timeout(WAIT_S):
            return await arrived
    finally:
        end()


def collect(values: Any) -> "asyncio.Task[list[Any]]":
    async def collected() -> list[Any]:
        return [value async for value in values]

    return asyncio.create_task(collected())


def seq(event: RunEvent) -> int:
    return 0 if event["type"] == "response" else event.get("seq", 0)

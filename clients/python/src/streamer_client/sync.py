"""
The client without an event loop: the same names, and calls that wait. Each client has a thread with a loop of its own,
where everything happens; what waits here can be interrupted: after a KeyboardInterrupt nothing is lost, and the same
iterator, run or client goes on.

>>> with connect("ws://localhost:8080", token=token) as client:
...     run = client.request("resize_images", {"album": "a1", "width": 640})
...     for progress in run.progress:
...         print(progress.percentage)
...     result = run.result()
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from functools import wraps
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar

from . import client as asynchronous
from .eta import Eta
from .loop_thread import LoopThread, Steps
from .run import Run as AsyncRun
from .session import ConnectionState
from .state import Progress, RunState
from .tracker import CancellationReceipt
from .wire import ENDS, RunEvent, RunReference

__all__ = ["Client", "Run", "connect"]

P = ParamSpec("P")
T = TypeVar("T")


class Run:
    """The handle of one request."""

    def __init__(self, loop: LoopThread, run: AsyncRun) -> None:
        self._loop = loop
        self._run = run

    @property
    def id(self) -> str:
        """The request's id; another one after an idempotency key turned out to be taken by an earlier request."""
        return self._run.id

    @property
    def state(self) -> RunState:
        """What is known now: status, newest progress, ETA, why it waits. Another object after every change."""
        return self._run.state

    def remaining(self) -> Eta | None:
        """
        What is left now: `state.eta`, counted down since it was told. While the request waits, never less than the run
        itself is expected to take. None when nothing was told.
        """
        return self._run.remaining()

    def accepted(self, timeout_s: float | None = None) -> None:
        """Returns once the request is durable, or answered; raises when it was refused, TimeoutError when it takes longer."""
        self._loop.run(self._waited(self._run.accepted()), timeout_s)

    def result(self, timeout_s: float | None = None) -> Any:
        """The result, or a StreamerError; TimeoutError when it takes longer: the request goes on."""
        state = self.state
        if state.status in ENDS and state.error:
            raise state.error
        if state.status == "COMPLETED":
            return state.result
        return self._loop.run(self._waited(self._run.result()), timeout_s)

    @property
    def progress(self) -> Iterator[Progress]:
        """The newest progress whenever it is asked for; ends with the request, without raising."""
        return self._steps(aiter(self._run.progress))

    def partials(self, stream: str) -> Iterator[Any]:
        """
        What the handler sends under `stream`, in order, from this call on: call it before the first call that waits
        for this run to miss nothing.
        """
        return self._steps(self._loop.call(lambda: self._run.partials(stream)))

    @property
    def events(self) -> Iterator[RunEvent]:
        """Every event as it travels, in order, from this access on. Each access is for one reader."""
        return self._steps(self._loop.call(lambda: self._run.events))

    def cancel(self, reason: str | None = None, timeout_s: float | None = None) -> CancellationReceipt:
        """Asks for cancellation and waits for how that ended; TimeoutError when it takes longer: it was asked for."""

        async def cancelled() -> CancellationReceipt:
            return await self._run.cancel(reason)

        return self._loop.run(self._waited(cancelled()), timeout_s)

    def detach(self) -> None:
        """This handle is done with; the request goes on at the server."""
        self._loop.call(self._run.detach)

    def to_json(self) -> RunReference:
        """What `client.attach` goes on from, in another process or on another device: `json.dumps` it and keep it."""
        return self._loop.call(self._run.to_json)

    def _steps(self, iterator: AsyncIterator[T]) -> Iterator[T]:
        return Steps(self._loop, lambda: self._waited(anext(iterator)))

    async def _waited(self, work: Awaitable[T]) -> T:
        # Here the caller waits, as an async one does at its first await: what it has not asked for is not kept for it.
        self._run._tracker.let_go()
        return await work


def following(
    method: Callable[Concatenate[asynchronous.Client, P], AsyncRun],
) -> Callable[Concatenate["Client", P], Run]:
    @wraps(method)
    def follow(client: "Client", /, *args: P.args, **kwargs: P.kwargs) -> Run:
        def begin() -> AsyncRun:
            run = method(client._client, *args, **kwargs)
            run._tracker.hold()
            return run

        return Run(client._loop, client._loop.call(begin))

    return follow


def waiting(
    method: Callable[Concatenate[asynchronous.Client, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate["Client", P], T]:
    @wraps(method)
    def waits(client: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return client._loop.run(method(client._client, *args, **kwargs))

    return waits


class Client:
    """Made by `connect`. Threads may share it."""

    def __init__(self, loop: LoopThread, client: asynchronous.Client) -> None:
        self._loop = loop
        self._client = client

    request = following(asynchronous.Client.request)
    attach = following(asynchronous.Client.attach)
    retry = following(asynchronous.Client.retry)
    get = waiting(asynchronous.Client.get)
    list = waiting(asynchronous.Client.list)
    actions = waiting(asynchronous.Client.actions)

    @property
    def state(self) -> ConnectionState:
        return self._client.state

    def close(self) -> None:
        """Ends the connection. Requests go on at the server; runs that have not ended raise CLIENT_CLOSED."""
        if self._loop.is_stopped:
            return
        try:
            self._loop.run(self._client.close())
        finally:
            self._loop.stop()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def connecting(connect: Callable[P, asynchronous.Client]) -> Callable[P, Client]:
    @wraps(connect)
    def connected(*args: P.args, **kwargs: P.kwargs) -> Client:
        loop = LoopThread()
        try:
            return Client(loop, loop.call(lambda: connect(*args, **kwargs)))
        except BaseException:
            loop.stop()
            raise

    return connected


connect = connecting(asynchronous.connect)

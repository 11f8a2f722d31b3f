"""The handle of one request, as users hold it."""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Generator
from typing import Any

from .eta import Eta, remaining
from .promise import Promise
from .requests import Requests
from .state import Progress, RunState
from .tracker import CancellationReceipt, Tracker
from .wire import RunEvent, RunReference


class Receipt(Awaitable[CancellationReceipt]):
    """Await it to know how a cancellation ended; it was asked for already."""

    def __init__(self, promise: Promise[CancellationReceipt]) -> None:
        self._promise = promise

    def __await__(self) -> Generator[Any, None, CancellationReceipt]:
        return self._promise.settled().__await__()


class Run:
    """`await run`, or `await run.result()`, gives the result or raises a `StreamerError`. Not awaiting it is fine."""

    def __init__(self, tracker: Tracker, requests: Requests) -> None:
        self._tracker = tracker
        self._requests = requests
        self._is_held = True
        tracker.handles += 1

    @property
    def id(self) -> str:
        """The request's id; another one after an idempotency key turned out to be taken by an earlier request."""
        return self._tracker.id

    @property
    def state(self) -> RunState:
        """What is known now: status, newest progress, ETA, why it waits. Another object after every change."""
        return self._tracker.state

    def on_state(self, listener: Callable[[RunState], None]) -> Callable[[], None]:
        """Calls `listener` after each change of `state`. Returns a function that unsubscribes."""
        return self._tracker.on_state(listener)

    def remaining(self) -> Eta | None:
        """
        What is left now: `state.eta`, counted down since it was told. While the request waits, never less than the run
        itself is expected to take. None when nothing was told.
        """
        return remaining(self.state, self._requests.now())

    async def accepted(self) -> None:
        """Returns once the request is durable, or answered; raises when it was refused."""
        await self._tracker.accepted.settled()

    async def result(self) -> Any:
        """Cancelling the wait for it leaves the request alone; `cancel` is what ends it."""
        return await self._tracker.result.settled()

    def __await__(self) -> Generator[Any, None, Any]:
        return self.result().__await__()

    @property
    def progress(self) -> AsyncIterable[Progress]:
        """
        The newest progress whenever it is asked for: a slow reader skips what was overtaken. Lasts over reconnects and
        ends with the request, without raising: `result` tells how it ended.
        """
        return self._tracker.progress

    def partials(self, stream: str) -> AsyncIterator[Any]:
        """
        What the handler sends under `stream`, in order, from this call on: call it before the first `await` after
        `request` to miss nothing.
        """
        return self._tracker.partials(stream)

    @property
    def events(self) -> AsyncIterator[RunEvent]:
        """Every event as it travels, in order, from this access on. Each access is for one reader."""
        return self._tracker.events()

    def cancel(self, reason: str | None = None) -> Receipt:
        """Asks for cancellation, at once; awaiting the answer tells how that ended."""
        return Receipt(self._requests.cancel(self._tracker, reason))

    def detach(self) -> None:
        """
        This handle is done with: with the last handle of a request the client stops following it, a second later, and
        what still waits for it raises DETACHED. The request goes on at the server.
        """
        if self._is_held:
            self._requests.detach(self._tracker)
        self._is_held = False

    def to_json(self) -> RunReference:
        """What `client.attach` goes on from, in another process or on another device: `json.dumps` it and keep it."""
        return self._tracker.reference

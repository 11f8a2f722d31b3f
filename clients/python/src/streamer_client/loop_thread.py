"""An event loop in a thread of its own, and waits for it that can be interrupted."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent import futures
from threading import Event, Lock, Thread
from typing import Any, TypeVar

from .errors import StreamerError

T = TypeVar("T")

STEP_S = 1.0
"""Waits are made of steps: on Windows one without end could not be interrupted."""


class LoopThread:
    """It does not keep the program from ending."""

    def __init__(self) -> None:
        self.is_stopped = False
        self._is_ready = Event()
        # What was begun before the stop is in the loop before it.
        self._order = Lock()
        self._thread = Thread(target=lambda: asyncio.run(self._live()), name="streamer-client", daemon=True)
        self._thread.start()
        self._is_ready.wait()

    def begin(self, work: Coroutine[Any, Any, T]) -> "futures.Future[T]":
        with self._order:
            if not self.is_stopped:
                return asyncio.run_coroutine_threadsafe(work, self._loop)
        work.close()
        raise closed()

    def run(self, work: Coroutine[Any, Any, T], timeout_s: float | None = None) -> T:
        """Waits for it; gives it up when the wait is."""
        future = self.begin(work)
        try:
            return wait(future, timeout_s)
        finally:
            future.cancel()

    def call(self, function: Callable[[], T]) -> T:
        async def called() -> T:
            return function()

        return self.run(called())

    def stop(self) -> None:
        with self._order:
            self.is_stopped = True
            self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._is_ready.set()
        await self._over.wait()


class Steps(Iterator[T]):
    """An async iterator's, one at a time. A step that was interrupted while it waited is the next one's: nothing is lost."""

    def __init__(self, loop: LoopThread, step: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._loop = loop
        self._step = step
        self._begun: futures.Future[T] | None = None

    def __next__(self) -> T:
        if self._begun is None:
            self._begun = self._loop.begin(self._step())
        try:
            value = wait(self._begun)
        except StopAsyncIteration:
            raise StopIteration from None
        self._begun = None
        return value


def wait(future: "futures.Future[T]", timeout_s: float | None = None) -> T:
    until = None if timeout_s is None else time.monotonic() + timeout_s
    while not future.done():
        left_s = STEP_S if until is None else min(STEP_S, until - time.monotonic())
        if left_s <= 0:
            raise TimeoutError(f"It takes longer than {timeout_s} s.")
        futures.wait([future], left_s)
    try:
        return future.result()
    except futures.CancelledError:
        raise closed() from None


def closed() -> StreamerError:
    return StreamerError("CLIENT_CLOSED", "The client was closed.")

"""
The two kinds of async iterables a run offers. `Latest` keeps one value and gives a slow reader the newest; a
`Recording` keeps everything from its creation on, for one reader. A step that is cancelled takes nothing with it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Generic, TypeVar

from .wire import RunEvent

T = TypeVar("T")


class Latest(Generic[T]):
    def __init__(self) -> None:
        self._newest: tuple[int, T] | None = None
        self._ended = False
        self._changed = asyncio.Event()

    def push(self, value: T) -> None:
        self._newest = (self._newest[0] + 1 if self._newest else 1, value)
        self._wake()

    def end(self) -> None:
        self._ended = True
        self._wake()

    async def after(self, seen: int) -> tuple[int, T]:
        """The newest value once there have been more than `seen`, and how many there have been."""
        while self._newest is None or self._newest[0] <= seen:
            if self._ended:
                raise StopAsyncIteration
            await self._changed.wait()
        return self._newest

    def __aiter__(self) -> AsyncIterator[T]:
        return _LatestReader(self)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class _LatestReader(AsyncIterator[T]):
    def __init__(self, latest: Latest[T]) -> None:
        self._latest = latest
        self._seen = 0

    async def __anext__(self) -> T:
        self._seen, value = await self._latest.after(self._seen)
        return value


class Recording(AsyncIterator[T]):
    """`pick` says what of an event belongs in it; `early` is what was there before."""

    def __init__(self, pick: Callable[[RunEvent], tuple[T, ...]], early: Iterable[RunEvent]) -> None:
        self._pick = pick
        self._unread = deque(value for event in early for value in pick(event))
        self._ended = False
        self._changed = asyncio.Event()

    def hear(self, event: RunEvent) -> None:
        self._unread.extend(self._pick(event))
        self._changed.set()

    def end(self) -> None:
        self._ended = True
        self._changed.set()

    async def __anext__(self) -> T:
        while not self._unread:
            if self._ended:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        return self._unread.popleft()

"""Time that moves when the test says so."""

import asyncio
from collections.abc import Callable


class ManualClock:
    def __init__(self) -> None:
        self._now = 0.0
        self._timers: dict[object, tuple[float, Callable[[], None]]] = {}
        self._set = asyncio.Event()

    def monotonic(self) -> float:
        return self._now

    def after(self, ms: float, call: Callable[[], None]) -> Callable[[], None]:
        key = object()
        self._timers[key] = (self._now + ms, call)
        self._set.set()
        return lambda: self._timers.pop(key, None) and None

    @property
    def pending(self) -> list[float]:
        """Waits of timers that are set, shortest first."""
        return sorted(at - self._now for at, _ in self._timers.values())

    async def waits(self, ms: float) -> None:
        """Until a timer is set that is due in so long."""
        async with asyncio.timeout(20):
            while ms not in self.pending:
                self._set.clear()
                await self._set.wait()

    def advance(self, ms: float) -> None:
        end = self._now + ms
        while due := sorted((at, id(key), key) for key, (at, _) in self._timers.items() if at <= end):
            at, _, key = due[0]
            _, call = self._timers.pop(key)
            self._now = max(self._now, at)
            call()
        self._now = end

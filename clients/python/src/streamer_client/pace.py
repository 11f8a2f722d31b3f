"""When to say what could not be said at once. What was planned on one connection is not done on the next."""

from collections.abc import Callable, Sequence

from .errors import StreamerError
from .options import Clock

DEFAULT_WAIT_MS = 1_000
STUMBLE_BASE_MS = 500
"""The first wait after a stumble is up to this, and no later one is longer than the cap."""
STUMBLE_CAP_MS = 15_000


def is_passing(error: StreamerError) -> bool:
    """A refusal that speaks of the moment and not of what was asked."""
    return error.code in ("SERVICE_UNAVAILABLE", "RATE_LIMITED", "STORAGE_ERROR")


class Pace:
    def __init__(self, clock: Clock, random: Callable[[], float]) -> None:
        self._clock = clock
        self._random = random
        self._stumbles = 0
        self._is_stumbling = False
        self._plans: dict[object, Callable[[], None]] = {}

    def reset(self) -> None:
        """Another connection, or none: all plans are off."""
        self._is_stumbling = False
        self._stumbles = 0
        for call_off in self._plans.values():
            call_off()
        self._plans.clear()

    def later(self, refusal: StreamerError, again: Callable[[], None]) -> None:
        """Says it again when a passing refusal allows, in its own time or in a second."""
        retry = refusal.retry or {"retryable": True}
        self._plan(retry.get("after_ms", DEFAULT_WAIT_MS), again)

    def stumble(self, again: Callable[[], None]) -> None:
        """Says again what may have been lost: after a random time that doubles with each call until `calm`."""
        if self._is_stumbling:
            return
        self._is_stumbling = True

        def over() -> None:
            self._is_stumbling = False
            again()

        # Doubling stops long past the cap, before it can overflow.
        self._plan(self._random() * min(STUMBLE_CAP_MS, STUMBLE_BASE_MS * 2 ** min(self._stumbles, 30)), over)
        self._stumbles += 1

    def calm(self) -> None:
        self._stumbles = 0

    def spread(self, says: Sequence[Callable[[], None]], per_second: int) -> None:
        """A client with thousands of requests comes back at the pace the server allows, or it would be refused for it."""
        for say in says[:per_second]:
            say()
        if len(says) > per_second:
            self._plan(1_000, lambda: self.spread(says[per_second:], per_second))

    def _plan(self, ms: float, call: Callable[[], None]) -> None:
        key = object()

        def due() -> None:
            del self._plans[key]
            call()

        self._plans[key] = self._clock.after(ms, due)

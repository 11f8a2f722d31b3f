"""
What is left of a request, now. What was told counts down from the moment it was told; but while the request has not
begun, the run itself is still to come, however long the wait was: then there is never less left than it takes. Pure.
"""

from dataclasses import dataclass
from typing import Protocol

from .wire import RequestStatus


@dataclass(frozen=True, slots=True)
class Eta:
    """When it should be done: half of such runs are within `p50_ms`, nine in ten within `p90_ms`."""

    p50_ms: float
    p90_ms: float


class Told(Protocol):
    """Of a RunState, what this reads."""

    @property
    def status(self) -> RequestStatus: ...

    @property
    def eta(self) -> Eta | None: ...

    @property
    def told_at(self) -> int | None: ...

    @property
    def estimated_ms(self) -> float | None: ...


def remaining(state: Told, now: float) -> Eta | None:
    """`now`: epoch ms, by the server's clock."""
    eta = state.eta
    if eta is None:
        return None
    gone = max(0, now - (state.told_at or 0))
    least = 0 if state.status == "PROCESSING" else state.estimated_ms or 0
    p50_ms = max(eta.p50_ms - gone, least)
    # The run spreads as all of it does: nobody was told more.
    spread = eta.p90_ms / eta.p50_ms if eta.p50_ms > 0 else 1
    return Eta(p50_ms, max(eta.p90_ms - gone, least * spread, p50_ms))

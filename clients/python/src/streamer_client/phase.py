"""
Where following a request stands. What the request does at the server is its RunState; this is how much of it this
client has heard, and what is to be said on the next connection.

  Unsent --send--> Sent <-+                the frame is said again on each connection until it is answered (P4)
     |              |     | send
     |              +-----+
     +------+-------+
            | hear, snapshot
            v
 Attached -----> Live <-+                  subscribed after the last seq seen (P6)
     |            |     | hear, snapshot
     |            +-----+
     +------+-----+  ^
            | enter  | snapshot
            v        |
         Astray -----+                     the seq seen is of another store: only a snapshot counts

  any of them --end--> Over                settled, refused, or followed no more: nothing leads out

`enter` leads to Astray when the connection is to another store; else it changes no phase. Pure. The table of every
phase and input is in tests/test_phase.py.
"""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from .wire import ENDS, RequestStatus, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    frame: str
    seq: int = 0
    """The last seq seen."""
    epoch: str | None = None
    """The store that seq is of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    frame: str
    times: int
    """How often it was put on a socket."""
    seq: int = 0
    epoch: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """Known from elsewhere; the server has not said anything of it here."""

    seq: int = 0
    epoch: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    seq: int
    horizon: int
    """The newest seq when this client came: a terminal event below it was not the end, it was redriven since."""
    epoch: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Astray:
    epoch: str
    seq: int = 0


Going: TypeAlias = Unsent | Sent | Attached | Live | Astray


@dataclass(frozen=True, slots=True)
class Over:
    going: Going
    """What it would go on from elsewhere."""


Phase: TypeAlias = Going | Over


def send(phase: Phase) -> Phase:
    """Its frame was put on a socket."""
    if isinstance(phase, (Unsent, Sent)):
        times = phase.times + 1 if isinstance(phase, Sent) else 1
        return Sent(frame=phase.frame, times=times, epoch=phase.epoch)
    return phase


def enter(phase: Phase, epoch: str) -> Phase:
    """There is a connection to this store."""
    if isinstance(phase, Over):
        return phase
    # What was never stored can go to any store.
    if isinstance(phase, (Unsent, Sent)) or phase.epoch in (None, epoch):
        return replace(phase, epoch=epoch)
    return Astray(epoch=epoch)


def hear(phase: Phase, seq: int | None = None) -> Phase:
    """The server knows of it; with an event that `is_news`, by its seq."""
    if isinstance(phase, (Astray, Over)):
        return phase
    horizon = phase.horizon if isinstance(phase, Live) else 0
    return Live(seq=phase.seq if seq is None else seq, horizon=horizon, epoch=phase.epoch)


def snapshot(phase: Phase, seq: int, horizon: int) -> Phase:
    """A snapshot to go on from: after `seq`, of `horizon` that there are."""
    return phase if isinstance(phase, Over) else Live(seq=seq, horizon=horizon, epoch=phase.epoch)


def end(phase: Phase) -> Phase:
    return phase if isinstance(phase, Over) else Over(phase)


def is_news(phase: Phase, seq: int | None) -> bool:
    """Other events are dropped, so that a replay repeats nothing (P5, P6). Answers have no seq."""
    if isinstance(phase, Over):
        return False
    return seq is None or (not isinstance(phase, Astray) and seq > phase.seq)


def reading(phase: Going, known: RequestStatus, told: Snapshot) -> Literal["wait", "glance", "take"]:
    """
    How a snapshot is read. `wait`: what is missing follows event by event, and tells more than a snapshot does. `glance`:
    the same, but what was seen elsewhere is not told again, so that it is shown meanwhile. `take`: it is all there is.
    """
    if not told["recovered"] or isinstance(phase, Astray):
        return "take"
    if told["seq"] > phase.seq:
        return "glance" if isinstance(phase, Attached) and phase.seq > 0 and told["status"] not in ENDS else "wait"
    return "wait" if isinstance(phase, Live) and told["seq"] == phase.seq and told["status"] == known else "take"

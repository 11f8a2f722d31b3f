"""
One followed request, as its frames come in: what was seen last, and everyone here who waits for something of it.
Frames at or below the last seq are dropped, so that a replay repeats nothing (P5, P6). No I/O.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar
from weakref import WeakSet

from .errors import StreamerError
from .listeners import Listeners, subscribe, tell
from .promise import Promise
from .state import Progress, RunState, advance, failed, from_snapshot
from .streams import Latest, Recording
from .wire import ENDS, RunEvent, RunReference, Snapshot

T = TypeVar("T")

BEYOND = 2**53 - 1
"""A cursor past any store's: what comes back is the snapshot alone."""


@dataclass(frozen=True, slots=True)
class CancellationReceipt:
    """How a cancellation ended (P8)."""

    stage: Literal["stopped", "too_late"]
    """`too_late` when the request ended by itself first."""
    observed: bool
    """The handler saw it and stopped by itself."""


@dataclass(slots=True)
class Cancelling:
    reason: str | None
    ref: str
    receipt: Promise[CancellationReceipt]
    too_early: bool = False
    """It overtook the request: to be said again once the request is known."""


class TrackerEvents(Protocol):
    def accepted(self, tracker: "Tracker", frame: str) -> None:
        """The server has answered the frame."""

    def ended(self, tracker: "Tracker") -> None: ...


class Tracker:
    def __init__(
        self,
        id: str,
        listener: TrackerEvents,
        *,
        frame: str | None = None,
        redrives: bool = False,
        after: int = 0,
        epoch: str | None = None,
    ) -> None:
        self.id = id
        self.frame = frame
        """The frame that is sent until the server has answered it; None once it has."""
        self.redrives = redrives
        """The frame asks for a failed request to be run again."""
        self.sends = 0
        """Times the frame was put on a socket."""
        self.handles = 0
        """Handles that users hold."""
        self.is_over = False
        self.cancelling: Cancelling | None = None
        """Cancellation that was asked for here."""
        self.accepted: Promise[None] = Promise()
        self.result: Promise[Any] = Promise()
        self.progress: Latest[Progress] = Latest()
        self.state = RunState()
        self._listener = listener
        self._seq = after
        self._epoch = epoch
        # The newest seq when this client came: a terminal event below it was not the end, the request was redriven since.
        self._horizon = 0
        # The cursor is of another store: only a snapshot counts.
        self._is_astray = False
        self._is_observed = False
        # Weak: a reader that left its loop is gone.
        self._recordings: WeakSet[Recording[Any]] = WeakSet()
        self._held: list[RunEvent] | None = None
        self._state_listeners: Listeners[RunState] = {}

    @property
    def cursor(self) -> int:
        """Where to go on from."""
        return BEYOND if self._is_astray else self._seq

    @property
    def reference(self) -> RunReference:
        reference: RunReference = {"id": self.id, "after": 0 if self._is_astray else self._seq}
        if self._epoch is not None:
            reference["epoch"] = self._epoch
        if self.frame is not None:
            reference["frame"] = self.frame
        return reference

    @property
    def receipt(self) -> CancellationReceipt:
        """The receipt when it has ended already."""
        stopped = self.state.status == "CANCELLED"
        return CancellationReceipt("stopped" if stopped else "too_late", self._is_observed)

    def on_state(self, listener: Callable[[RunState], None]) -> Callable[[], None]:
        return subscribe(self._state_listeners, listener)

    def enter(self, epoch: str) -> None:
        """A connection to this store: of another one, what was seen says nothing about what it holds."""
        if self._epoch is not None and self._epoch != epoch and self.frame is None:
            self._is_astray = True
        self._epoch = epoch

    def apply(self, event: RunEvent) -> None:
        if self.is_over:
            return
        seq = None if event["type"] == "response" else event.get("seq")
        if seq is not None:
            if self._is_astray or seq <= self._seq:
                return
            self._seq = seq
        if event["type"] == "cancellation":
            self._is_observed = self._is_observed or event["stage"] == "observed"
        closes = event["type"] in ("error", "complete") and (seq or 0) >= self._horizon
        self._become(advance(self.state, event, closes))
        self.accept()
        self._tell(event)
        # Too late for a cancellation, perhaps because an earlier asking was heard: only the end tells, and it follows.
        if event["type"] == "response" or closes:
            self._settle()

    def snapshot(self, snapshot: Snapshot) -> None:
        if self.is_over:
            return
        self.id = snapshot["request_id"]
        self._horizon = snapshot["seq"]
        known = self.state
        goes_on = snapshot["recovered"] and not self._is_astray
        is_missing = snapshot["seq"] > self._seq
        is_as_known = known.acknowledged and snapshot["seq"] == self._seq and snapshot["status"] == known.status
        self.accept()
        # What is missing follows event by event, and tells more than a snapshot does: why it waits, when it will be done.
        if goes_on and (is_missing or is_as_known):
            # But not again what was seen elsewhere, before this handle.
            if self._seq > 0 and not known.acknowledged and snapshot["status"] not in ENDS:
                self._show(snapshot)
            return
        self._is_astray = False
        self._seq = snapshot["seq"]
        self._show(snapshot)
        if self.state.status in ENDS:
            self._settle()

    def _show(self, snapshot: Snapshot) -> None:
        self._become(from_snapshot(snapshot))
        if self.state.progress:
            self.progress.push(self.state.progress)

    def fail(self, error: StreamerError) -> None:
        if self.is_over:
            return
        self._become(failed(self.state, error))
        self._settle()

    def leave(self) -> None:
        """Nobody here follows it any more; what is known stays as it is."""
        if self.is_over:
            return
        problem = f'Request "{self.id}" is not followed here any more; it goes on at the server. Attach to it to follow it again.'
        self._end(StreamerError("DETACHED", problem, self.id))

    def events(self) -> Recording[RunEvent]:
        return self._record(Recording(lambda event: (event,), self._held or ()))

    def partials(self, stream: str) -> Recording[Any]:
        def pick(event: RunEvent) -> tuple[Any, ...]:
            return (event["data"],) if event["type"] == "partial" and event["stream"] == stream else ()

        return self._record(Recording(pick, self._held or ()))

    def hold(self) -> None:
        """From here on recordings begin here, until `let_go`: for a reader in another thread, who cannot come in time."""
        self._held = []

    def let_go(self) -> None:
        self._held = None

    def accept(self) -> None:
        """The frame needs no more sending."""
        frame, self.frame = self.frame, None
        self.accepted.resolve(None)
        if frame is not None:
            self._listener.accepted(self, frame)

    def _record(self, recording: Recording[T]) -> Recording[T]:
        if self.is_over:
            recording.end()
        else:
            self._recordings.add(recording)
        return recording

    def _become(self, state: RunState) -> None:
        self.state = state
        tell(self._state_listeners, state)

    def _tell(self, event: RunEvent) -> None:
        if self._held is not None:
            self._held.append(event)
        for recording in tuple(self._recordings):
            recording.hear(event)
        if event["type"] == "progress" and self.state.progress:
            self.progress.push(self.state.progress)

    def _settle(self) -> None:
        status, error = self.state.status, self.state.error
        if status == "COMPLETED":
            self._end(None)
        else:
            problem = f'Request "{self.id}" is {status}; the server gave no reason.'
            self._end(error or StreamerError("INTERNAL_ERROR", problem, self.id))

    def _end(self, error: StreamerError | None) -> None:
        self.is_over = True
        if error:
            self.accepted.reject(error)
            self.result.reject(error)
        else:
            self.result.resolve(self.state.result)
        self.progress.end()
        for recording in tuple(self._recordings):
            recording.end()
        if self.cancelling:
            if error and error.code == "DETACHED":
                self.cancelling.receipt.reject(error)
            else:
                self.cancelling.receipt.resolve(self.receipt)
        self._listener.ended(self)

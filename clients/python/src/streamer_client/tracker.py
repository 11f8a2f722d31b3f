"""
One followed request, as its frames come in: its phase (phase.py), what is known of it, and everyone here who waits for
something of it. No I/O.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar
from weakref import WeakSet

from .errors import StreamerError
from .listeners import Listeners, subscribe, tell
from .phase import Astray, Going, Live, Over, Phase, Sent, Unsent, end, hear, is_news, reading, snapshot
from .promise import Promise
from .state import Progress, RunState, advance, failed, from_snapshot
from .streams import Latest, Recording
from .wire import ENDS, CancellationStage, RunEvent, RunReference, Snapshot

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
    standing: Literal["said", "early"] = "said"
    """`early`: it overtook the request, and is said again once the request is known."""


class TrackerEvents(Protocol):
    def accepted(self, tracker: "Tracker", frame: str) -> None:
        """The server has answered the frame."""

    def ended(self, tracker: "Tracker", frame: str | None) -> None:
        """With the frame, if it was never answered."""


class Tracker:
    def __init__(
        self,
        id: str,
        phase: Going,
        listener: TrackerEvents,
    ) -> None:
        self.id = id
        self.phase: Phase = phase
        self.handles = 0
        """Handles that users hold."""
        self.cancelling: Cancelling | None = None
        """Cancellation that was asked for here."""
        self.accepted: Promise[None] = Promise()
        self.result: Promise[Any] = Promise()
        self.progress: Latest[Progress] = Latest()
        self.state = RunState()
        self._listener = listener
        # Receipts heard, whoever asked for them.
        self._receipts: set[CancellationStage] = set()
        # Weak: a reader that left its loop is gone.
        self._recordings: WeakSet[Recording[Any]] = WeakSet()
        self._held: list[RunEvent] | None = None
        self._state_listeners: Listeners[RunState] = {}

    @property
    def is_over(self) -> bool:
        return isinstance(self.phase, Over)

    @property
    def frame(self) -> str | None:
        """What is sent until the server has answered it; None once it has."""
        return self.phase.frame if isinstance(self.phase, (Unsent, Sent)) else None

    @property
    def cursor(self) -> int:
        """Where to go on from."""
        return BEYOND if isinstance(self.phase, (Astray, Over)) else self.phase.seq

    @property
    def is_behind(self) -> bool:
        """What was there when this client came has not been told to its end."""
        return isinstance(self.phase, Live) and self.phase.seq < self.phase.horizon

    @property
    def reference(self) -> RunReference:
        going = self.phase.going if isinstance(self.phase, Over) else self.phase
        reference: RunReference = {"id": self.id, "after": going.seq}
        if going.epoch is not None:
            reference["epoch"] = going.epoch
        if isinstance(going, (Unsent, Sent)):
            reference["frame"] = going.frame
        return reference

    @property
    def receipt(self) -> CancellationReceipt:
        """The receipt when it has ended already."""
        stopped = self.state.status == "CANCELLED"
        return CancellationReceipt("stopped" if stopped else "too_late", "observed" in self._receipts)

    def on_state(self, listener: Callable[[RunState], None]) -> Callable[[], None]:
        return subscribe(self._state_listeners, listener)

    def move(self, phase: Phase) -> None:
        """Where it stands now, by a step of phase.py."""
        frame = self.frame
        self.phase = phase
        if isinstance(phase, Live) and frame is not None:
            self._listener.accepted(self, frame)

    def heard(self, seq: int | None = None) -> None:
        """The server knows of it."""
        self.move(hear(self.phase, seq))
        self.accepted.resolve(None)

    def apply(self, event: RunEvent) -> None:
        seq = None if event["type"] == "response" else event.get("seq")
        if not is_news(self.phase, seq):
            return
        if event["type"] == "cancellation":
            self._receipts.add(event["stage"])
        horizon = self.phase.horizon if isinstance(self.phase, Live) else 0
        closes = event["type"] in ("error", "complete") and (seq or 0) >= horizon
        self._become(advance(self.state, event, closes))
        # What answers a wish to cancel does not answer the request: that is still said until it is.
        if seq is not None or event["type"] == "response":
            self.heard(seq)
        self._tell(event)
        # Too late for a cancellation, perhaps because an earlier asking was heard: only the end tells, and it follows.
        if event["type"] == "response" or closes:
            self._settle()

    def snapshot(self, told: Snapshot) -> None:
        if isinstance(self.phase, Over):
            return
        self.id = told["request_id"]
        read = reading(self.phase, self.state.status, told)
        self.move(snapshot(self.phase, told["seq"] if read == "take" else self.phase.seq, told["seq"]))
        self.accepted.resolve(None)
        if read == "wait":
            return
        self._show(told)
        if read == "take" and told["status"] in ENDS:
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
        frame = self.frame
        self.phase = end(self.phase)
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
        self._listener.ended(self, frame)

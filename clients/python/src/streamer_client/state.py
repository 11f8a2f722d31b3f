"""
What is known of a request, and how each frame changes it. Pure: a new state for every change, so that one that was
read stays as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from .errors import StreamerError, from_wire
from .eta import Eta, remaining
from .wire import (
    ENDS,
    CancellationStage,
    ListItem,
    ProgressUpdate,
    RequestStatus,
    RunEvent,
    Scalar,
    WaitingReason,
    WireEta,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    percentage: float
    """0–100; never goes back within an attempt."""
    message: str | None = None
    stage: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    attempt: int
    eta: Eta | None = None
    updates: Sequence[ProgressUpdate] = ()
    """The updates this message stands for, oldest first, when there were several. Without a `timestamp`: made within a second before it."""
    omitted: int = 0
    """How many more it stands for: those it has no room for."""
    timestamp: int
    """Epoch ms, by the server's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingFor:
    """Why a request is not running. `until` in epoch ms."""

    reason: WaitingReason
    position: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    status: RequestStatus = "PENDING"
    acknowledged: bool = False
    """The server has it: it is durable, or answered."""
    attempt: int = 0
    """0 until it first runs."""
    progress: Progress | None = None
    eta: Eta | None = None
    """As it was told at `told_at`; `run.remaining()` counts it down."""
    told_at: int | None = None
    """Epoch ms, by the server's clock."""
    estimated_ms: float | None = None
    """How long the run itself is expected to take, while it has not begun."""
    waiting: WaitingFor | None = None
    """Why it is not running, while it is not."""
    cancellation: CancellationStage | None = None
    result: Any = None
    error: StreamerError | None = None
    """How it ended. While it is RETRYING: how the last attempt failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestInfo(RunState):
    """A request as `get` and `list` tell of it."""

    id: str
    action: str
    seq: int
    """The newest seq: `attach(id, after=seq)` goes on from here."""
    created_at: datetime
    run_at: datetime | None = None
    ended_at: datetime | None = None
    metadata: Mapping[str, Scalar] = field(default_factory=dict)


def advance(state: RunState, event: RunEvent, ended: bool) -> RunState:
    """`ended`: false for an error the request has been redriven from since."""
    if event["type"] == "cancellation":
        return replace(state, acknowledged=True, cancellation=event["stage"])
    kept = replace(state, acknowledged=True, waiting=None, eta=None, told_at=None, estimated_ms=None, error=None)
    if event["type"] == "partial":
        # It begins, or goes on, without saying how long it will take.
        left = remaining(state, event["timestamp"])
        return replace(kept, status="PROCESSING", eta=left, told_at=event["timestamp"] if left else None)
    if event["type"] == "acknowledgment":
        reason = event.get("waiting_for")
        return replace(
            kept,
            status="PENDING" if event["status"] == "queued" else "PROCESSING",
            **_told(event),
            estimated_ms=event.get("estimated_ms"),
            waiting=_waiting(reason, event) if reason else None,
        )
    if event["type"] == "waiting":
        status: RequestStatus = "PENDING" if kept.status == "PROCESSING" else kept.status
        waiting = _waiting(event["reason"], event)
        return replace(
            kept, status=status, error=state.error, **_told(event), estimated_ms=state.estimated_ms, waiting=waiting
        )
    if event["type"] == "progress":
        progress = _progress(event, event["attempt"], event["timestamp"])
        return replace(kept, status="PROCESSING", attempt=event["attempt"], progress=progress, **_told(event))
    if event["type"] == "retrying":
        waiting = WaitingFor(reason="backoff", until=event["retry_at"])
        error = from_wire(event["error"], event["request_id"])
        return replace(kept, status="RETRYING", attempt=event["attempt"], waiting=waiting, error=error)
    if event["type"] == "complete":
        return replace(kept, status="COMPLETED", attempt=int(event["metadata"]["attempts"]), result=event.get("result"))
    if event["type"] == "error":
        return failed(kept, from_wire(event["error"], event.get("request_id"))) if ended else kept
    if event["success"]:
        return replace(kept, status="COMPLETED", attempt=1, result=event.get("data"))
    reason_given = event.get("error", {"code": "INTERNAL_ERROR", "message": "The server gave no reason."})
    return failed(kept, from_wire(reason_given, event["request_id"]))


def from_snapshot(item: ListItem) -> RunState:
    """The state a snapshot tells, whatever was known before."""
    return RunState(**_told_by(item))


def describe(item: ListItem) -> RequestInfo:
    return RequestInfo(
        **_told_by(item),
        id=item["request_id"],
        action=item["action"],
        seq=item["seq"],
        created_at=_time(item["created_at"]),
        run_at=_time(item["run_at"]) if "run_at" in item else None,
        ended_at=_time(item["ended_at"]) if "ended_at" in item else None,
        metadata=item.get("metadata", {}),
    )


def failed(state: RunState, error: StreamerError) -> RunState:
    return replace(state, status="CANCELLED" if error.code == "CANCELLED" else "FAILED", error=error)


def _told_by(item: ListItem) -> dict[str, Any]:
    return {
        "status": item["status"],
        "acknowledged": True,
        "attempt": item["attempt"],
        "waiting": _waiting_now(item),
        "progress": _progress(item["progress"], item["attempt"], item["timestamp"]) if "progress" in item else None,
        "result": item.get("result"),
        "error": from_wire(item["error"], item["request_id"]) if "error" in item else None,
    }


def _progress(shown: Mapping[str, Any], attempt: int, timestamp: int) -> Progress:
    return Progress(
        percentage=shown["percentage"],
        message=shown.get("message"),
        stage=shown.get("stage"),
        metadata=shown.get("metadata", {}),
        attempt=attempt,
        eta=_eta(shown.get("eta")),
        updates=tuple(shown.get("updates", ())),
        omitted=shown.get("omitted", 0),
        timestamp=timestamp,
    )


def _waiting(reason: WaitingReason, told: Mapping[str, Any]) -> WaitingFor:
    return WaitingFor(reason=reason, position=told.get("position"), until=told.get("until"))


def _waiting_now(item: ListItem) -> WaitingFor | None:
    """What a snapshot tells, or what follows from a time to come. What has ended waits no more."""
    until = item.get("run_at", 0)
    ahead = until if item["status"] not in ENDS and until > item["timestamp"] else None
    by_time: WaitingReason = "backoff" if item["status"] == "RETRYING" else "scheduled"
    reason = item.get("waiting_for", by_time if ahead else None)
    return WaitingFor(reason=reason, position=item.get("position"), until=ahead) if reason else None


def _told(event: Mapping[str, Any]) -> dict[str, Any]:
    eta = _eta(event.get("eta"))
    return {"eta": eta, "told_at": event["timestamp"] if eta else None}


def _eta(eta: WireEta | None) -> Eta | None:
    return Eta(eta["p50_ms"], eta["p90_ms"]) if eta else None


def _time(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1_000, timezone.utc)

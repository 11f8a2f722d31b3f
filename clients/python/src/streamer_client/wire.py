"""
What travels, as types: the frames of docs/protocol.md §5 that a client reads. The server's word is taken, nothing is
checked field by field: that would make the client deaf to codes and fields that a newer server knows.
"""

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

RequestStatus: TypeAlias = Literal["PENDING", "PROCESSING", "RETRYING", "COMPLETED", "FAILED", "CANCELLED"]
WaitingReason: TypeAlias = Literal[
    "scheduled", "queue", "action_concurrency", "tenant_concurrency", "no_worker", "backoff", "rate_limit"
]
CancellationStage: TypeAlias = Literal["requested", "observed", "stopped", "too_late"]

Scalar: TypeAlias = str | float | bool | None
"""What metadata of a request may hold."""

ENDS: tuple[RequestStatus, ...] = ("COMPLETED", "FAILED", "CANCELLED")


class WireRetry(TypedDict):
    retryable: bool
    after_ms: NotRequired[int]


class WireError(TypedDict):
    code: str
    message: str
    details: NotRequired[dict[str, Any]]
    retry: NotRequired[WireRetry]


class WireEta(TypedDict):
    p50_ms: float
    p90_ms: float


class Limits(TypedDict):
    message_bytes: int
    depth: int
    messages_per_second: int


class Welcome(TypedDict):
    type: Literal["welcome"]
    timestamp: int
    connection_id: str
    epoch: str
    protocol: str
    server_version: str
    heartbeat_ms: int
    limits: Limits


class Response(TypedDict):
    type: Literal["response"]
    request_id: str
    timestamp: int
    success: bool
    data: NotRequired[Any]
    error: NotRequired[WireError]
    metadata: dict[str, float]


class Acknowledgment(TypedDict):
    type: Literal["acknowledgment"]
    request_id: str
    timestamp: int
    seq: int
    status: Literal["queued", "processing"]
    message: str
    estimated_ms: NotRequired[int]
    eta: NotRequired[WireEta]
    position: NotRequired[int]
    waiting_for: NotRequired[WaitingReason]
    until: NotRequired[int]


class Waiting(TypedDict):
    type: Literal["waiting"]
    request_id: str
    timestamp: int
    seq: int
    reason: WaitingReason
    position: NotRequired[int]
    eta: NotRequired[WireEta]
    until: NotRequired[int]


class ProgressUpdate(TypedDict):
    percentage: float
    timestamp: NotRequired[int]
    message: NotRequired[str]
    stage: NotRequired[str]
    metadata: NotRequired[dict[str, Any]]


class ProgressEvent(TypedDict):
    type: Literal["progress"]
    request_id: str
    timestamp: int
    seq: int
    percentage: float
    message: NotRequired[str]
    stage: NotRequired[str]
    metadata: NotRequired[dict[str, Any]]
    attempt: int
    eta: NotRequired[WireEta]
    updates: NotRequired[list[ProgressUpdate]]
    omitted: NotRequired[int]


class Partial(TypedDict):
    type: Literal["partial"]
    request_id: str
    timestamp: int
    seq: int
    stream: str
    index: int
    data: Any


class Retrying(TypedDict):
    type: Literal["retrying"]
    request_id: str
    timestamp: int
    seq: int
    attempt: int
    retry_at: int
    error: WireError


class Cancellation(TypedDict):
    type: Literal["cancellation"]
    request_id: str
    timestamp: int
    seq: NotRequired[int]
    stage: CancellationStage
    reason: NotRequired[str]
    ref: NotRequired[str]


class Complete(TypedDict):
    type: Literal["complete"]
    request_id: str
    timestamp: int
    seq: int
    result: NotRequired[Any]
    metadata: dict[str, float]


class ErrorEvent(TypedDict):
    type: Literal["error"]
    timestamp: int
    request_id: NotRequired[str]
    seq: NotRequired[int]
    error: WireError
    ref: NotRequired[str]


class SnapshotProgress(TypedDict):
    percentage: float
    message: NotRequired[str]
    stage: NotRequired[str]
    metadata: NotRequired[dict[str, Any]]


class ListItem(TypedDict):
    request_id: str
    timestamp: int
    seq: int
    action: str
    status: RequestStatus
    attempt: int
    created_at: int
    run_at: NotRequired[int]
    ended_at: NotRequired[int]
    waiting_for: NotRequired[WaitingReason]
    position: NotRequired[int]
    progress: NotRequired[SnapshotProgress]
    result: NotRequired[Any]
    error: NotRequired[WireError]
    metadata: NotRequired[dict[str, Scalar]]


class Snapshot(ListItem):
    type: Literal["snapshot"]
    recovered: bool
    ref: NotRequired[str]


class Listing(TypedDict):
    type: Literal["list"]
    timestamp: int
    items: list[ListItem]
    cursor: NotRequired[str]
    ref: NotRequired[str]


class Calibration(TypedDict):
    """Which share of the newest runs ended within the 90th percentile told when they began, of how many runs in all."""

    within_p90: float
    runs: int


class ActionDescription(TypedDict):
    """What an action does, takes and gives; `input` and `output` are JSON Schemas."""

    action: str
    description: NotRequired[str]
    input: NotRequired[dict[str, Any]]
    output: NotRequired[dict[str, Any]]
    estimated_ms: NotRequired[float]
    timeout_ms: int
    max_attempts: int
    max_priority: NotRequired[int]
    calibration: NotRequired[Calibration]
    concurrency: NotRequired[dict[str, int]]
    permissions: list[str]


class Actions(TypedDict):
    type: Literal["actions"]
    timestamp: int
    items: list[ActionDescription]
    ref: NotRequired[str]


class Part(TypedDict):
    type: Literal["part"]
    id: str
    index: int
    count: int
    text: str


class Pong(TypedDict):
    type: Literal["pong"]
    timestamp: int
    ref: NotRequired[str]


RunEvent: TypeAlias = (
    Acknowledgment | Waiting | ProgressEvent | Partial | Retrying | Cancellation | Complete | ErrorEvent | Response
)
"""A frame in the life of a request: numbered, or the one answer to a request that ran at once."""

EVENTS = frozenset(
    ("acknowledgment", "waiting", "progress", "partial", "retrying", "cancellation", "complete", "error", "response")
)

ServerMessage: TypeAlias = RunEvent | Welcome | Snapshot | Listing | Actions | Part | Pong


class RunReference(TypedDict):
    """All it takes to follow a request again, from another process or device: what `run.to_json()` gives."""

    id: str
    after: int
    """The last seq seen."""
    epoch: NotRequired[str]
    """The store that seq is of."""
    frame: NotRequired[str]
    """What was sent, while the server has not answered it."""

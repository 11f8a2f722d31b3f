"""What a client's calls raise. Codes are the protocol's, and four of the client's own for what no server said."""

from typing import Any, Literal, TypeAlias, cast

from .wire import WireError, WireRetry

ErrorCode: TypeAlias = Literal[
    "VALIDATION_ERROR",
    "INVALID_MESSAGE",
    "INVALID_ACTION",
    "NOT_FOUND",
    "EXPIRED",
    "UNAUTHORIZED",
    "FORBIDDEN",
    "RATE_LIMITED",
    "DUPLICATE_REQUEST",
    "PAYLOAD_TOO_LARGE",
    "CANCELLED",
    "TIMEOUT",
    "PROCESSING_FAILED",
    "STORAGE_ERROR",
    "DATA_LOSS",
    "SERVICE_UNAVAILABLE",
    "INTERNAL_ERROR",
]

ClientErrorCode: TypeAlias = ErrorCode | Literal["OUTBOX_FULL", "CLIENT_CLOSED", "CANNOT_CONNECT", "DETACHED"]
"""
OUTBOX_FULL: too much is unanswered; CLIENT_CLOSED: `close()` was called; CANNOT_CONNECT: the reconnect limit was
reached; DETACHED: the last handle of the request was given up with `detach()`.
"""


class StreamerError(Exception):
    """Something was refused, failed or given up: `code` says what, `message` which and what to do."""

    def __init__(
        self,
        code: ClientErrorCode,
        message: str,
        request_id: str | None = None,
        details: dict[str, Any] | None = None,
        retry: WireRetry | None = None,
    ) -> None:
        # All of them, so that a copy through pickle (a process pool's) is whole.
        super().__init__(code, message, request_id, details, retry)
        self.code: ClientErrorCode = code
        self.message = message
        self.request_id = request_id
        self.details = details
        """`details["issues"]` lists what is wrong with a payload, each with its path."""
        self.retry = retry
        """Whether the same thing can succeed later (`retryable`), and after how long (`after_ms`)."""

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def from_wire(error: WireError, request_id: str | None = None) -> StreamerError:
    """The error of a frame, as an exception."""
    code = cast(ClientErrorCode, error["code"])
    return StreamerError(code, error["message"], request_id, error.get("details"), error.get("retry"))


def about(error: StreamerError, request_id: str | None) -> StreamerError:
    """The same error, for one request of many."""
    if request_id is None:
        return error
    hint = f'If request "{request_id}" was accepted it goes on at the server; attach to it from a new client.'
    return StreamerError(error.code, f"{error.message} {hint}", request_id, error.details, error.retry)

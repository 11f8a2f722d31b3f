"""
When to dial again. Full jitter: after a server restart a thousand clients spread over the whole wait instead of coming
back in step. Pure, so that the policy can be read and tested without a socket.
"""

from .errors import ClientErrorCode, StreamerError
from .options import Options

FINAL: tuple[ClientErrorCode, ...] = ("UNAUTHORIZED", "FORBIDDEN")
"""Not a matter of time, but of who asks."""


def after_end(error: StreamerError, failures: int, options: Options) -> float | StreamerError:
    """
    The wait in ms, or why there is none. `failures`: ends in a row without a welcome between them, this one included;
    0 when this one had been welcomed.
    """
    # A token that does not change will be refused again; a function may have a better one next time.
    if error.code in FINAL and isinstance(options.token, str):
        return error
    base_ms, cap_ms, limit = options.reconnect.base_ms, options.reconnect.cap_ms, options.reconnect.max_attempts
    if limit is not None and failures >= limit:
        message = f"No connection after {failures} attempts, the limit: {error.message}"
        return StreamerError("CANNOT_CONNECT", message)
    # Doubling stops at 2^30, long past any cap, before it can overflow.
    jitter_ms = options.random() * min(cap_ms, base_ms * float(2 ** min(failures, 30)))
    # A server that is starting or full says when to come back; all whom it told so would come at once.
    return (error.retry.get("after_ms", 0) if error.retry else 0) + jitter_ms

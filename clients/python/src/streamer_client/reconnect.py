"""
When to dial again. Full jitter: after a server restart a thousand clients spread over the whole wait instead of coming
back in step. Pure, so that the policy can be read and tested without a socket.
"""

from dataclasses import dataclass

from .errors import StreamerError
from .options import Options


@dataclass(frozen=True, slots=True)
class ConnectionEnd:
    error: StreamerError
    unauthorized: bool = False
    """The server refused the token, or it ran out."""


def after_end(end: ConnectionEnd, failures: int, options: Options) -> float | StreamerError:
    """
    The wait in ms, or why there is none. `failures`: ends in a row without a welcome between them, this one included;
    0 when this one had been welcomed.
    """
    # A token that does not change will be refused again; a function may have a better one next time.
    if end.unauthorized and isinstance(options.token, str):
        return end.error
    base_ms, cap_ms, limit = options.reconnect.base_ms, options.reconnect.cap_ms, options.reconnect.max_attempts
    if limit is not None and failures >= limit:
        message = f"No connection after {failures} attempts, the limit: {end.error.message}"
        return StreamerError("CANNOT_CONNECT", message)
    # Doubling stops at 2^30, long past any cap, before it can overflow.
    return options.random() * min(cap_ms, base_ms * float(2 ** min(failures, 30)))

"""What users of the client may set, with every default, and the seams through which tests reach it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Protocol, TypeAlias
from urllib.parse import urlsplit

Token: TypeAlias = str | Callable[[], str | Awaitable[str]]
"""
A token, or how to get a fresh one: a function is called again at every reconnect. A plain function is called in a
thread, so that it may wait; an async one in the event loop.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnect:
    """The wait is random up to `base_ms` doubled per failure, at most `cap_ms`."""

    base_ms: float = 250
    cap_ms: float = 15_000
    max_attempts: int | None = None
    """Failed attempts in a row before the client gives up. Default: never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxLimits:
    """What may be unanswered at once."""

    messages: int = 10_000
    characters: int = 64 * 2**20


class Clock(Protocol):
    def monotonic(self) -> float:
        """Milliseconds since some fixed moment; never goes back."""

    def after(self, ms: float, call: Callable[[], None]) -> Callable[[], None]:
        """Calls `call` once after `ms`; the returned function calls it off."""


class LoopClock:
    """The event loop's own."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def monotonic(self) -> float:
        return self._loop.time() * 1_000

    def after(self, ms: float, call: Callable[[], None]) -> Callable[[], None]:
        return self._loop.call_later(ms / 1_000, call).cancel


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    token: Token
    reconnect: Reconnect
    connect_timeout_ms: float
    pong_timeout_ms: float
    outbox: OutboxLimits
    clock: Clock
    random: Callable[[], float]


async def fresh(token: Token) -> str:
    if isinstance(token, str):
        return token
    if iscoroutinefunction(token):
        return str(await token())
    given = await asyncio.to_thread(token)
    return given if isinstance(given, str) else await given


def resolve_url(url: str) -> str:
    """A ws: or wss: address; http: and https: are taken for them."""
    parsed = urlsplit(url)
    if parsed.scheme not in ("ws", "wss", "http", "https") or not parsed.hostname:
        raise ValueError(f'"{url}" is not the address of a server; it looks like ws://localhost:8080 or wss://api.example.com.')
    return parsed._replace(scheme=parsed.scheme.replace("http", "ws"), fragment="").geturl()

"""Functions of the user's that are told of each change."""

import asyncio
from collections.abc import Callable
from typing import TypeAlias, TypeVar

T = TypeVar("T")

Listeners: TypeAlias = dict[object, Callable[[T], None]]


def subscribe(listeners: Listeners[T], listener: Callable[[T], None]) -> Callable[[], None]:
    """Returns a function that unsubscribes. The same function may listen several times."""
    key = object()
    listeners[key] = listener

    def end() -> None:
        listeners.pop(key, None)

    return end


def tell(listeners: Listeners[T], news: T) -> None:
    # Apart, so that a listener that raises is its owner's problem.
    for listener in listeners.values():
        asyncio.get_running_loop().call_soon(listener, news)

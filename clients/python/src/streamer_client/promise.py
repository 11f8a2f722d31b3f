"""What several may wait for, or nobody: an asyncio future without its sharp edges."""

import asyncio
from typing import TypeVar

from .errors import StreamerError

T = TypeVar("T")


class Promise(asyncio.Future[T]):
    """A future that can be settled again without effect, and that nobody has to wait for."""

    def __init__(self) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        # Reading the error is what keeps asyncio from complaining that nobody did.
        self.add_done_callback(lambda done: done.cancelled() or done.exception())

    def resolve(self, value: T) -> None:
        if not self.done():
            self.set_result(value)

    def reject(self, error: StreamerError) -> None:
        if not self.done():
            self.set_exception(error)

    async def settled(self) -> T:
        """Waits; a wait that is cancelled leaves the promise to everybody else's."""
        await asyncio.wait([self])
        return self.result()

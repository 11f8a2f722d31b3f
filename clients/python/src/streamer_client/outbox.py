"""
What may be unanswered at once: frames are kept until the server has answered them, so that they can be sent again,
and a client that cannot connect must not grow without end.
"""

from .errors import StreamerError
from .options import OutboxLimits


class Outbox:
    def __init__(self, limits: OutboxLimits) -> None:
        self._limits = limits
        self._messages = 0
        self._characters = 0
        self.largest_bytes: int | None = None
        """The largest frame, as the server says."""

    def add(self, text: str) -> StreamerError | None:
        """Counts a frame in, and says whether that is one too many; it is counted until it is removed."""
        self._messages += 1
        self._characters += len(text)
        messages, characters = self._limits.messages, self._limits.characters
        if self._messages <= messages and self._characters <= characters:
            return None
        return StreamerError(
            "OUTBOX_FULL",
            f"{self._messages - 1} messages wait for an answer, and one more is over the limit of {messages} messages "
            f"or {characters} characters; it was not sent. Await some results first.",
        )

    def remove(self, text: str) -> None:
        self._messages -= 1
        self._characters -= len(text)

    def refusal(self, text: str, request_id: str) -> StreamerError | None:
        """Why the server would not take a frame."""
        # UTF-8 takes at most four bytes a character: only what could be too long needs encoding.
        if self.largest_bytes is None or len(text) * 4 <= self.largest_bytes:
            return None
        size = len(text.encode())
        if size <= self.largest_bytes:
            return None
        problem = (
            f'Request "{request_id}" has {size} bytes; the server takes {self.largest_bytes}. '
            "Send less, or upload the data and send where it is."
        )
        return StreamerError("PAYLOAD_TOO_LARGE", problem, request_id)

"""Frames larger than a transport carries travel as parts (docs/protocol.md §3.9), joined before anything is read."""

from .wire import Part

MAX_UNFINISHED = 64
"""Frames half arrived are bounded: of more than this at once the oldest is given up."""


class PartJoiner:
    def __init__(self) -> None:
        self._unfinished: dict[str, dict[int, str]] = {}

    def join(self, part: Part) -> str | None:
        """The whole text once its last part is in, in whatever order they come."""
        pieces = self._unfinished.setdefault(part["id"], {})
        pieces[part["index"]] = part["text"]
        if len(pieces) < part["count"]:
            if len(self._unfinished) > MAX_UNFINISHED:
                del self._unfinished[next(iter(self._unfinished))]
            return None
        del self._unfinished[part["id"]]
        return "".join(pieces[index] for index in range(part["count"]))

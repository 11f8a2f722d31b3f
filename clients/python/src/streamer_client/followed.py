"""The requests a client follows, by id. Several trackers can share one: an idempotency key may lead two to it."""

from .tracker import Tracker


class Followed:
    def __init__(self) -> None:
        self._trackers: dict[str, tuple[Tracker, ...]] = {}

    def of(self, id: str) -> tuple[Tracker, ...]:
        return self._trackers.get(id, ())

    def all(self) -> list[tuple[str, tuple[Tracker, ...]]]:
        """A copy: what is said to one may end another."""
        return list(self._trackers.items())

    def add(self, tracker: Tracker) -> None:
        self._trackers[tracker.id] = (*self.of(tracker.id), tracker)

    def remove(self, tracker: Tracker) -> None:
        left = tuple(other for other in self.of(tracker.id) if other is not tracker)
        if left:
            self._trackers[tracker.id] = left
        else:
            self._trackers.pop(tracker.id, None)

    def rename(self, tracker: Tracker, id: str) -> None:
        """It turned out to be the request of another id."""
        self.remove(tracker)
        tracker.id = id
        self.add(tracker)

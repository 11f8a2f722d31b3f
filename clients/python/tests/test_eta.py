"""What is left of a request: while it waits, never less than the run itself takes."""

import unittest
from typing import Any, cast

from streamer_client import Eta, RunState
from streamer_client.eta import remaining
from streamer_client.state import advance
from streamer_client.wire import RunEvent


def event(kind: str, timestamp: int = 1_000, **fields: Any) -> RunEvent:
    return cast(RunEvent, {"type": kind, "request_id": "r", "seq": 1, "timestamp": timestamp, **fields})


def eta(p50_ms: int, p90_ms: int) -> dict[str, int]:
    return {"p50_ms": p50_ms, "p90_ms": p90_ms}


def acknowledged(**more: Any) -> RunState:
    told: dict[str, Any] = {"status": "queued", "message": "", "estimated_ms": 9_000, "eta": eta(12_000, 20_000), "waiting_for": "queue"}
    return advance(RunState(), event("acknowledgment", **{**told, **more}), False)


class EtaTest(unittest.TestCase):
    def test_counts_down_while_it_waits_and_never_below_what_the_run_takes(self) -> None:
        waiting = acknowledged()
        self.assertEqual(remaining(waiting, 1_000), Eta(12_000, 20_000))
        self.assertEqual(remaining(waiting, 3_000), Eta(10_000, 18_000))
        self.assertEqual(remaining(waiting, 5_000), Eta(9_000, 16_000))
        self.assertEqual(remaining(waiting, 3_600_000), Eta(9_000, 15_000))
        self.assertEqual(remaining(waiting, 500), Eta(12_000, 20_000))

    def test_goes_by_the_newest_word_and_keeps_the_runs_own_time(self) -> None:
        moved = advance(acknowledged(), event("waiting", 61_000, reason="queue", eta=eta(10_000, 20_000)), False)
        self.assertEqual(remaining(moved, 61_000), Eta(10_000, 20_000))
        self.assertEqual(remaining(moved, 99_000), Eta(9_000, 18_000))
        self.assertIsNone(remaining(advance(moved, event("waiting", reason="no_worker"), False), 99_000))

    def test_counts_down_to_nothing_once_it_runs(self) -> None:
        progress = event("progress", 61_000, percentage=10, attempt=1, eta=eta(5_000, 6_000))
        running = advance(acknowledged(), progress, False)
        self.assertEqual(remaining(running, 63_000), Eta(3_000, 4_000))
        self.assertEqual(remaining(running, 90_000), Eta(0, 0))
        self.assertEqual(remaining(acknowledged(status="processing"), 31_000), Eta(0, 0))

    def test_begins_with_the_runs_own_time_when_the_first_word_of_it_tells_none(self) -> None:
        running = advance(acknowledged(), event("partial", 61_000, stream="s", index=0, data=1), False)
        self.assertEqual(remaining(running, 61_000), Eta(9_000, 15_000))
        self.assertEqual(remaining(running, 65_000), Eta(5_000, 11_000))

    def test_is_unknown_when_it_failed_and_will_be_tried_again(self) -> None:
        error = {"code": "TIMEOUT", "message": "slow"}
        retrying = advance(acknowledged(), event("retrying", attempt=1, retry_at=9_000, error=error), False)
        self.assertIsNone(remaining(retrying, 1_000))

"""The table of phase.py: what each input makes of each phase. `None`: nothing changes at all."""

import unittest
from collections.abc import Callable, Mapping
from typing import cast, get_args

from streamer_client.phase import (
    Astray,
    Attached,
    Going,
    Live,
    Over,
    Phase,
    Sent,
    Unsent,
    end,
    enter,
    hear,
    is_news,
    reading,
    send,
    snapshot,
)
from streamer_client.wire import Snapshot

FRAME = '{"type":"request"}'
UNSENT = Unsent(frame=FRAME, epoch="e1")
SENT = Sent(frame=FRAME, times=1, epoch="e1")
ATTACHED = Attached(seq=4, epoch="e1")
LIVE = Live(seq=4, horizon=3, epoch="e1")
ASTRAY = Astray(epoch="e2")
OVER = Over(LIVE)

INPUTS: Mapping[str, Callable[[Phase], Phase]] = {
    "send": send,
    "enter": lambda phase: enter(phase, "e1"),
    "enter another store": lambda phase: enter(phase, "e3"),
    "hear": lambda phase: hear(phase, 7),
    "hear an answer": hear,
    "snapshot": lambda phase: snapshot(phase, 5, 9),
    "end": end,
}


def met(seq: int, horizon: int = 0, epoch: str = "e1") -> Phase:
    return Live(seq=seq, horizon=horizon, epoch=epoch)


def unsent(epoch: str) -> Phase:
    return Unsent(frame=FRAME, epoch=epoch)


def sent(times: int, epoch: str = "e1") -> Phase:
    return Sent(frame=FRAME, times=times, epoch=epoch)


TABLE: Mapping[Phase, tuple[Phase | None, ...]] = {
    UNSENT: (sent(1), unsent("e1"), unsent("e3"), met(7), met(0), met(5, 9), Over(UNSENT)),
    SENT: (sent(2), sent(1), sent(1, "e3"), met(7), met(0), met(5, 9), Over(SENT)),
    ATTACHED: (None, ATTACHED, Astray(epoch="e3"), met(7), met(4), met(5, 9), Over(ATTACHED)),
    LIVE: (None, LIVE, Astray(epoch="e3"), met(7, 3), met(4, 3), met(5, 9), Over(LIVE)),
    ASTRAY: (None, Astray(epoch="e1"), Astray(epoch="e3"), None, None, met(5, 9, "e2"), Over(ASTRAY)),
    OVER: (None,) * len(INPUTS),
}


def told(seq: int, status: str = "PROCESSING", recovered: bool = True) -> Snapshot:
    return cast(Snapshot, {"seq": seq, "status": status, "recovered": recovered})


class PhaseTest(unittest.TestCase):
    def test_every_input_of_every_phase(self) -> None:
        self.assertEqual({type(phase) for phase in TABLE}, {*get_args(Going), Over})
        for phase, row in TABLE.items():
            for (name, step), expected in zip(INPUTS.items(), row, strict=True):
                with self.subTest(phase=phase, on=name):
                    result = step(phase)
                    self.assertEqual(result, phase if expected is None else expected)
                    self.assertEqual(result is phase, expected is None)

    def test_a_first_store_is_taken_as_it_comes(self) -> None:
        self.assertEqual(enter(Attached(seq=4), "e9"), Attached(seq=4, epoch="e9"))

    def test_p5_p6_news_is_what_is_above_the_last_seq_seen_and_of_no_other_store(self) -> None:
        placed: tuple[Phase, ...] = (ATTACHED, LIVE)
        for phase in placed:
            self.assertEqual([is_news(phase, seq) for seq in (3, 4, 5, None)], [False, False, True, True])
        unanswered: tuple[Phase, ...] = (UNSENT, SENT)
        for phase in unanswered:
            self.assertEqual([is_news(phase, seq) for seq in (1, None)], [True, True])
        self.assertEqual([is_news(ASTRAY, seq) for seq in (9, None)], [False, True])
        self.assertEqual([is_news(OVER, seq) for seq in (9, None)], [False, False])

    def test_how_a_snapshot_is_read(self) -> None:
        going: tuple[Going, ...] = (UNSENT, SENT, ATTACHED, LIVE, ASTRAY)
        for phase in going:
            self.assertEqual(reading(phase, "PROCESSING", told(9, recovered=False)), "take")
        self.assertEqual(reading(ASTRAY, "PROCESSING", told(9)), "take")
        follows: tuple[Going, ...] = (UNSENT, SENT, LIVE, Attached())
        for phase in follows:
            self.assertEqual(reading(phase, "PROCESSING", told(9)), "wait")
        self.assertEqual(reading(ATTACHED, "PROCESSING", told(9)), "glance")
        self.assertEqual(reading(ATTACHED, "PROCESSING", told(9, "COMPLETED")), "wait")
        self.assertEqual(reading(LIVE, "PROCESSING", told(4)), "wait")
        self.assertEqual(reading(LIVE, "PROCESSING", told(4, "PENDING")), "take")
        self.assertEqual(reading(ATTACHED, "PROCESSING", told(4)), "take")

"""Handles that are kept, attached to again, listened to and given up."""

import json
from collections.abc import AsyncIterator
from typing import Any, cast

from fake_peer import ACK, DONE, PeerCase, becomes
from manual_clock import ManualClock

from streamer_client import Eta, Progress, Run, RunReference, RunState, StreamerError
from streamer_client.state import WaitingFor

BEYOND = 2**53 - 1


def kept(run: Run) -> RunReference:
    return cast(RunReference, json.loads(json.dumps(run.to_json())))


class HandleTest(PeerCase):
    async def test_tells_each_change_of_a_runs_state_in_order_until_told_to_stop(self) -> None:
        run = self.open().request("work", 1, id="r1")
        every: list[RunState] = []
        some: list[RunState] = []
        run.on_state(every.append)
        stop = run.on_state(some.append)
        await self.peer.hear("request")
        self.peer.say({**ACK, "request_id": "r1", "seq": 1})
        await run.accepted()
        stop()
        stop()
        self.peer.say({"type": "progress", "request_id": "r1", "seq": 2, "percentage": 40, "attempt": 1})
        self.peer.say({**DONE, "request_id": "r1", "seq": 3})
        await run
        told = [(state.status, state.progress and state.progress.percentage) for state in every]
        self.assertEqual(told, [("PENDING", None), ("PROCESSING", 40), ("COMPLETED", 40)])
        self.assertIs(every[-1], run.state)
        self.assertEqual(some, every[:1])

    async def test_p6_a_kept_run_goes_on_in_another_client_after_the_last_seq_it_saw(self) -> None:
        before = self.open()
        run = before.request("work", 1, id="r1")
        await self.peer.hear("request")
        self.peer.say({**ACK, "request_id": "r1", "seq": 1})
        await run.accepted()
        reference = kept(run)
        self.assertEqual(reference, {"id": "r1", "after": 1, "epoch": "e1"})
        await before.close()
        again = self.open().attach(reference)
        self.assertEqual((await self.peer.hear("subscribe", request_id="r1"))["after"], 1)
        self.peer.say({**DONE, "request_id": "r1", "seq": 2})
        self.assertEqual(await again, {"n": 1})

    async def test_a_kept_run_shows_at_once_how_far_the_request_is_and_then_what_it_missed(self) -> None:
        run = self.open().attach({"id": "r1", "after": 4})
        ref = (await self.peer.hear("subscribe", request_id="r1"))["ref"]
        now = {"action": "work", "status": "PROCESSING", "attempt": 2, "created_at": 1, "progress": {"percentage": 60}}
        self.peer.say({"type": "snapshot", "request_id": "r1", "seq": 5, **now, "recovered": True, "ref": ref})
        self.peer.say({"type": "partial", "request_id": "r1", "seq": 5, "stream": "rows", "index": 3, "data": 1})
        seen = [progress.percentage async for progress in self._until_done(run)]
        self.assertEqual(seen, [60])
        self.assertEqual(run.to_json()["after"], 6)

    async def test_what_was_cancelled_before_its_time_waits_no_more(self) -> None:
        run = self.open().attach({"id": "r1", "after": 4})
        ref = (await self.peer.hear("subscribe", request_id="r1"))["ref"]
        error = {"code": "CANCELLED", "message": "c"}
        now = {"action": "work", "attempt": 0, "created_at": 1, "run_at": 2**40, "timestamp": 1, "ref": ref, "recovered": True}
        self.peer.say({"type": "snapshot", "request_id": "r1", "seq": 4, "status": "PENDING", **now})
        await run.accepted()
        self.assertEqual(run.state.waiting, WaitingFor(reason="scheduled", until=2**40))
        self.peer.cut()
        again = (await self.peer.hear("subscribe", 2, request_id="r1"))["ref"]
        self.peer.say({"type": "snapshot", "request_id": "r1", "seq": 4, "status": "CANCELLED", **now, "ref": again, "error": error})
        with self.assertRaises(StreamerError):
            await run
        self.assertIsNone(run.state.waiting)

    async def _until_done(self, run: Run) -> AsyncIterator[Progress]:
        """The progress of a run that completes once some was seen."""
        async for progress in run.progress:
            self.assertEqual((run.state.status, run.state.attempt), ("PROCESSING", 2))
            yield progress
            self.peer.say({**DONE, "request_id": "r1", "seq": 6})

    async def test_p4_a_run_that_was_kept_before_its_answer_came_is_sent_again_under_its_id(self) -> None:
        before = self.open()
        reference = kept(before.request("work", {"a": 1}, id="r1"))
        await self.peer.hear("request")
        await before.close()
        again = self.open().attach(reference)
        self.assertEqual(await self.peer.hear("request", 2), self.peer.heard[0])
        self.peer.say({"type": "response", "request_id": "r1", "success": True, "data": 5, "metadata": {}})
        self.assertEqual(await again, 5)

    async def test_p6_a_run_that_was_kept_from_another_store_asks_for_the_snapshot_alone(self) -> None:
        client = self.open()
        client.attach({"id": "r1", "after": 7, "epoch": "e0"})
        self.assertEqual((await self.peer.hear("subscribe", request_id="r1"))["after"], BEYOND)
        await becomes(client, "open")
        client.attach({"id": "r2", "after": 7, "epoch": "e0"})
        self.assertEqual((await self.peer.hear("subscribe", request_id="r2"))["after"], BEYOND)

    async def test_p12_refuses_to_attach_to_what_is_no_reference(self) -> None:
        client = self.open()
        broken: list[Any] = [None, {}, {"id": "r1"}, {"id": "r1", "after": "2"}, {"id": 5, "after": 0}]
        for reference in (*broken, {"id": "r1", "after": 0, "frame": {}}):
            await self.assert_fails(client.attach(reference), "VALIDATION_ERROR")
        self.assertEqual(self.peer.heard, [])

    async def test_stops_following_a_second_after_the_last_handle_was_given_up(self) -> None:
        clock = ManualClock()
        client = self.open(clock=clock)
        first, second = client.attach("r1"), client.attach("r1")
        await self.peer.hear("subscribe")
        self.peer.say({**ACK, "request_id": "r1", "seq": 1})
        await first.accepted()
        first.detach()
        first.detach()
        await clock.waits(1_000)
        clock.advance(1_000)
        second.detach()
        await clock.waits(1_000)
        third = client.attach("r1")
        clock.advance(1_000)
        self.peer.say({"type": "progress", "request_id": "r1", "seq": 2, "percentage": 40, "attempt": 1})
        self.assertEqual((await anext(aiter(third.progress))).percentage, 40)
        self.assertEqual(self.peer.said("unsubscribe"), [])
        third.detach()
        await clock.waits(1_000)
        receipt = third.cancel()
        clock.advance(1_000)
        self.assertEqual((await self.assert_fails(third, "DETACHED")).request_id, "r1")
        await self.assert_fails(receipt, "DETACHED")
        self.assertEqual(await self.peer.hear("unsubscribe"), {"type": "unsubscribe", "request_id": "r1"})
        self.assertEqual(third.state.status, "PROCESSING")

    async def test_p1_giving_up_a_handle_takes_nothing_back_that_the_server_has_not_answered(self) -> None:
        clock = ManualClock()
        client = self.open(clock=clock)
        run = client.request("work", 1, id="r1")
        run.detach()
        await self.peer.hear("request")
        clock.advance(5_000)
        self.peer.cut()
        await becomes(client, "waiting")
        clock.advance(5_000)
        await self.peer.hear("request", 2)
        self.peer.say({**ACK, "request_id": "r1", "seq": 1})
        await run.accepted()
        await clock.waits(1_000)
        clock.advance(1_000)
        await self.peer.hear("unsubscribe")

    async def test_forgets_a_reader_that_left(self) -> None:
        run = self.open().request("work", 1, id="r1")
        await self.peer.hear("request")
        reader = run.events
        self.assertEqual(len(run._tracker._recordings), 1)
        del reader
        self.assertEqual(len(run._tracker._recordings), 0)

    async def test_shows_after_a_reload_why_a_request_waits_and_how_its_last_attempt_failed(self) -> None:
        client = self.open()
        about = {"type": "snapshot", "action": "work", "created_at": 1, "recovered": True, "seq": 4}
        error = {"code": "PROCESSING_FAILED", "message": "the database hung up", "retry": {"retryable": True}}
        queued, retrying = (client.attach({"id": id, "after": 4}) for id in ("r1", "r2"))
        await self.peer.hear("subscribe", 2)
        waits = {"status": "PENDING", "attempt": 0, "run_at": 900, "waiting_for": "queue", "position": 3}
        self.peer.say({**about, "request_id": "r1", **waits})
        tried = {"status": "RETRYING", "attempt": 1, "run_at": 8_000, "waiting_for": "backoff", "error": error}
        self.peer.say({**about, "request_id": "r2", **tried})
        self.peer.say({"type": "waiting", "request_id": "r2", "seq": 5, "reason": "queue", "position": 1})
        events = aiter(retrying.events)
        await anext(events)
        self.assertEqual(queued.state.waiting, WaitingFor(reason="queue", position=3))
        self.assertEqual((retrying.state.status, retrying.state.waiting), ("RETRYING", WaitingFor(reason="queue", position=1)))
        self.assertEqual(retrying.state.error and retrying.state.error.message, "the database hung up")
        self.peer.say({"type": "progress", "request_id": "r2", "seq": 6, "percentage": 1, "attempt": 2})
        await anext(events)
        self.assertIsNone(retrying.state.error)
        failed = {"type": "retrying", "request_id": "r2", "seq": 7, "attempt": 2, "retry_at": 9_000, "error": error}
        self.peer.say(failed)
        await anext(events)
        self.assertEqual(retrying.state.error and retrying.state.error.code, "PROCESSING_FAILED")
        self.peer.say({**DONE, "request_id": "r2", "seq": 8})
        self.assertEqual(await retrying, {"n": 1})
        self.assertIsNone(retrying.state.error)

    async def test_counts_what_is_left_by_the_servers_clock(self) -> None:
        clock = ManualClock()
        run = self.open(clock=clock).attach("r1")
        await self.peer.hear("subscribe")
        # The peer's clock stands at 1,000 when it greets: what it acknowledged 800 ms ago is told again.
        told = {"timestamp": 200, "estimated_ms": 3_000, "eta": {"p50_ms": 5_000, "p90_ms": 10_000}}
        self.peer.say({**ACK, "request_id": "r1", "seq": 1, **told})
        await run.accepted()
        self.assertEqual(run.remaining(), Eta(4_200, 9_200))
        clock.advance(60_000)
        self.assertEqual(run.remaining(), Eta(3_000, 6_000))

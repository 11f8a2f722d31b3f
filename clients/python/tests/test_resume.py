"""What a client says again, and what it does not believe twice, when links and stores come and go."""

import asyncio
import json
from typing import Any

from fake_peer import ACK, DONE, SNAPSHOT, Frame, PeerCase, becomes, collect, seq
from manual_clock import ManualClock

from streamer_client import CancellationReceipt, Reconnect, StreamerError

BEYOND = 2**53 - 1


class ResumeTest(PeerCase):
    async def test_p4_a_request_without_an_answer_is_sent_again_an_acknowledged_one_is_not(self) -> None:
        client = self.open()
        lost, kept = client.request("work", 1, id="lost"), client.request("work", 2, id="kept")
        await self.peer.hear("request", 2)
        self.peer.say({**ACK, "request_id": "kept", "seq": 1})
        await kept.accepted()
        self.peer.cut()
        await self.peer.hear("request", 2, id="lost")
        self.assertEqual((await self.peer.hear("subscribe", request_id="kept"))["after"], 1)
        self.assertEqual(len(self.peer.said("request", id="kept")), 1)
        self.peer.say({"type": "response", "request_id": "lost", "success": True, "data": 5, "metadata": {}})
        self.assertEqual(await lost, 5)

    async def test_p6_goes_on_after_the_last_seq_seen_and_hears_nothing_twice(self) -> None:
        run = self.open().request("work", 1, id="r1")
        events, rows = collect(run.events), run.partials("rows")
        await self.peer.hear("request")
        self.peer.say({**ACK, "request_id": "r1", "seq": 1})
        self.peer.say(partial(2, 0))
        self.assertEqual(await anext(rows), 0)
        self.peer.cut()
        ref = (await self.peer.hear("subscribe"))["ref"]
        snapshot = {**SNAPSHOT, "request_id": "r1", "seq": 4, "status": "COMPLETED", "recovered": True, "ref": ref}
        self.peer.say({**snapshot, "result": {"n": 1}})
        self.peer.say(partial(2, 0))
        self.peer.say(partial(3, 1))
        self.peer.say({**DONE, "request_id": "r1", "seq": 4})
        self.assertEqual(await run, {"n": 1})
        self.assertEqual([seq(event) for event in await events], [1, 2, 3, 4])
        self.assertEqual(await collect(rows), [1])

    async def test_p6_takes_the_snapshot_for_the_truth_when_nothing_can_be_recovered(self) -> None:
        run = self.open().request("work", 1, id="r1")
        await self.peer.hear("request")
        self.peer.say({**ACK, "request_id": "r1", "seq": 9})
        await run.accepted()
        self.peer.cut()
        ref = (await self.peer.hear("subscribe"))["ref"]
        snapshot = {**SNAPSHOT, "request_id": "r1", "seq": 3, "status": "COMPLETED", "recovered": False, "ref": ref}
        self.peer.say({**snapshot, "result": "kept"})
        self.assertEqual(await run, "kept")

    async def test_p6_after_another_epoch_asks_for_the_snapshot_alone(self) -> None:
        client = self.open()
        run, unsent = client.request("work", 1, id="r1"), client.request("work", 1, id="r2")
        await self.peer.hear("request", 2)
        self.peer.say({**ACK, "request_id": "r1", "seq": 5})
        await run.accepted()
        self.peer.epoch = "e2"
        self.peer.cut()
        subscribe = await self.peer.hear("subscribe")
        self.assertEqual((subscribe["request_id"], subscribe["after"]), ("r1", BEYOND))
        await self.peer.hear("request", 2, id="r2")
        self.peer.say({**ACK, "request_id": "r1", "seq": 6})
        snapshot = {**SNAPSHOT, "request_id": "r1", "seq": 2, "status": "PROCESSING", "recovered": False}
        self.peer.say({**snapshot, "ref": subscribe["ref"]})
        self.peer.say({**DONE, "request_id": "r1", "seq": 3})
        self.assertEqual(await run, {"n": 1})
        self.assertFalse(unsent.state.acknowledged)

    async def test_fails_a_run_that_the_server_no_longer_knows_and_asks_again_when_it_is_only_busy(self) -> None:
        clock = ManualClock()
        client = self.open(clock=clock)
        gone, busy = client.attach("gone"), client.attach("busy", after=7)
        first = await self.peer.hear("subscribe", request_id="gone")
        second = await self.peer.hear("subscribe", request_id="busy")
        self.assertEqual(second["after"], 7)
        none = {"code": "NOT_FOUND", "message": "none"}
        later = {"code": "RATE_LIMITED", "message": "later", "retry": {"retryable": True, "after_ms": 300}}
        self.peer.say({"type": "error", "request_id": "gone", "ref": first["ref"], "error": none})
        self.peer.say({"type": "error", "request_id": "busy", "ref": second["ref"], "error": later})
        await self.assert_fails(gone, "NOT_FOUND")
        await clock.waits(300)
        clock.advance(300)
        await self.peer.hear("subscribe", 2, request_id="busy")
        self.assertEqual(busy.state.status, "PENDING")

    async def test_keeps_a_request_that_a_stopping_server_refused_and_sends_it_to_the_next(self) -> None:
        run = self.open().request("work", 1, id="r1")
        await self.peer.hear("request")
        stopping = {"code": "SERVICE_UNAVAILABLE", "message": "stopping"}
        self.peer.say({"type": "error", "request_id": "r1", "error": stopping})
        self.peer.cut()
        await self.peer.hear("request", 2)
        self.peer.say({"type": "response", "request_id": "r1", "success": True, "data": 1, "metadata": {}})
        self.assertEqual(await run, 1)

    async def test_p4_follows_the_request_that_an_idempotency_key_stands_for(self) -> None:
        run = self.open().request("work", 1, id="mine", idempotency_key="k")
        await self.peer.hear("request")
        snapshot = {**SNAPSHOT, "request_id": "theirs", "seq": 2, "status": "PROCESSING", "recovered": True}
        self.peer.say({**snapshot, "ref": "mine"})
        self.peer.say({**ACK, "request_id": "theirs", "seq": 1})
        await run.accepted()
        self.assertEqual(run.id, "theirs")
        self.peer.cut()
        await self.peer.hear("subscribe", request_id="theirs")
        self.peer.say({**DONE, "request_id": "theirs", "seq": 3})
        self.assertEqual(await run, {"n": 1})

    async def test_p8_asks_for_cancellation_again_on_the_next_connection(self) -> None:
        run = self.open().request("work", 1, id="r1")
        await self.peer.hear("request")
        self.peer.say({**ACK, "request_id": "r1", "seq": 1})
        await run.accepted()
        receipt = run.cancel()
        await self.peer.hear("cancel")
        self.peer.cut()
        await self.peer.hear("cancel", 2)
        self.peer.say({"type": "cancellation", "request_id": "r1", "seq": 2, "stage": "stopped"})
        self.peer.say({"type": "error", "request_id": "r1", "seq": 3, "error": {"code": "CANCELLED", "message": "c"}})
        self.assertEqual(await receipt, CancellationReceipt("stopped", observed=False))

    async def test_p8_a_cancellation_whose_answer_got_lost_did_not_come_too_late(self) -> None:
        run = self.open().request("work", 1, id="r1")
        await self.peer.hear("request")
        self.peer.say({**ACK, "request_id": "r1", "seq": 1})
        await run.accepted()
        receipt = run.cancel()
        await self.peer.hear("cancel")
        self.peer.cut()
        again = await self.peer.hear("cancel", 2)
        about: Frame = {"type": "cancellation", "request_id": "r1"}
        self.peer.say({**about, "stage": "too_late", "ref": again["ref"]})
        for seq, stage in enumerate(("requested", "observed", "stopped"), 2):
            self.peer.say({**about, "seq": seq, "stage": stage})
        self.peer.say({"type": "error", "request_id": "r1", "seq": 5, "error": {"code": "CANCELLED", "message": "c"}})
        self.assertEqual(await receipt, CancellationReceipt("stopped", observed=True))

    async def test_p8_a_cancellation_that_nobody_answers_is_settled_by_the_end_of_its_request(self) -> None:
        clock = ManualClock()
        client = self.open(clock=clock, random=lambda: 1)
        run = client.request("work", 1, id="r1")
        await self.peer.hear("request")
        self.peer.say({**ACK, "request_id": "r1", "seq": 1})
        await run.accepted()
        receipt = run.cancel()
        await self.peer.hear("cancel")
        self.peer.say({"message": "Internal server error", "connectionId": "abc=", "requestId": "def"})
        self.peer.say({**DONE, "request_id": "r1", "seq": 2})
        self.assertEqual(await receipt, CancellationReceipt("too_late", observed=False))
        clock.advance(500)
        client.attach("r2")
        await self.peer.hear("subscribe")
        self.assertEqual(len(self.peer.said("cancel")), 1)

    async def test_p8_the_answer_to_a_settled_cancellation_says_nothing_of_the_next_request(self) -> None:
        client = self.open()
        refused = client.request("work", 1, id="r1")
        await self.peer.hear("request")
        receipt = refused.cancel()
        ref = (await self.peer.hear("cancel"))["ref"]
        self.peer.say({"type": "error", "request_id": "r1", "error": {"code": "RATE_LIMITED", "message": "not now"}})
        with self.assertRaises(StreamerError):
            await refused
        await receipt
        run = client.request("work", 1, id="r1")
        await self.peer.hear("request", 2)
        self.peer.say({"type": "error", "request_id": "r1", "ref": ref, "error": {"code": "NOT_FOUND", "message": "none"}})
        self.peer.say({**ACK, "request_id": "r1", "seq": 1})
        self.peer.say({**DONE, "request_id": "r1", "seq": 2})
        self.assertEqual(await run, {"n": 1})

    async def test_p4_p8_the_answer_to_a_wish_to_cancel_is_none_to_the_request(self) -> None:
        run = self.open().request("work", 1, id="r1")
        await self.peer.hear("request")
        receipt = run.cancel()
        await self.peer.hear("cancel")
        self.peer.cut()
        again = await self.peer.hear("cancel", 2)
        await self.peer.hear("request", 2)
        # It was cancelled before the link was lost; the store refuses for a moment to say so.
        passing = {"code": "STORAGE_ERROR", "message": "down", "retry": {"retryable": True, "after_ms": 1}}
        self.peer.say({"type": "error", "request_id": "r1", "error": passing})
        about: Frame = {"type": "cancellation", "request_id": "r1"}
        self.peer.say({**about, "stage": "too_late", "ref": again["ref"]})
        await self.peer.hear("request", 3)
        self.peer.say({**SNAPSHOT, "request_id": "r1", "seq": 4, "status": "CANCELLED", "recovered": True, "ref": "r1"})
        for seq, stage in enumerate(("requested", "stopped"), 2):
            self.peer.say({**about, "seq": seq, "stage": stage})
        self.peer.say({"type": "error", "request_id": "r1", "seq": 4, "error": {"code": "CANCELLED", "message": "c"}})
        with self.assertRaises(StreamerError) as raised:
            await run
        self.assertEqual(raised.exception.code, "CANCELLED")
        self.assertEqual(await receipt, CancellationReceipt("stopped", observed=False))

    async def test_p9_an_attached_request_that_was_redriven_does_not_end_with_its_old_error(self) -> None:
        run = self.open().attach("r1")
        events = collect(run.events)
        ref = (await self.peer.hear("subscribe"))["ref"]
        snapshot = {**SNAPSHOT, "request_id": "r1", "seq": 3, "status": "PENDING", "recovered": True, "ref": ref}
        self.peer.say(snapshot)
        self.peer.say({**ACK, "request_id": "r1", "seq": 1})
        self.peer.say({"type": "error", "request_id": "r1", "seq": 2, "error": {"code": "TIMEOUT", "message": "slow"}})
        self.peer.say({**ACK, "request_id": "r1", "seq": 3})
        self.peer.say({**DONE, "request_id": "r1", "seq": 4})
        self.assertEqual(await run, {"n": 1})
        self.assertEqual([seq(event) for event in await events], [1, 2, 3, 4])

    async def test_p9_retry_follows_the_request_it_queues_again_also_when_the_answer_got_lost(self) -> None:
        run = self.open().retry("r1", "fixed")
        self.assertEqual(await self.peer.hear("retry"), {"type": "retry", "request_id": "r1", "reason": "fixed"})
        self.peer.cut()
        await self.peer.hear("retry", 2)
        pending = {"code": "VALIDATION_ERROR", "message": "is PENDING"}
        self.peer.say({"type": "error", "request_id": "r1", "error": pending})
        await self.peer.hear("subscribe")
        self.peer.say({**DONE, "request_id": "r1", "seq": 8})
        self.assertEqual(await run, {"n": 1})

    async def test_p5_joins_a_frame_that_came_in_parts(self) -> None:
        run = self.open().request("work", 1, id="r1")
        await self.peer.hear("request")
        whole = json.dumps({**DONE, "timestamp": 1, "request_id": "r1", "seq": 1, "result": "x" * 50})
        for index in (2, 0, 1):
            text = whole[40 * index : 40 * index + 40] if index < 2 else whole[80:]
            self.peer.say({"type": "part", "id": "p1", "index": index, "count": 3, "text": text})
        self.assertEqual(await run, "x" * 50)

    async def test_p12_passes_over_what_it_cannot_read(self) -> None:
        run = self.open().request("work", 1, id="r1")
        await self.peer.hear("request")
        self.peer.say({"type": "newer", "request_id": "r1", "seq": 9})
        self.peer.say({"type": "partial", "request_id": "r1"})
        self.peer.say({**DONE, "request_id": "r1", "seq": 1, "newer": {"field": 1}})
        self.assertEqual(await run, {"n": 1})

    async def test_gives_up_a_half_open_connection(self) -> None:
        clock = ManualClock()
        self.peer.heartbeat_ms = 1_000
        reconnect = Reconnect(base_ms=700)
        client = self.open(clock=clock, random=lambda: 1, pong_timeout_ms=400, reconnect=reconnect)
        run = client.request("work", 1, id="r1")
        await self.peer.hear("request")
        await self.peer.until(lambda: self.peer.pings == 1)
        clock.advance(1_000)
        await self.peer.until(lambda: self.peer.pings == 2)
        self.peer.say({**ACK, "request_id": "r1", "seq": 1})
        await run.accepted()
        clock.advance(400)
        self.assertEqual(client.state.status, "open")
        self.peer.stalled = True
        clock.advance(600)
        await self.peer.until(lambda: self.peer.pings == 3)
        clock.advance(400)
        error = (await becomes(client, "waiting")).error
        self.assertIn("silent for", error.message if error else "")
        self.peer.stalled = False
        await clock.waits(700)
        clock.advance(700)
        self.assertEqual((await self.peer.hear("subscribe", request_id="r1"))["after"], 1)

    async def test_p4_p6_says_again_what_was_not_answered_when_a_gateway_lost_a_frame(self) -> None:
        clock = ManualClock()
        client = self.open(clock=clock, random=lambda: 1)
        lost: Frame = {"message": "Internal server error", "connectionId": "abc=", "requestId": "def"}
        run = client.request("work", {}, id="r1")
        await self.peer.hear("request")
        attached = client.attach("r2")
        await self.peer.hear("subscribe")
        for count, wait_ms in enumerate((500, 1_000, 2_000), 1):
            self.peer.say(lost)
            self.peer.say(lost)
            await clock.waits(wait_ms)
            clock.advance(wait_ms - 1)
            self.assertEqual(len(self.peer.said("request")), count)
            clock.advance(1)
            await self.peer.hear("request", count + 1)
            await self.peer.hear("subscribe", count + 1)
        self.peer.say({**DONE, "request_id": "r1", "seq": 2})
        self.peer.say({**DONE, "request_id": "r2", "seq": 2})
        self.assertEqual(await asyncio.gather(run, attached), [{"n": 1}, {"n": 1}])
        self.assertEqual(len(self.peer.offered), 1)

    async def test_p6_asks_again_for_what_a_snapshot_announced_when_a_gateway_failed_before_it_was_told(self) -> None:
        clock = ManualClock()
        client = self.open(clock=clock, random=lambda: 1)
        attached = client.attach("r1")
        ref = (await self.peer.hear("subscribe"))["ref"]
        past = {"type": "snapshot", "request_id": "r1", "seq": 2, "action": "work", "status": "COMPLETED", "attempt": 1, "ref": ref}
        self.peer.say({**past, "recovered": True, "timestamp": 0, "created_at": 0, "run_at": 0, "ended_at": 0})
        self.peer.say({**ACK, "request_id": "r1", "seq": 1})
        self.peer.say({"message": "Internal server error", "connectionId": "abc=", "requestId": "def"})
        await clock.waits(500)
        clock.advance(500)
        self.assertEqual((await self.peer.hear("subscribe", 2))["after"], 1)
        self.peer.say({**DONE, "request_id": "r1", "seq": 2})
        self.assertEqual(await attached, {"n": 1})

    async def test_gives_up_a_connection_that_is_never_greeted(self) -> None:
        clock = ManualClock()
        self.peer.stalled = True
        client = self.open(clock=clock, random=lambda: 1, connect_timeout_ms=3_000)
        await self.peer.until(lambda: self.peer.pings == 1)
        clock.advance(3_000)
        state = await becomes(client, "waiting")
        self.assertEqual((state.failures, state.error and state.error.code), (1, "CANNOT_CONNECT"))

    async def test_comes_back_at_the_pace_the_server_allows(self) -> None:
        clock = ManualClock()
        self.peer.messages_per_second = 10
        client = self.open(clock=clock)
        for n in range(25):
            client.attach(f"r{n}")
        await self.peer.hear("subscribe", 10)
        await clock.waits(1_000)
        self.assertEqual(len(self.peer.heard), 10)
        clock.advance(1_000)
        await self.peer.hear("subscribe", 20)
        clock.advance(1_000)
        await self.peer.hear("subscribe", 25)
        self.assertEqual(len({frame["request_id"] for frame in self.peer.heard}), 25)

    async def test_complains_of_no_error_that_nobody_waits_for(self) -> None:
        complaints: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        client = self.open()
        client.request("work", 1, id="r1")
        await self.peer.hear("request")
        self.peer.say({"type": "error", "request_id": "r1", "error": {"code": "INTERNAL_ERROR", "message": "x"}})
        client.attach("r2").cancel()
        await self.peer.hear("subscribe")
        await client.close()
        del client
        self.assertEqual(complaints, [])


def partial(seq: int, index: int) -> Frame:
    return {"type": "partial", "request_id": "r1", "seq": seq, "stream": "rows", "index": index, "data": index}

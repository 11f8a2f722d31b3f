"""A client and its server, on a link that holds."""

import asyncio
import pickle
import unittest
from datetime import datetime, timezone
from typing import Any

from fake_peer import ACK, DONE, Frame, PeerCase, becomes, collect
from manual_clock import ManualClock

from streamer_client import (
    CancellationReceipt,
    Eta,
    OutboxLimits,
    Reconnect,
    RunState,
    StreamerError,
    WaitingFor,
    connect,
)

RESPONSE: Frame = {"type": "response", "success": True, "data": 1, "metadata": {"processing_ms": 0}}


class ClientTest(PeerCase):
    async def test_sends_the_token_as_a_subprotocol_beside_the_protocols_own(self) -> None:
        async def token() -> str:
            return "aa.bb.cc"

        await becomes(self.open(token=token), "open")
        self.assertEqual(self.peer.offered, ["streamer.v1, bearer.aa.bb.cc"])

    async def test_tells_the_life_of_a_request(self) -> None:
        run = self.open().request(
            "work",
            {"a": 1},
            id="r1",
            mode="async",
            priority=9,
            delay_ms=5,
            run_at=datetime(2026, 1, 1, tzinfo=timezone.utc),
            timeout_ms=7,
            max_attempts=2,
            metadata={"k": "v"},
        )
        progress, rows, events = collect(run.progress), collect(run.partials("rows")), collect(run.events)
        self.assertEqual(run.state, RunState())
        options = {
            "mode": "async",
            "priority": 9,
            "delay_ms": 5,
            "run_at": 1767225600000,
            "timeout_ms": 7,
            "max_attempts": 2,
        }
        self.assertEqual(
            await self.peer.hear("request"),
            {
                "type": "request",
                "id": "r1",
                "action": "work",
                "payload": {"a": 1},
                "metadata": {"k": "v"},
                "options": options,
            },
        )
        eta = {"p50_ms": 5, "p90_ms": 9}
        self.peer.say({**ACK, "request_id": "r1", "seq": 1, "position": 3, "waiting_for": "queue", "eta": eta})
        await run.accepted()
        waiting = WaitingFor(reason="queue", position=3)
        self.assertEqual(run.state, RunState(acknowledged=True, waiting=waiting, eta=Eta(5, 9), told_at=1_000))
        about: Frame = {"request_id": "r1"}
        self.peer.say(
            {
                "type": "progress",
                **about,
                "seq": 2,
                "percentage": 40,
                "message": "half",
                "stage": "query",
                "attempt": 1,
                "updates": [{"percentage": 20}, {"percentage": 40, "message": "half"}],
                "omitted": 3,
            }
        )
        self.peer.say({"type": "partial", **about, "seq": 3, "stream": "rows", "index": 0, "data": ["x"]})
        self.peer.say({"type": "partial", **about, "seq": 4, "stream": "other", "index": 0, "data": "no"})
        self.peer.say({**DONE, **about, "seq": 5})
        self.assertEqual(await run, {"n": 1})
        told = [(p.percentage, p.message, p.stage, len(p.updates), p.omitted) for p in await progress]
        self.assertEqual(told, [(40, "half", "query", 2, 3)])
        self.assertEqual(await rows, [["x"]])
        kinds = [event["type"] for event in await events]
        self.assertEqual(kinds, ["acknowledgment", "progress", "partial", "partial", "complete"])
        self.assertEqual((run.state.status, run.state.result), ("COMPLETED", {"n": 1}))

    async def test_ends_with_the_answer_of_a_sync_request_or_its_error(self) -> None:
        client = self.open()
        good, bad = client.request("echo", None, id="a"), client.request("echo", id="b")
        self.assertEqual((await self.peer.hear("request"))["payload"], None)
        self.assertNotIn("payload", await self.peer.hear("request", 2))
        self.peer.say({**RESPONSE, "request_id": "a", "data": 7})
        self.peer.say(
            {**RESPONSE, "request_id": "b", "success": False, "error": {"code": "TIMEOUT", "message": "too long"}}
        )
        self.assertEqual(await good.result(), 7)
        error = await self.assert_fails(bad, "TIMEOUT")
        self.assertEqual((error.message, error.request_id), ("too long", "b"))
        self.assertEqual(await collect(good.progress), [])

    async def test_raises_a_refusal_with_its_issues_and_touches_no_other_request(self) -> None:
        client = self.open()
        run, other = client.request("work", {}, id="r1"), client.request("work", {}, id="r2")
        await self.peer.hear("request", 2)
        details = {"issues": [{"path": ["payload", "n"], "message": "is required"}]}
        retry = {"retryable": False}
        refusal = {"code": "VALIDATION_ERROR", "message": "wrong", "details": details, "retry": retry}
        self.peer.say({"type": "error", "request_id": "r1", "error": refusal})
        error = await self.assert_fails(run, "VALIDATION_ERROR")
        self.assertEqual((error.details, error.retry, str(error)), (details, retry, "VALIDATION_ERROR: wrong"))
        self.assertEqual(vars(pickle.loads(pickle.dumps(error))), vars(error))
        await self.assert_fails(run.accepted(), "VALIDATION_ERROR")
        self.assertEqual(other.state.status, "PENDING")

    async def test_lets_a_slow_reader_skip_to_the_newest_progress_and_always_shows_the_last(self) -> None:
        run = self.open().request("work", {}, id="r1")
        await self.peer.hear("request")
        for n in range(1, 51):
            self.peer.say({"type": "progress", "request_id": "r1", "seq": n, "percentage": 2 * n, "attempt": 1})
        seen: list[float] = []
        async for progress in run.progress:
            seen.append(progress.percentage)
            if len(seen) == 1:
                self.peer.say({**DONE, "request_id": "r1", "seq": 60})
                await run
        self.assertEqual((len(seen), seen[-1]), (2, 100))

    async def test_a_wait_that_is_cancelled_costs_neither_the_request_nor_an_event(self) -> None:
        run = self.open().request("work", {}, id="r1")
        events = run.events
        await self.peer.hear("request")
        for waiting in (run.result(), anext(events), run.accepted()):
            with self.assertRaises(TimeoutError):
                await asyncio.wait_for(waiting, 0.001)
        self.peer.say({**DONE, "request_id": "r1", "seq": 1})
        self.assertEqual(await run, {"n": 1})
        self.assertEqual([event["type"] async for event in events], ["complete"])

    async def test_p8_cancel_gives_the_receipt_observed_along_the_way(self) -> None:
        run = self.open().request("work", {}, id="r1")
        await self.peer.hear("request")
        self.peer.say({**ACK, "request_id": "r1", "seq": 1})
        await run.accepted()
        receipt = run.cancel("enough")
        self.assertEqual((await self.peer.hear("cancel"))["reason"], "enough")
        for seq, stage in enumerate(("requested", "observed", "stopped"), 2):
            self.peer.say({"type": "cancellation", "request_id": "r1", "seq": seq, "stage": stage})
        self.peer.say(
            {"type": "error", "request_id": "r1", "seq": 5, "error": {"code": "CANCELLED", "message": "cancelled"}}
        )
        self.assertEqual(await receipt, CancellationReceipt("stopped", observed=True))
        await self.assert_fails(run, "CANCELLED")
        self.assertEqual(await run.cancel(), CancellationReceipt("stopped", observed=True))

    async def test_p8_cancel_that_comes_too_late_says_so_and_the_result_stays(self) -> None:
        def too_late(frame: Frame) -> None:
            if frame["type"] == "cancel":
                self.peer.say(
                    {"type": "cancellation", "request_id": "r1", "stage": "too_late", "ref": frame["ref"]}
                )
                self.peer.say({**DONE, "request_id": "r1", "seq": 2})

        run = self.open().request("work", {}, id="r1")
        await self.peer.hear("request")
        self.peer.on_frame = too_late
        self.assertEqual(await run.cancel(), CancellationReceipt("too_late", observed=False))
        self.assertEqual(await run, {"n": 1})

    async def test_says_a_cancel_again_when_it_overtook_its_request(self) -> None:
        client = self.open()
        await becomes(client, "open")
        run = client.request("work", {}, id="r1")
        run.cancel("changed my mind")
        ref = (await self.peer.hear("cancel"))["ref"]
        not_yet = {"code": "NOT_FOUND", "message": "not yet"}
        self.peer.say({"type": "error", "request_id": "r1", "ref": ref, "error": not_yet})
        self.peer.say({**ACK, "request_id": "r1", "seq": 1})
        self.assertEqual((await self.peer.hear("cancel", 2))["reason"], "changed my mind")
        self.assertEqual(run.state.status, "PENDING")

    async def test_never_sends_what_was_cancelled_before_or_cannot_be_sent(self) -> None:
        self.peer.message_bytes = 200
        client = self.open()
        early = client.request("work", {}, id="early")
        self.assertEqual(await early.cancel(), CancellationReceipt("stopped", observed=False))
        circular: list[Any] = []
        circular.append(circular)
        for payload in (circular, float("nan"), {1, 2}):
            await self.assert_fails(client.request("work", payload), "VALIDATION_ERROR")
        await self.assert_fails(client.request("work", "€" * 100), "PAYLOAD_TOO_LARGE")
        one, two, other = (client.request("work", n, id="same") for n in (1, 1, 2))
        await self.assert_fails(other, "DUPLICATE_REQUEST")
        await self.peer.hear("request")
        self.peer.say({**RESPONSE, "request_id": "same"})
        self.assertEqual(await asyncio.gather(one, two), [1, 1])
        self.assertEqual(len(self.peer.said("request")), 1)

    async def test_sends_text_as_it_is_and_escapes_what_utf8_cannot_carry(self) -> None:
        client = self.open()
        client.request("work", "ä€😀", id="r1")
        client.request("work", "half \ud83d", id="r2")
        self.assertEqual((await self.peer.hear("request"))["payload"], "ä€😀")
        self.assertEqual((await self.peer.hear("request", 2))["payload"], "half \ud83d")

    async def test_bounds_what_is_unanswered_and_takes_more_once_answers_came(self) -> None:
        client = self.open(outbox=OutboxLimits(messages=2))
        runs = [client.request("work", n, id=f"r{n}") for n in (1, 2, 3)]
        await self.assert_fails(runs[2], "OUTBOX_FULL")
        await self.assert_fails(client.get("r1"), "OUTBOX_FULL")
        await self.peer.hear("request", 2)
        self.peer.say({**RESPONSE, "request_id": "r1"})
        await runs[0]
        client.request("work", 4, id="r4")
        await self.peer.hear("request", id="r4")

    async def test_answers_get_list_and_actions_and_raises_typed_errors(self) -> None:
        action = {"action": "echo", "timeout_ms": 1_000, "max_attempts": 3, "permissions": []}
        slow = {"code": "TIMEOUT", "message": "slow"}
        none = {"code": "NOT_FOUND", "message": "none"}
        item: Frame = {
            "request_id": "r1",
            "seq": 4,
            "timestamp": 1,
            "action": "work",
            "status": "FAILED",
            "attempt": 3,
            "created_at": 5_000,
            "progress": {"percentage": 7, "newer": "field"},
            "error": slow,
        }

        def answer(frame: Frame) -> None:
            ref = {"ref": frame["ref"]}
            if frame["type"] == "list":
                self.peer.say({"type": "list", "items": [item], "cursor": "next", **ref})
            elif frame["type"] == "actions":
                self.peer.say({"type": "actions", "items": [action], **ref})
            elif frame["request_id"] == "r1":
                self.peer.say({"type": "snapshot", **item, "recovered": True, **ref})
            else:
                self.peer.say({"type": "error", "request_id": frame["request_id"], "error": none, **ref})

        client = self.open()
        self.peer.on_frame = answer
        info = await client.get("r1")
        self.assertEqual((info.id, info.seq, info.status, info.attempt), ("r1", 4, "FAILED", 3))
        self.assertEqual(info.created_at, datetime(1970, 1, 1, 0, 0, 5, tzinfo=timezone.utc))
        self.assertEqual((info.error and info.error.code, info.progress and info.progress.percentage), ("TIMEOUT", 7))
        self.assertEqual(await client.actions(), [action])
        page = await client.list(status="FAILED", limit=1)
        self.assertEqual(([item.id for item in page.items], page.cursor), (["r1"], "next"))
        self.assertEqual(self.peer.said("list")[0], {"type": "list", "status": "FAILED", "limit": 1, "ref": "3"})
        self.assertEqual((await self.assert_fails(client.get("r2"), "NOT_FOUND")).request_id, "r2")

    async def test_close_ends_open_runs_with_a_typed_error_and_all_that_is_asked_afterwards(self) -> None:
        client = self.open()
        run = client.request("work", {}, id="r1")
        await self.peer.hear("request")
        await client.close()
        self.assertEqual((await self.assert_fails(run, "CLIENT_CLOSED")).request_id, "r1")
        await self.assert_fails(client.request("work"), "CLIENT_CLOSED")
        await self.assert_fails(client.list(), "CLIENT_CLOSED")
        self.assertEqual(await collect(run.progress), [])

    async def test_gives_up_on_a_refused_token_and_asks_a_function_for_a_new_one(self) -> None:
        self.peer.refuse_with = {"code": "UNAUTHORIZED", "message": "The token has expired."}
        fixed = self.open()
        await self.assert_fails(fixed.request("work"), "UNAUTHORIZED")
        self.assertEqual((fixed.state.status, fixed.state.error and fixed.state.error.code), ("closed", "UNAUTHORIZED"))
        asked = 0

        def token() -> str:
            nonlocal asked
            asked += 1
            if asked == 2:
                raise OSError("login is down")
            if asked == 3:
                self.peer.refuse_with = None
            return f"token{asked}"

        await becomes(self.open(token=token), "open")
        self.assertEqual(self.peer.offered[1:], ["streamer.v1, bearer.token1", "streamer.v1, bearer.token3"])

    async def test_p13_comes_back_by_itself_no_sooner_than_it_was_told_to_and_later_after_each_refusal(self) -> None:
        clock = ManualClock()
        retry = {"retryable": True, "after_ms": 1_000}
        self.peer.refuse_with = {"code": "SERVICE_UNAVAILABLE", "message": "stopping", "retry": retry}
        client = self.open(clock=clock, random=lambda: 1, reconnect=Reconnect(base_ms=100, cap_ms=350))
        run = client.request("work", 1, id="r1")
        for n, wait_ms in enumerate((1_200, 1_350, 1_350)):
            state = await becomes(client, "waiting")
            self.assertEqual((state.failures, state.retry_in_ms), (n + 1, wait_ms))
            self.assertEqual(state.error and (state.error.code, state.error.message), ("SERVICE_UNAVAILABLE", "stopping"))
            await clock.waits(wait_ms)
            if n == 2:
                self.peer.refuse_with = None
            clock.advance(wait_ms)
            await becomes(client, "connecting")
        await self.peer.hear("request")
        self.peer.say({**RESPONSE, "request_id": "r1"})
        self.assertEqual(await run, 1)

    async def test_forbidden_is_as_final_as_unauthorized(self) -> None:
        self.peer.refuse_with = {"code": "FORBIDDEN", "message": "not with this token"}
        await self.assert_fails(self.open().request("work"), "FORBIDDEN")

        def token() -> str:
            if len(self.peer.offered) == 2:
                self.peer.refuse_with = None
            return f"token{len(self.peer.offered)}"

        await becomes(self.open(token=token), "open")

    async def test_puts_nothing_in_a_header_that_is_no_token(self) -> None:
        client = self.open(token="a\r\nX-Admin: 1", reconnect=Reconnect(max_attempts=1))
        error = await self.assert_fails(client.request("work"), "CANNOT_CONNECT")
        self.assertIn("not a JWT", error.message)
        self.assertEqual(self.peer.offered, [])

    async def test_keeps_trying_with_a_growing_capped_jittered_wait_and_gives_up_where_told_to(self) -> None:
        clock = ManualClock()
        waits: list[float | None] = []
        await self.peer.stop()
        reconnect = Reconnect(base_ms=100, cap_ms=500, max_attempts=5)
        client = self.open(clock=clock, random=lambda: 1, reconnect=reconnect)
        run = client.request("work")
        for expected in (200, 400, 500, 500):
            waits.append((await becomes(client, "waiting")).retry_in_ms)
            await clock.waits(expected)
            clock.advance(expected)
            await becomes(client, "connecting")
        await self.assert_fails(run, "CANNOT_CONNECT")
        self.assertEqual(waits, [200, 400, 500, 500])


class ConnectTest(unittest.TestCase):
    def test_refuses_an_address_that_is_none(self) -> None:
        async def connected() -> None:
            connect("localhost:8080", token="t")

        with self.assertRaisesRegex(ValueError, "not the address of a server"):
            asyncio.run(connected())

    def test_says_what_to_do_without_an_event_loop(self) -> None:
        with self.assertRaisesRegex(RuntimeError, "streamer_client.sync"):
            connect("ws://localhost:8080", token="t")

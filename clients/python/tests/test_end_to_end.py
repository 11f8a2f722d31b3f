"""The client and a real server."""

import json
import unittest

import server
from fake_peer import collect, seq

from streamer_client import CancellationReceipt, Client, Scalar, StreamerError, connect

PARTIALS = 120


class EndToEndTest(unittest.IsolatedAsyncioTestCase):
    def open(self, url: str | None = None, token: str | None = None) -> Client:
        client = connect(url or server.url(), token=token or server.token())
        self.addAsyncCleanup(client.close)
        return client

    async def test_tells_a_queued_request_from_its_acknowledgment_to_its_result(self) -> None:
        client = self.open()
        metadata: dict[str, Scalar] = {"page": "/home", "draft": True, "revision": 3, "parent": None}
        run = client.request("count", {"n": 5}, mode="async", metadata=metadata)
        events, numbers, progress = collect(run.events), collect(run.partials("numbers")), collect(run.progress)
        self.assertEqual(await run, {"sum": PARTIALS * 5 + PARTIALS * (PARTIALS - 1) // 2})
        self.assertEqual(await numbers, list(range(5, 5 + PARTIALS)))
        percentages = [shown.percentage for shown in await progress]
        self.assertEqual((percentages, percentages[-1]), (sorted(percentages), 100))
        told = await events
        self.assertEqual((told[0]["type"], told[-1]["type"]), ("acknowledgment", "complete"))
        self.assertEqual([seq(event) for event in told], sorted({seq(event) for event in told}))
        self.assertTrue(run.state.acknowledged)
        self.assertEqual((await client.get(run.id)).metadata, metadata)

    async def test_p12_answers_at_once_what_is_short_and_refuses_what_is_wrong(self) -> None:
        client = self.open()
        self.assertEqual(await client.request("double", {"n": 21}), 42)
        with self.assertRaises(StreamerError) as caught:
            await client.request("double", {"n": "many"})
        self.assertEqual(caught.exception.code, "VALIDATION_ERROR")
        assert caught.exception.details
        self.assertEqual(caught.exception.details["issues"][0]["path"], ["payload", "n"])
        with self.assertRaises(StreamerError) as caught:
            await client.request("unheard_of")
        self.assertEqual(caught.exception.code, "INVALID_ACTION")

    async def test_p8_cancels_what_runs_and_says_that_the_handler_saw_it(self) -> None:
        run = self.open().request("endless", {}, mode="async")
        await anext(aiter(run.progress))
        self.assertEqual(await run.cancel("enough"), CancellationReceipt("stopped", observed=True))
        with self.assertRaises(StreamerError) as caught:
            await run
        self.assertEqual(caught.exception.code, "CANCELLED")

    async def test_p9_shows_attempts_and_retries_a_dead_letter_by_hand(self) -> None:
        client = self.open()
        flaky = client.request("flaky", {})
        events = collect(flaky.events)
        self.assertEqual(await flaky, {"attempt": 3})
        self.assertEqual([event["attempt"] for event in await events if event["type"] == "retrying"], [1, 2])
        broken = client.request("broken", {})
        with self.assertRaises(StreamerError) as caught:
            await broken
        self.assertEqual(caught.exception.retry, {"retryable": False})
        self.assertEqual((await client.list(status="FAILED", action="broken", limit=1)).items[0].id, broken.id)
        again = client.retry(broken.id, "try anyway")
        with self.assertRaises(StreamerError):
            await again
        self.assertGreater((await client.get(broken.id)).seq, broken.to_json()["after"])

    async def test_p6_goes_on_in_another_client_without_missing_or_repeating_an_event(self) -> None:
        first = self.open()
        run = first.request("count", {"n": 0}, mode="async")
        early, numbers = collect(run.events), run.partials("numbers")
        for _ in range(10):
            await anext(numbers)
        kept = json.loads(json.dumps(run.to_json()))
        await first.close()
        late = await collect(self.open().attach(kept).events)
        told = [event for event in await early if seq(event) <= kept["after"]] + late
        self.assertEqual([event["data"] for event in told if event["type"] == "partial"], list(range(PARTIALS)))
        self.assertEqual([seq(event) for event in told], sorted({seq(event) for event in told}))

    async def test_p4_one_idempotency_key_is_one_request(self) -> None:
        client = self.open()
        one, two = (client.request("count", {"n": 1}, mode="async", idempotency_key="once") for _ in range(2))
        self.assertEqual(await one, await two)
        self.assertEqual(one.id, two.id)

    async def test_lists_page_by_page_and_says_what_the_server_can_do(self) -> None:
        client = self.open()
        for n in range(3):
            await client.request("count", {"n": n}, id=f"page-{n}", mode="async")
        page = await client.list(action="count", limit=2)
        self.assertEqual([info.id for info in page.items], ["page-2", "page-1"])
        self.assertEqual((await client.list(action="count", limit=2, cursor=page.cursor)).items[0].id, "page-0")
        described = {action["action"]: action for action in await client.actions()}
        self.assertEqual(described["count"].get("description"), "Counts on from n.")

    async def test_reads_a_result_that_comes_in_parts_and_refuses_a_payload_that_is_too_large(self) -> None:
        gateway = self.open(
            server.setting("STREAMER_GATEWAY_URL"), token=server.setting("STREAMER_GATEWAY_TOKEN")
        )
        self.assertEqual(await gateway.request("large", {"characters": 50_000}, mode="async"), "ä" * 50_000)
        with self.assertRaises(StreamerError) as caught:
            await gateway.request("double", "x" * 40_000)
        self.assertEqual(caught.exception.code, "PAYLOAD_TOO_LARGE")

    async def test_ends_when_a_fixed_token_is_refused(self) -> None:
        client = self.open(token="a.b.c")
        with self.assertRaises(StreamerError) as caught:
            await client.request("double", {"n": 1})
        self.assertEqual(caught.exception.code, "UNAUTHORIZED")
        self.assertEqual(client.state.status, "closed")

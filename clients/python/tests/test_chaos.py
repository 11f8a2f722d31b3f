"""
The client on a bad network: every connection goes through a proxy that cuts, half-closes and stalls it after random
numbers of bytes. The seed is printed; STREAMER_SEED repeats what strikes.
"""

import asyncio
import os
import random
import unittest

import server
from fake_peer import collect, seq

from streamer_client import Client, Reconnect, Run, RunEvent, StreamerError, connect

LANES = 4
ROUNDS = 4
MEAN_BYTES = 2_000
PARTIALS = 120


def durable(events: list[RunEvent]) -> list[RunEvent]:
    return [event for event in events if event["type"] != "progress"]


class ChaosTest(unittest.IsolatedAsyncioTestCase):
    async def test_p5_p6_p8_loses_no_durable_event_repeats_none_and_keeps_their_order(self) -> None:
        seed = int(os.environ.get("STREAMER_SEED", random.randrange(1_000_000)))
        print(f"chaos: STREAMER_SEED={seed}")
        # It would time every step, and find that a busy machine is slow.
        asyncio.get_running_loop().set_debug(False)
        reconnect = Reconnect(base_ms=2, cap_ms=20)
        async with server.chaos(seed, MEAN_BYTES) as network:
            async with connect(
                network.url,
                token=lambda: server.token(),
                reconnect=reconnect,
                connect_timeout_ms=400,
                pong_timeout_ms=100,
            ) as client:
                lanes = [self.use(client, lane) for lane in range(LANES)]
                told = [one for lane in await asyncio.gather(*lanes) for one in lane]
        print(f"chaos: {len(told)} queued requests told whole over {network.struck}")
        self.assertGreater(sum(network.struck.values()), 100)
        async with connect(server.url(), token=server.token()) as reader:
            for run, n, events in told:
                story = await collect(reader.attach(run.id).events)
                self.assertEqual(durable(events), durable(story))
                seqs = [seq(event) for event in events]
                self.assertEqual(seqs, sorted(set(seqs)))
                numbers = [event["data"] for event in events if event["type"] == "partial"]
                self.assertEqual(numbers, list(range(n, n + PARTIALS)))

    async def use(self, client: Client, lane: int) -> list[tuple[Run, int, list[RunEvent]]]:
        """Requests of all three kinds, one after the other; answers with what was told of the queued ones."""
        told: list[tuple[Run, int, list[RunEvent]]] = []
        for n in range(lane * 1_000, lane * 1_000 + ROUNDS):
            run = client.request("count", {"n": n}, mode="async")
            events = collect(run.events)
            self.assertEqual(await client.request("double", {"n": n}), 2 * n)
            if n % 4 == 3:
                await self.cancel_midway(client)
            self.assertEqual(await run, {"sum": PARTIALS * n + PARTIALS * (PARTIALS - 1) // 2})
            told.append((run, n, await events))
        return told

    async def cancel_midway(self, client: Client) -> None:
        run = client.request("endless", {}, mode="async")
        await run.accepted()
        self.assertEqual((await run.cancel("half way")).stage, "stopped")
        with self.assertRaises(StreamerError) as caught:
            await run
        self.assertEqual(caught.exception.code, "CANCELLED")

"""The client without an event loop, and a real server."""

import asyncio
import signal
import subprocess
import sys
import threading
import unittest
from collections.abc import Callable
from dataclasses import replace

import server

from streamer_client import CancellationReceipt, StreamerError
from streamer_client.loop_thread import LoopThread, Steps
from streamer_client.sync import Client, connect

PARTIALS = 120


class SyncTest(unittest.TestCase):
    def open(self) -> Client:
        client = connect(server.url(), token=lambda: server.token())
        self.addCleanup(client.close)
        return client

    def test_tells_a_request_whole_however_late_it_is_asked(self) -> None:
        with connect(server.url(), token=server.token()) as client:
            run = client.request("count", {"n": 5}, mode="async")
            # Nothing here has waited for the run yet: what came meanwhile is kept.
            client.request("count", {"n": 6}, mode="async").result(timeout_s=30)
            numbers, events = run.partials("numbers"), run.events
            percentages = [progress.percentage for progress in run.progress]
            self.assertEqual((percentages, percentages[-1]), (sorted(percentages), 100))
            self.assertEqual(list(numbers), list(range(5, 5 + PARTIALS)))
            self.assertEqual([event["seq"] for event in events if event["type"] == "acknowledgment"], [1])
            self.assertEqual(list(events), [])
            self.assertEqual(client.get(run.id).status, "COMPLETED")
            self.assertEqual(client.list(action="count", limit=1).items[0].action, "count")
            self.assertIn("count", [action["action"] for action in client.actions()])
        self.assertEqual(run.result(), {"sum": PARTIALS * 5 + PARTIALS * (PARTIALS - 1) // 2})

    def test_keeps_nothing_for_who_waits_without_asking(self) -> None:
        run = self.open().request("count", {"n": 5}, mode="async")
        run.result()
        self.assertIsNone(run._run._tracker._held)

    def test_cancels_and_gives_up_waiting(self) -> None:
        client = self.open()
        run = client.request("endless", {}, mode="async")
        run.accepted(timeout_s=30)
        with self.assertRaises(TimeoutError):
            run.result(timeout_s=0.01)
        next(run.progress)
        self.assertEqual(client.attach(run.to_json()).cancel("enough"), CancellationReceipt("stopped", observed=True))
        for _ in range(2):
            with self.assertRaises(StreamerError) as caught:
                run.result()
            self.assertEqual(caught.exception.code, "CANCELLED")

    def test_waits_on_while_an_attempt_has_failed_and_another_follows(self) -> None:
        run = self.open().request("endless", {}, mode="async")
        run.accepted(timeout_s=30)
        error = StreamerError("TIMEOUT", "too slow")
        run._run._tracker.state = replace(run.state, status="RETRYING", error=error)
        with self.assertRaises(TimeoutError):
            run.result(timeout_s=0.01)
        self.assertEqual(run.cancel("enough").stage, "stopped")
        run = self.open().request("flaky", {}, mode="async")
        self.assertEqual([run.result(timeout_s=30) for event in run.events if event["type"] == "retrying"], 2 * [{"attempt": 3}])

    def test_is_used_by_several_threads(self) -> None:
        client = self.open()
        results: list[int] = []
        threads = [
            threading.Thread(target=lambda n=n: results.append(client.request("double", {"n": n}).result()))
            for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(results), list(range(0, 16, 2)))

    def test_refuses_what_is_asked_after_its_end_and_ends_twice(self) -> None:
        client = self.open()
        run = client.request("endless", {}, mode="async")
        run.accepted()
        client.close()
        client.close()
        self.assertEqual(client.state.status, "closed")
        asked: list[Callable[[], object]] = [run.result, lambda: client.request("double", {"n": 1})]
        for ask in asked:
            with self.assertRaises(StreamerError) as caught:
                ask()
            self.assertEqual(caught.exception.code, "CLIENT_CLOSED")

    def test_ends_what_other_threads_wait_for(self) -> None:
        loop = LoopThread()
        raised: list[StreamerError] = []
        is_begun = threading.Event()

        async def endless() -> None:
            is_begun.set()
            await asyncio.Event().wait()

        def waits() -> None:
            try:
                loop.run(endless())
            except StreamerError as error:
                raised.append(error)

        thread = threading.Thread(target=waits)
        thread.start()
        is_begun.wait()
        loop.stop()
        thread.join()
        self.assertEqual([error.code for error in raised], ["CLIENT_CLOSED"])

    def test_leaves_no_thread_behind_a_wrong_address(self) -> None:
        before = threading.active_count()
        with self.assertRaises(ValueError):
            connect("localhost", token="t")
        self.assertEqual(threading.active_count(), before)

    def test_a_step_that_is_interrupted_is_the_next_ones(self) -> None:
        loop = LoopThread()
        self.addCleanup(loop.stop)
        gate = threading.Event()

        async def step() -> int:
            # The interrupt comes when the main thread is sure to wait.
            signal.raise_signal(signal.SIGINT) if not gate.is_set() else None
            gate.set()
            return 7

        steps = Steps(loop, step)
        with self.assertRaises(KeyboardInterrupt):
            next(steps)
            raise AssertionError("It was not interrupted.")
        self.assertEqual(next(steps), 7)

    def test_ctrl_c_ends_a_program_that_waits_and_its_request_goes_on(self) -> None:
        program = (
            "import sys; from streamer_client.sync import connect\n"
            "with connect(sys.argv[1], token=sys.argv[2]) as client:\n"
            "    run = client.request('endless', {}, id=sys.argv[3], mode='async')\n"
            "    for progress in run.progress: print(progress.message, flush=True)\n"
        )
        arguments = [server.url(), server.token(), "left-alone"]
        pipe = subprocess.PIPE
        with subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=pipe, stderr=pipe, text=True) as child:
            assert child.stdout and child.stderr
            self.assertEqual(child.stdout.readline(), "begun\n")
            child.send_signal(signal.SIGINT)
            self.assertIn("KeyboardInterrupt", child.stderr.read())
        self.assertNotEqual(child.returncode, 0)
        left = self.open().attach("left-alone")
        self.assertEqual(left.cancel(), CancellationReceipt("stopped", observed=True))

"""The example runs as it stands."""

import os
import signal
import subprocess
import sys
import unittest
from pathlib import Path

import server

EXAMPLE = Path(__file__).parents[1] / "examples" / "progress_bars.py"


def command(action: str, *payloads: str) -> list[str]:
    return [sys.executable, str(EXAMPLE), server.url(), server.token(), action, *payloads]


class ExampleTest(unittest.TestCase):
    def test_shows_the_progress_of_several_requests_and_their_ends(self) -> None:
        payloads = ['{"album": "a1", "width": 640}', '{"album": "a2", "width": 320}', '{"album": 3}']
        said = subprocess.run(command("resize_images", *payloads), capture_output=True, text=True, timeout=60)
        self.assertEqual(said.returncode, 0, said.stderr)
        for end in ('{"url": "a1/640"}', '{"url": "a2/320"}', "VALIDATION_ERROR"):
            self.assertIn(end, said.stdout)
        self.assertIn("100 %", said.stdout + said.stderr)

    def test_cancels_at_ctrl_c_and_tells_the_ends(self) -> None:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(command("endless", "{}"), stdout=subprocess.PIPE, text=True, env=environment) as child:
            assert child.stdout
            self.assertIn("1 %", child.stdout.readline())
            child.send_signal(signal.SIGINT)
            self.assertIn("CANCELLED", child.stdout.read())
        self.assertEqual(child.returncode, 0)

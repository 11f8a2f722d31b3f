"""Every block of docs/guides/python.md, and the README's, runs as it stands, but for the server's address."""

import ast
import asyncio
import contextlib
import inspect
import io
import json
import re
import unittest
from pathlib import Path
from typing import Any

import server

from streamer_client import StreamerError, connect

ROOT = Path(__file__).parents[3]
GUIDE = ROOT / "docs" / "guides" / "python.md"
# A slow machine may show less progress, never less than the last.
SHOWN = (
    r"100 % 2/2\na1/640\n$",
    r"100 % 2/2\na1/640\n$",
    # A busy machine may not have begun it.
    r"^stopped (True|False)\n$",
    r"^COMPLETED \['",
    r"^\{'sum': 7260\}\n$",
    r"^VALIDATION_ERROR .*'issues'",
)


class GuideTest(unittest.IsolatedAsyncioTestCase):
    async def test_runs_what_the_guide_shows(self) -> None:
        blocks = blocks_of(GUIDE)
        self.assertEqual(len(blocks), len(SHOWN))
        async with connect(server.url(), token=server.token()) as client:
            given = await self.story(client)
            for block, shown in zip(blocks, SHOWN):
                said = await play(block.replace("ws://127.0.0.1:8080", server.url()), given)
                self.assertRegex(said, shown)

    async def test_runs_what_the_readme_shows(self) -> None:
        (block,) = blocks_of(ROOT / "README.md")
        shown: list[float] = []
        given: dict[str, Any] = {"connect": connect, "url": server.url(), "token": server.token()}
        given["show"] = lambda percentage, message: shown.append(percentage)
        await play(block, given)
        self.assertAlmostEqual(given["pi"], 3.1416, places=2)
        self.assertEqual(shown[-1:], [100])
        self.assertGreater(len(shown), 3)

    async def story(self, client: Any) -> dict[str, Any]:
        """What the blocks take for granted."""
        done = client.request("count", {"n": 1}, mode="async")
        await done
        broken = client.request("broken", {})
        with self.assertRaises(StreamerError):
            await broken
        ids = {"request_id": done.id, "other_id": done.id, "failed_id": broken.id, "seq": 3}
        return {**ids, "client": client, "fetch_token": server.token, "asyncio": asyncio, "json": json}


def blocks_of(document: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", document.read_text(), re.DOTALL)


async def play(block: str, given: dict[str, Any]) -> str:
    """What a block prints. One without an `await` of its own is a whole program, with an event loop of its own if any."""
    code = compile(block, str(GUIDE), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        if code.co_flags & inspect.CO_COROUTINE:
            await eval(code, given)
        else:
            await asyncio.to_thread(exec, code, dict(given))
    return said.getvalue()

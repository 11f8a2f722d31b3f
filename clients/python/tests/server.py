"""The real servers that clients/python/test/python.test.ts starts, and the bad network in front of them."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
CHAOS_PROXY = ROOT / "packages" / "contract" / "src" / "wire" / "chaos-proxy-main.ts"


def setting(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise RuntimeError(f"{name} is not set: these tests need running servers; `npx vitest run clients/python` starts them.")
    return value


def url() -> str:
    return setting("STREAMER_URL")


def token() -> str:
    return setting("STREAMER_TOKEN")


@dataclass
class Chaos:
    url: str
    struck: dict[str, int]
    """What has struck, once it is over."""


@asynccontextmanager
async def chaos(seed: int, mean_bytes: int) -> AsyncIterator[Chaos]:
    """A way to the server that cuts, half-closes and stalls connections after random numbers of bytes."""
    address = url().removeprefix("ws://").rstrip("/")
    options = ["--target", address, "--seed", str(seed), "--mean-bytes", str(mean_bytes)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        setting("STREAMER_NODE"), str(CHAOS_PROXY), *options, stdin=pipe, stdout=pipe
    )
    assert process.stdin and process.stdout
    told = json.loads(await process.stdout.readline())
    network = Chaos(f"ws://127.0.0.1:{told['port']}", {})
    try:
        yield network
        process.stdin.write(b"calm\n")
        network.struck.update(json.loads(await process.stdout.readline())["struck"])
    finally:
        process.stdin.close()
        await process.wait()

"""Sessions of the Python client: each line of stdin says where, each line of stdout what one of them heard."""

import asyncio
import json
import sys
from typing import Any

from streamer_client import Reconnect, StreamerError, connect


async def session(at: int, url: str, token: str) -> None:
    events: list[Any] = []
    async with connect(url, token=token, reconnect=Reconnect(base_ms=5, cap_ms=100)) as client:
        run = client.request("torture.chain", {"n": 1}, mode="async")

        async def read() -> None:
            async for event in run.events:
                events.append({name: event[name] for name in ("type", "seq", "data") if name in event})

        reading = asyncio.ensure_future(read())
        try:
            result = await run
        except StreamerError as error:
            result = str(error)
        await reading
        print(json.dumps({"at": at, "id": run.id, "result": result, "events": events}), flush=True)


async def main() -> None:
    loop = asyncio.get_running_loop()
    running: set[asyncio.Task[None]] = set()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        task = asyncio.ensure_future(session(**json.loads(line)))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)


asyncio.run(main())

"""
Several requests at once, each with a progress bar: tqdm's where it is installed (pip install tqdm), plain lines where
it is not. Ctrl-C cancels what still runs and says how each ended.

    python progress_bars.py ws://localhost:8080 "$STREAMER_TOKEN" resize_images '{"album": "a1", "width": 640}' ...
"""

import asyncio
import json
import sys
from typing import Any, Protocol

from streamer_client import Run, StreamerError, connect

try:
    from tqdm import tqdm
except ImportError:
    tqdm = None


class Bar(Protocol):
    n: float

    def update(self, n: float) -> Any: ...

    def set_postfix_str(self, s: str) -> None: ...

    def close(self) -> None: ...


class Lines:
    """What is used of a tqdm bar, in plain text."""

    def __init__(self, desc: str) -> None:
        self.n = 0.0
        self._desc = desc
        self._postfix = ""

    def update(self, n: float) -> None:
        self.n += n
        print(f"{self._desc}: {self.n:.0f} % {self._postfix}".rstrip())

    def set_postfix_str(self, s: str) -> None:
        self._postfix = s

    def close(self) -> None:
        pass


def bar(name: str, position: int) -> Bar:
    if tqdm is None:
        return Lines(name)
    form = "{desc}: {percentage:3.0f} %|{bar}| {postfix}"
    made: Bar = tqdm(total=100, desc=name, position=position, bar_format=form)
    return made


async def show(run: Run, bar: Bar) -> str:
    async for progress in run.progress:
        left = f", {progress.eta.p50_ms / 1_000:.0f} s left" if progress.eta else ""
        bar.set_postfix_str(f"{progress.message or progress.stage or ''}{left}")
        # An attempt that starts over may begin below where the last one was.
        bar.update(progress.percentage - bar.n)
    bar.close()
    try:
        return json.dumps(await run)
    except StreamerError as error:
        return str(error)


async def main(url: str, token: str, action: str, *payloads: str) -> None:
    async with connect(url, token=token) as client:
        runs = [client.request(action, json.loads(payload)) for payload in payloads]
        bars = [bar(f"{action} {n}", n) for n in range(len(runs))]
        shown = asyncio.gather(*(show(run, bar) for run, bar in zip(runs, bars)))
        try:
            ends = await asyncio.shield(shown)
        except asyncio.CancelledError:
            for run in runs:
                run.cancel("interrupted")
            ends = await shown
    for run, end in zip(runs, ends):
        print(f"{run.id}: {end}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

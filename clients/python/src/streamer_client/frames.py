"""Frames from the client, as text."""

import json
import re
from collections.abc import Mapping
from typing import Any

RETRY = '{"type":"retry"'
"""How the frame of a retry begins."""

# Half a pair: JSON can escape it, UTF-8 cannot carry it.
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def print_frame(message: Mapping[str, Any]) -> str:
    """Raises what `json.dumps` raises for a value that is not JSON."""
    text = json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return json.dumps(message, allow_nan=False, separators=(",", ":")) if _LONE_SURROGATE.search(text) else text


PING = print_frame({"type": "ping"})

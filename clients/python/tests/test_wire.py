"""docs/protocol.md and the types of what travels say the same."""

import re
import unittest
from pathlib import Path
from typing import Any, get_args, is_typeddict

from streamer_client import wire
from streamer_client.errors import ErrorCode

PROTOCOL = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text()


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def documented() -> dict[str, dict[str, bool]]:
    """Fields of each server frame, and whether it always has them."""
    server = PROTOCOL[PROTOCOL.index("\n## 5. ") : PROTOCOL.index("\n## 6. ")]
    frames: dict[str, dict[str, bool]] = {}
    for section in re.split(r"\n### 5\.\d+ ", server)[1:]:
        table = re.split(r"\n#### ", section)[0]
        name = section[1 : section.index("`", 1)]
        frames[name] = {row[0].strip("`"): row[2] == "yes" for row in rows(table) if row[0].startswith("`")}
    return frames


class WireTest(unittest.TestCase):
    def test_every_frame_of_the_protocol_is_typed_as_it_is_documented(self) -> None:
        typed: dict[str, dict[str, bool]] = {}
        for kind in vars(wire).values():
            annotations: dict[str, Any] = getattr(kind, "__annotations__", {}) if is_typeddict(kind) else {}
            if "type" in annotations:
                fields = {**getattr(wire.ListItem, "__annotations__"), **annotations} if kind is wire.Snapshot else annotations
                name = get_args(annotations["type"])[0]
                typed[name] = {field: field in kind.__required_keys__ for field in fields if field != "type"}
        self.assertEqual(typed, documented())

    def test_every_error_code_is_known(self) -> None:
        table = PROTOCOL[PROTOCOL.index("\n## 9. ") : PROTOCOL.index("\n## 10. ")]
        codes = [row[0] for row in rows(table) if re.fullmatch(r"[A-Z_]+", row[0])]
        self.assertEqual(sorted(get_args(ErrorCode)), sorted(codes))

    def test_every_status_and_reason_is_known(self) -> None:
        reasons = PROTOCOL[PROTOCOL.index("\n### 8.1 ") : PROTOCOL.index("\n## 9. ")]
        told = [row[0].strip("`") for row in rows(reasons) if row[0].startswith("`")]
        self.assertEqual(told, list(get_args(wire.WaitingReason)))
        self.assertEqual({event for event in documented() if event in wire.EVENTS}, wire.EVENTS)
        for status in get_args(wire.RequestStatus):
            self.assertIn(f"`{status}`", PROTOCOL)

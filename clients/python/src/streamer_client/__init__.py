"""
Streamer's client for Python: one handle per request, live progress, nothing lost over reconnects.

>>> async with connect("ws://localhost:8080", token=token) as client:
...     run = client.request("resize_images", {"album": "a1", "width": 640})
...     async for progress in run.progress:
...         print(progress.percentage)
...     result = await run

Without an event loop: `streamer_client.sync`.
"""

from .client import Client, Page, connect
from .eta import Eta
from .errors import ClientErrorCode, ErrorCode, StreamerError
from .options import Clock, OutboxLimits, Reconnect, Token
from .run import Receipt, Run
from .session import ConnectionState
from .state import Progress, RequestInfo, RunState, WaitingFor
from .tracker import CancellationReceipt
from .wire import ActionDescription, RequestStatus, RunEvent, RunReference, Scalar, WaitingReason

__all__ = [
    "ActionDescription",
    "CancellationReceipt",
    "Client",
    "ClientErrorCode",
    "Clock",
    "ConnectionState",
    "ErrorCode",
    "Eta",
    "OutboxLimits",
    "Page",
    "Progress",
    "Receipt",
    "Reconnect",
    "RequestInfo",
    "RequestStatus",
    "Run",
    "RunEvent",
    "RunReference",
    "RunState",
    "Scalar",
    "StreamerError",
    "Token",
    "WaitingFor",
    "WaitingReason",
    "connect",
]

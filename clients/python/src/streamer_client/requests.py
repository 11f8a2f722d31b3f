"""
The book of what is open: followed requests by id, questions by ref. It decides what each frame means to whom, and
what to say again on a new connection: requests not answered yet under the same id (the server de-duplicates, P4),
all others by `subscribe` after the last seq seen (P6). No socket and no reconnecting here.
"""

from asyncio import Future
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from .errors import StreamerError, about, from_wire
from .followed import Followed
from .frames import RETRY, print_frame
from .options import Options
from .outbox import Outbox
from .pace import Pace, is_passing
from .phase import Attached, Sent, Unsent, enter, send
from .promise import Promise
from .tracker import CancellationReceipt, Cancelling, Tracker
from .wire import EVENTS, ErrorEvent, RunEvent, RunReference, ServerMessage, Snapshot, Welcome

DETACH_AFTER_MS = 1_000
"""From the last detach to the end of following: what is attached to again at once keeps what it had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    refused: Callable[[StreamerError], None]
    answered: Callable[[ServerMessage], None]
    text: str | None = None
    """Sent again on the next connection; without it, what it belongs to sees to that."""
    again: Callable[[], None] | None = None
    """Asks again, under another ref."""


class Requests:
    def __init__(self, options: Options, is_up: Callable[[], bool], send: Callable[[str], None]) -> None:
        self._clock = options.clock
        self._is_up = is_up
        self._send = send
        self._outbox = Outbox(options.outbox)
        self._pace = Pace(options.clock, options.random)
        self._followed = Followed()
        self._questions: dict[str, Question] = {}
        self._refs = 0
        self._epoch = ""
        self._ahead_ms = 0.0

    def follow(self, id: str, frame: str) -> Tracker:
        """Sends a frame about a request, again on each connection until it is answered, and follows the request."""
        unanswered = next((tracker for tracker in self._followed.of(id) if tracker.frame is not None), None)
        if unanswered and unanswered.frame == frame:
            return unanswered
        if unanswered:
            problem = f'Another request under the id "{id}" is on its way from here; use a new id.'
            return self.refused(id, StreamerError("DUPLICATE_REQUEST", problem, id))
        tracker = Tracker(id, Unsent(frame=frame), self)
        full = self._outbox.add(frame)
        self._followed.add(tracker)
        if full:
            tracker.fail(full)
        elif self._is_up():
            tracker.move(enter(tracker.phase, self._epoch))
            self._send_frame(tracker)
        return tracker

    def refused(self, id: str, error: StreamerError) -> Tracker:
        """A request that ends before it was sent."""
        tracker = Tracker(id, Attached(), self)
        tracker.fail(error)
        return tracker

    def attach(self, reference: RunReference) -> Tracker:
        """Follows a request that exists; joins in when this client follows it already."""
        id, frame = reference["id"], reference.get("frame")
        joined = self._followed.of(id)
        if joined:
            return joined[0]
        if frame is not None:
            return self.follow(id, frame)
        tracker = Tracker(id, Attached(seq=reference["after"], epoch=reference.get("epoch")), self)
        self._followed.add(tracker)
        if self._is_up():
            tracker.move(enter(tracker.phase, self._epoch))
            self._subscribe(id)
        return tracker

    def detach(self, tracker: Tracker) -> None:
        """One handle fewer: with the last one gone the request is no longer followed, unless attached to in a while."""
        tracker.handles -= 1

        def leave() -> None:
            if tracker.handles > 0 or tracker.is_over:
                return
            tracker.leave()
            if self._is_up() and not self._followed.of(tracker.id):
                self._send(print_frame({"type": "unsubscribe", "request_id": tracker.id}))

        def is_known(accepted: Future[None]) -> None:
            if accepted.exception() is None:
                self._clock.after(DETACH_AFTER_MS, leave)

        # Not before the server has it: nothing that was sent is taken back.
        tracker.accepted.add_done_callback(is_known)

    def cancel(self, tracker: Tracker, reason: str | None) -> Promise[CancellationReceipt]:
        if tracker.cancelling and not tracker.is_over:
            return tracker.cancelling.receipt
        receipt: Promise[CancellationReceipt] = Promise()
        if tracker.is_over:
            receipt.resolve(tracker.receipt)
            return receipt
        tracker.cancelling = Cancelling(reason, self._next_ref(), receipt)
        if isinstance(tracker.phase, Unsent):
            problem = f'Request "{tracker.id}" was cancelled before it was sent.'
            tracker.fail(StreamerError("CANCELLED", problem, tracker.id))
        elif self._is_up():
            self._send_cancel(tracker)
        return receipt

    def ask(self, message: Mapping[str, Any]) -> Promise[ServerMessage]:
        """Sends a question, again on each connection until it is answered."""
        answer: Promise[ServerMessage] = Promise()
        ref = self._next_ref()
        text = print_frame({**message, "ref": ref})
        full = self._outbox.add(text)
        answer.add_done_callback(lambda _: self._outbox.remove(text))
        if full:
            answer.reject(full)
            return answer
        self._questions[ref] = Question(text=text, answered=answer.resolve, refused=answer.reject)
        if self._is_up():
            self._send(text)
        return answer

    def now(self) -> float:
        """Epoch ms, by the clock of the server that was connected to last."""
        return self._clock.monotonic() + self._ahead_ms

    def up(self, welcome: Welcome) -> None:
        self._ahead_ms = welcome["timestamp"] - self._clock.monotonic()
        self._pace.reset()
        self._outbox.largest_bytes = welcome["limits"]["message_bytes"]
        self._epoch = welcome["epoch"]
        again: list[Callable[[], None]] = []
        for id, trackers in self._followed.all():
            for tracker in trackers:
                tracker.move(enter(tracker.phase, self._epoch))
                if tracker.frame is not None:
                    again.append(partial(self._send_frame, tracker))
                if tracker.cancelling:
                    again.append(partial(self._send_cancel, tracker))
            again.append(partial(self._subscribe, id))
        for question in self._questions.values():
            if question.text is not None:
                again.append(partial(self._send, question.text))
        self._pace.spread(again, welcome["limits"]["messages_per_second"])

    def down(self) -> None:
        self._pace.reset()
        self._questions = {ref: question for ref, question in self._questions.items() if question.text is not None}

    def stumble(self) -> None:
        """Something said on this connection was lost: what is unanswered is said again, in a while."""
        self._pace.stumble(self._say_again)

    def receive(self, message: ServerMessage) -> None:
        ref = cast(Mapping[str, Any], message).get("ref")
        question = self._questions.pop(ref, None) if ref is not None else None
        if question is None:
            self._dispatch(message)
        elif message["type"] == "error":
            question.refused(from_wire(message["error"], message.get("request_id")))
        else:
            question.answered(message)

    def end(self, error: StreamerError) -> None:
        """Ends everything that is open."""
        self._pace.reset()
        for id, trackers in self._followed.all():
            for tracker in trackers:
                if tracker.cancelling:
                    tracker.cancelling.receipt.reject(about(error, id))
                tracker.fail(about(error, id))
        questions, self._questions = self._questions, {}
        for question in questions.values():
            question.refused(error)

    def accepted(self, tracker: Tracker, frame: str) -> None:
        self._outbox.remove(frame)
        if tracker.cancelling and tracker.cancelling.standing == "early" and self._is_up():
            self._send_cancel(tracker)

    def ended(self, tracker: Tracker, frame: str | None) -> None:
        if frame is not None:
            self._outbox.remove(frame)
        if tracker.cancelling:
            self._questions.pop(tracker.cancelling.ref, None)
        self._followed.remove(tracker)

    def _next_ref(self) -> str:
        self._refs += 1
        return str(self._refs)

    def _send_frame(self, tracker: Tracker) -> None:
        if tracker.frame is None:
            return
        refusal = self._outbox.refusal(tracker.frame, tracker.id)
        if refusal:
            tracker.fail(refusal)
            return
        frame = tracker.frame
        tracker.move(send(tracker.phase))
        self._send(frame)

    def _subscribe(self, id: str) -> None:
        known = [tracker for tracker in self._followed.of(id) if tracker.frame is None]
        if not known:
            return

        def answered(message: ServerMessage) -> None:
            if message["type"] == "snapshot":
                for tracker in self._followed.of(id):
                    tracker.snapshot(message)

        def refused(error: StreamerError) -> None:
            if is_passing(error):
                self._pace.later(error, partial(self._subscribe, id))
                return
            for tracker in self._followed.of(id):
                if tracker.frame is None:
                    tracker.fail(error)

        ref = self._next_ref()
        self._questions[ref] = Question(again=partial(self._subscribe, id), answered=answered, refused=refused)
        # Several here may follow one request: the server replays for the one that is furthest behind.
        after = min(tracker.cursor for tracker in known)
        self._send(print_frame({"type": "subscribe", "request_id": id, "after": after, "ref": ref}))

    def _send_cancel(self, tracker: Tracker) -> None:
        if not tracker.cancelling or tracker.is_over:
            return
        cancelling = tracker.cancelling
        cancelling.standing = "said"
        self._questions[cancelling.ref] = Question(
            again=partial(self._send_cancel, tracker),
            answered=self._dispatch,
            refused=partial(self._refuse_cancel, tracker, cancelling),
        )
        reason = {} if cancelling.reason is None else {"reason": cancelling.reason}
        self._send(print_frame({"type": "cancel", "request_id": tracker.id, "ref": cancelling.ref, **reason}))

    def _refuse_cancel(self, tracker: Tracker, cancelling: Cancelling, error: StreamerError) -> None:
        if error.code == "NOT_FOUND" and tracker.frame is not None:
            cancelling.standing = "early"
        elif is_passing(error):
            self._pace.later(error, partial(self._send_cancel, tracker))
        else:
            tracker.cancelling = None
            cancelling.receipt.reject(error)

    def _say_again(self) -> None:
        """A server that had heard it after all answers with what there is (P4). Of what was answered, some may not have come."""
        unanswered = [tracker for _, trackers in self._followed.all() for tracker in trackers if tracker.frame is not None]
        asked = list(self._questions.items())
        behind = [id for id, trackers in self._followed.all() if any(tracker.is_behind for tracker in trackers)]
        if not unanswered and not asked and not behind:
            self._pace.calm()
        for tracker in unanswered:
            self._send_frame(tracker)
        for id in behind:
            self._subscribe(id)
        for ref, question in asked:
            if question.text is not None:
                self._send(question.text)
            elif self._questions.pop(ref, None) and question.again:
                question.again()

    def _refuse(self, tracker: Tracker, error: StreamerError) -> None:
        """A refusal of the frame that made the request."""
        if not isinstance(tracker.phase, Sent):
            return
        sent_before = tracker.phase.times > 1
        if tracker.phase.frame.startswith(RETRY) and sent_before and error.code == "VALIDATION_ERROR":
            # Its first sending was heard and the answer lost: the request is queued again already.
            tracker.heard()
            self._subscribe(tracker.id)
        elif error.code == "SERVICE_UNAVAILABLE" or (sent_before and is_passing(error)):
            self._pace.later(error, partial(self._send_frame, tracker))
        else:
            tracker.fail(error)

    def _dispatch(self, message: ServerMessage) -> None:
        if message["type"] == "error":
            self._dispatch_error(message)
        elif message["type"] == "snapshot":
            self._dispatch_snapshot(message)
        elif message["type"] in EVENTS:
            event = cast(RunEvent, message)
            for tracker in self._followed.of(event.get("request_id", "")):
                tracker.apply(event)

    def _dispatch_error(self, message: ErrorEvent) -> None:
        id = message.get("request_id")
        if id is None:
            return
        for tracker in self._followed.of(id):
            if "seq" in message:
                tracker.apply(message)
            elif "ref" not in message:
                # With a ref it answers a question, one that nobody here asks any more.
                self._refuse(tracker, from_wire(message["error"], id))

    def _dispatch_snapshot(self, message: Snapshot) -> None:
        """The answer to a request that was there before, perhaps under another id (its idempotency key's)."""
        for tracker in self._followed.of(message.get("ref", message["request_id"])):
            self._followed.rename(tracker, message["request_id"])
            tracker.snapshot(message)

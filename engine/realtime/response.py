"""One response: from an `Answer` to the protocol's events, in the protocol's order."""

from __future__ import annotations

import base64
from typing import Any, Literal, Protocol

from engine.house.dialogue import Call
from engine.realtime.answer import Answer
from engine.realtime.conversation import Conversation, Entry, text_tokens

#: Sound in one delta; a burst of them is sent as soon as it exists.
DELTA_MS = 400

Status = Literal["in_progress", "completed", "cancelled", "failed", "incomplete"]
Reason = Literal["turn_detected", "client_cancelled", "max_output_tokens"]


class Line(Protocol):
    """Where a response sends its events."""

    def send(self, kind: str, **fields: Any) -> None:
        """Send one event; an ``event_id`` is added."""
        ...

    def new_id(self, prefix: str) -> str:
        """A fresh id."""
        ...


def bytes_per_ms(ulaw: bool) -> int:
    """Size of a millisecond of output: mu-law 8 kHz, or 16-bit PCM at 24 kHz."""
    return 8 if ulaw else 48


class Response:
    """Opens with ``response.created``; `advance` sends what has become ready until it is over."""

    def __init__(
        self,
        line: Line,
        conversation: Conversation,
        answer: Answer,
        *,
        attached: bool = True,
        metadata: dict[str, str] | None = None,
        base: dict[str, Any] | None = None,
        input_tokens: tuple[int, int] = (0, 0),
    ) -> None:
        self.id = line.new_id("resp")
        self.status: Status = "in_progress"
        self.audio_ms = 0
        self.answer = answer
        self._line = line
        self._conversation = conversation
        self._attached = attached
        self._metadata = metadata
        self._base = base or {}
        self._input_tokens = input_tokens
        self._details: dict[str, Any] | None = None
        self._output: list[dict[str, Any]] = []
        self._message: Entry | None = None
        self._index = 0
        # An answer stands behind what it answers, even if the caller has gone on speaking meanwhile.
        self._anchor = conversation.last_id
        self._sent = 0
        self._text_tokens = 0

    @property
    def over(self) -> bool:
        """Whether ``response.done`` was sent."""
        return self.status != "in_progress"

    def open(self) -> None:
        """Announce it."""
        self._line.send("response.created", response=self._public())

    def advance(self) -> None:
        """Send everything that is ready."""
        reply = self.answer.reply
        if self.over or reply is None:
            return
        if self.answer.pieces:
            if self._message is None:
                self._open_message()
            if self.answer.voice.spoken:
                while self._sent < len(self.answer.clips):
                    self._send_clip(self.answer.pieces[self._sent], self.answer.clips[self._sent])
                    self._sent += 1
            else:
                while self._sent < len(self.answer.pieces):
                    self._send_text(self.answer.pieces[self._sent])
                    self._sent += 1
        if not self.answer.complete:
            return
        if self.answer.failed:
            self._close_message("incomplete")
            self._details = {"type": "failed", "error": {"type": "server_error", "code": "speech_synthesis_failed"}}
            self._finish("failed")
            return
        if self.answer.cut:
            self._close_message("incomplete")
            self._details = {"type": "incomplete", "reason": "max_output_tokens"}
            self._finish("incomplete")
            return
        self._close_message("completed")
        if reply.call is not None:
            self._call(reply.call)
        self._finish("completed")

    def cancel(self, reason: Reason) -> None:
        """End it here; what was sent stays in the conversation, marked incomplete."""
        if self.over:
            return
        self.answer.drop()
        self._close_message("incomplete")
        self._details = {"type": "cancelled", "reason": reason}
        self._finish("cancelled")

    # --- items -----------------------------------------------------------------------------------------------------

    def _item_event(self, kind: str, **fields: Any) -> None:
        self._line.send(kind, response_id=self.id, output_index=self._index, **fields)

    def _part_event(self, kind: str, **fields: Any) -> None:
        assert self._message is not None
        self._item_event(kind, item_id=self._message.id, content_index=0, **fields)

    def _add(self, entry: Entry) -> None:
        self._item_event("response.output_item.added", item=entry.public)
        if self._attached:
            before = self._conversation.add(entry, self._conversation.behind(self._anchor))
            self._anchor = entry.id
            self._line.send("conversation.item.added", previous_item_id=before, item=entry.public)

    def _done(self, entry: Entry) -> None:
        self._item_event("response.output_item.done", item=entry.public)
        if self._attached:
            self._line.send("conversation.item.done", item=entry.public)
        self._output.append(entry.public)
        self._index += 1

    def _open_message(self) -> None:
        item_id = self._line.new_id("item")
        shell = {"id": item_id, "object": "realtime.item", "type": "message", "status": "in_progress"}
        self._message = Entry(item_id, "assistant", shell | {"role": "assistant", "content": []})
        if self.answer.voice.spoken:
            self._message.audio_ms = 0
        self._add(self._message)
        spoken = self.answer.voice.spoken
        self._part_event(
            "response.content_part.added",
            part={"type": "audio", "transcript": ""} if spoken else {"type": "text", "text": ""},
        )

    def _grow(self, piece: str) -> str:
        assert self._message is not None
        delta = piece if not self._message.text else f" {piece}"
        self._message.text += delta
        self._text_tokens += text_tokens(delta)
        return delta

    def _send_text(self, piece: str) -> None:
        self._part_event("response.output_text.delta", delta=self._grow(piece))

    def _send_clip(self, piece: str, clip: bytes) -> None:
        assert self._message is not None
        self._part_event("response.output_audio_transcript.delta", delta=self._grow(piece))
        per_ms = bytes_per_ms(self.answer.voice.ulaw)
        step = DELTA_MS * per_ms
        for at in range(0, len(clip), step):
            self._part_event(
                "response.output_audio.delta", delta=base64.b64encode(clip[at : at + step]).decode("ascii")
            )
        self.audio_ms += len(clip) // per_ms
        self._message.audio_ms = self.audio_ms
        self._message.marks.append((self.audio_ms, piece))

    def _close_message(self, status: Status) -> None:
        message = self._message
        if message is None or message.public["status"] != "in_progress":
            return
        text = message.text
        if self.answer.voice.spoken:
            self._part_event("response.output_audio.done")
            self._part_event("response.output_audio_transcript.done", transcript=text)
            part = {"type": "audio", "transcript": text}
            content = {"type": "output_audio", "transcript": text}
        else:
            self._part_event("response.output_text.done", text=text)
            part = {"type": "text", "text": text}
            content = {"type": "output_text", "text": text}
        self._part_event("response.content_part.done", part=part)
        if not message.public["content"]:
            # A truncation while the answer was still being made has filled it already.
            message.public["content"] = [content]
        message.public["status"] = status
        self._done(message)

    def _call(self, call: Call) -> None:
        item_id, call_id = self._line.new_id("item"), self._line.new_id("call")
        public = {
            "id": item_id,
            "object": "realtime.item",
            "type": "function_call",
            "status": "in_progress",
            "call_id": call_id,
            "name": call.name,
            "arguments": "",
        }
        entry = Entry(item_id, "call", public)
        self._add(entry)
        self._item_event(
            "response.function_call_arguments.delta", item_id=item_id, call_id=call_id, delta=call.arguments
        )
        public["arguments"], public["status"] = call.arguments, "completed"
        self._item_event(
            "response.function_call_arguments.done",
            item_id=item_id,
            call_id=call_id,
            name=call.name,
            arguments=call.arguments,
        )
        self._text_tokens += text_tokens(call.arguments)
        self._done(entry)

    # --- the end ---------------------------------------------------------------------------------------------------

    def _finish(self, status: Status) -> None:
        self.status = status
        self._line.send("response.done", response=self._public())

    def _public(self) -> dict[str, Any]:
        public = {
            "id": self.id,
            "object": "realtime.response",
            "status": self.status,
            "output": list(self._output),
            "output_modalities": ["audio"] if self.answer.voice.spoken else ["text"],
            **self._base,
        }
        if self._metadata is not None:
            public["metadata"] = self._metadata
        if self._details is not None:
            public["status_details"] = self._details
        if self.over:
            public["usage"] = self._usage()
        return public

    def _usage(self) -> dict[str, Any]:
        # One token is four characters, 100 ms of audio heard, or 50 ms of audio spoken.
        text_in, audio_in = self._input_tokens
        audio_out = -(-self.audio_ms // 50)
        return {
            "total_tokens": text_in + audio_in + self._text_tokens + audio_out,
            "input_tokens": text_in + audio_in,
            "output_tokens": self._text_tokens + audio_out,
            "input_token_details": {
                "text_tokens": text_in,
                "audio_tokens": audio_in,
                "image_tokens": 0,
                "cached_tokens": 0,
                "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0},
            },
            "output_token_details": {"text_tokens": self._text_tokens, "audio_tokens": audio_out},
        }

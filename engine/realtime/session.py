"""One Realtime session, sans IO: frames and results go in, effects come out; nothing waits and nothing blocks.

``receive`` takes a client's frame, ``listen`` works off audio in small stretches, ``finished`` brings a job's result,
``tick`` lets time pass; each is followed by ``take``. Event names and order: OpenAI's Realtime API, GA.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from common.audio import ulaw_decode
from engine.house.dialogue import Prompt, Turn
from engine.parts.protocols import VoiceActivity
from engine.realtime import config as settings_of
from engine.realtime.config import ResponseConfig, choice_text
from engine.realtime.conversation import MAX_ITEMS, from_client
from engine.realtime.core import Core, Settings
from engine.realtime.effects import Close, Effect, Prepare
from engine.realtime.frames import (
    Append,
    Clear,
    ClientError,
    ClientEvent,
    Commit,
    FunctionCallOutput,
    Item,
    ItemCreate,
    ItemDelete,
    ItemRetrieve,
    ItemTruncate,
    ResponseCancel,
    ResponseCreate,
    SessionUpdate,
    decode_audio,
    explain,
    parse,
)
from engine.realtime.turns import Turns

_ITEM: TypeAdapter[Item] = TypeAdapter(Item)


class Session:
    """State machine of one client connection."""

    def __init__(self, settings: Settings, activity: VoiceActivity, model: str = "deskbell-house") -> None:
        self._core = Core(settings, model)
        self._turns = Turns(self._core, activity)
        self._core.send("session.created", session=self._public())

    @property
    def behind(self) -> bool:
        """Whether there is audio that `listen` has not looked at yet."""
        return self._turns.ear.behind

    @property
    def deadline(self) -> float:
        """When `tick` wants to be called, on the clock of the settings."""
        return min(self._core.expires, self._core.idle_at or self._core.expires)

    def take(self) -> list[Effect]:
        """Effects since the last call."""
        return self._core.take()

    def listen(self) -> None:
        """Look at up to two seconds of audio."""
        self._turns.listen()

    def finished(self, job: int, result: object) -> None:
        """A job's result, or the Exception it ended with."""
        self._core.finished(job, result)

    def tick(self) -> None:
        """Time has passed."""
        now = self._core.settings.clock()
        if now >= self._core.expires:
            error = ClientError("Your session hit the maximum duration of 60 minutes.", code="session_expired")
            self._core.error(error)
            self._core.emit(Close(1001, "session expired"))
        elif self._core.idle_at is not None and now >= self._core.idle_at:
            self._turns.idle()

    def receive(self, frame: str) -> None:
        """One text frame of the client. A bad one becomes an ``error`` event; the session lives on."""
        event_id: str | None = None
        try:
            event = parse(frame)
            event_id = event.event_id
            self._dispatch(event)
        except ClientError as error:
            error.event_id = error.event_id or event_id
            self._core.error(error)

    def receive_binary(self) -> None:
        """The protocol has no binary frames."""
        self._core.error(ClientError("Binary frames are not supported.", code="invalid_frame"))

    # --- client events ---------------------------------------------------------------------------------------------

    def _dispatch(self, event: ClientEvent) -> None:
        core = self._core
        if isinstance(event, Append):
            if not self._turns.ear.append(decode_audio(event.audio, event.event_id)):
                raise ClientError("The input audio buffer is full; commit or clear it.", code="input_audio_buffer_full")
        elif isinstance(event, SessionUpdate):
            self._update(event)
        elif isinstance(event, Commit):
            self._turns.commit(event.event_id)
        elif isinstance(event, Clear):
            self._turns.clear()
        elif isinstance(event, ItemCreate):
            self._create_item(event)
        elif isinstance(event, ItemDelete):
            core.conversation.delete(event.item_id)
            core.send("conversation.item.deleted", item_id=event.item_id)
            core.words_known()
        elif isinstance(event, ItemRetrieve):
            core.send("conversation.item.retrieved", item=core.conversation.get(event.item_id).public)
        elif isinstance(event, ItemTruncate):
            core.conversation.truncate(event.item_id, event.content_index, event.audio_end_ms)
            core.playing_until = core.settings.clock()
            core.send(
                "conversation.item.truncated",
                item_id=event.item_id,
                content_index=event.content_index,
                audio_end_ms=event.audio_end_ms,
            )
        elif isinstance(event, ResponseCreate):
            self._create_response(event)
        elif isinstance(event, ResponseCancel):
            self._cancel(event)
        else:
            raise ClientError("This event is for WebRTC and SIP sessions only.", code="invalid_event", param="type")

    def _public(self) -> dict[str, Any]:
        core = self._core
        identity = {"id": core.session_id, "object": "realtime.session", "expires_at": core.expires_at}
        return core.config.public() | identity

    def _update(self, event: SessionUpdate) -> None:
        core = self._core
        core.config = settings_of.update(core.config, event.session, event.event_id, spoken=core.spoken)
        self._turns.retune()
        core.send("session.updated", session=self._public())
        if core.config.tools:
            core.emit(Prepare(core.prompt()))

    def _create_item(self, event: ItemCreate) -> None:
        core = self._core
        item = event.item
        if isinstance(item, FunctionCallOutput) and not core.conversation.has_call(item.call_id):
            message = f"Tool call ID '{item.call_id[:64]}' not found in conversation."
            raise ClientError(message, code="invalid_tool_call_id", param="item.call_id")
        if len(core.conversation) >= MAX_ITEMS:
            raise ClientError("The conversation is full.", code="conversation_full")
        entry, audio = from_client(item, item.id or core.new_id("item"))
        samples = None
        if audio is not None:
            data = decode_audio(audio, event.event_id, "item.content.audio")
            ulaw = self._turns.ear.ulaw
            samples = ulaw_decode(data) if ulaw else np.frombuffer(data[: len(data) & ~1], "<i2").astype(np.int16)
            entry.audio_ms = samples.size * 1000 // self._turns.ear.rate
        before = core.conversation.add(entry, event.previous_item_id)
        core.send("conversation.item.added", previous_item_id=before, item=entry.public)
        core.send("conversation.item.done", previous_item_id=before, item=entry.public)
        if samples is not None:
            self._turns.recognise_entry(entry, samples, entry.audio_ms or 0, answer=False)

    def _create_response(self, event: ResponseCreate) -> None:
        core = self._core
        if core.response is not None:
            raise ClientError(
                "Conversation already has an active response in progress.",
                code="conversation_already_has_active_response",
            )
        options = settings_of.response_config(event.response, event.event_id)
        prompt = self._prompt_for(options)
        answer = core.answer(guess=False, modalities=options.output_modalities, max_tokens=options.max_output_tokens)
        core.respond(answer, prompt, options)

    def _prompt_for(self, options: ResponseConfig) -> Callable[[], Prompt]:
        core = self._core
        turns = None if options.input is None else self._turns_of(options.input)

        def prompt() -> Prompt:
            base = core.prompt()
            tools = base.tools
            if options.tools is not None:
                tools = tuple(tool.model_dump(exclude_none=True) for tool in options.tools)
            choice = base.tool_choice if options.tool_choice is None else choice_text(options.tool_choice)
            known = base.turns if turns is None else turns
            return Prompt(base.instructions, tools, known, choice, ask=options.instructions or "")

        return prompt

    def _turns_of(self, items: list[dict[str, Any]]) -> tuple[Turn, ...]:
        turns = []
        for index, data in enumerate(items):
            if data.get("type") == "item_reference":
                turns.append(self._core.conversation.get(str(data.get("id")), f"response.input.{index}.id").turn())
                continue
            try:
                item = _ITEM.validate_python(data)
            except ValidationError as error:
                raise explain(error, f"response.input.{index}") from None
            turns.append(from_client(item, "input")[0].turn())
        return tuple(turns)

    def _cancel(self, event: ResponseCancel) -> None:
        response = self._core.response
        if response is None or (event.response_id is not None and event.response_id != response.id):
            raise ClientError("Cancellation failed: no active response found.", code="response_cancel_not_active")
        self._core.cancel("client_cancelled")

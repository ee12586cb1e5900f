"""Spoken conversations with the real server through OpenAI's client."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from websockets.exceptions import InvalidStatus

from common.audio import Int16, read_wav, resample, ulaw_encode, write_wav
from tests.engine import contract
from tests.engine.desks import DENTAL

SPEECH = Path(__file__).parents[1] / "fixtures" / "speech"
SESSION: dict[str, Any] = {
    "type": "realtime",
    "instructions": "You are the receptionist of Bright Smile Dental.",
    "tools": list(DENTAL),
    "audio": {
        "input": {"format": {"type": "audio/pcmu"}, "transcription": {"model": "whisper-base"}},
        "output": {"format": {"type": "audio/pcmu"}},
    },
}
SAYS = {
    "business_hours": "We are open from nine to five.",
    "answer_question": "According to our price list, a cleaning costs 80 dollars.",
    "end_call": "Goodbye.",
}


class Caller:
    """Speaks and listens over one connection; checks every event."""

    def __init__(self, connection: AsyncRealtimeConnection, client: AsyncOpenAI) -> None:
        self.connection, self.client = connection, client
        self.events: list[Any] = []
        self.tools: list[tuple[str, dict[str, Any]]] = []
        self.outputs: dict[str, dict[str, Any]] = {name: {"say": say} for name, say in SAYS.items()}

    async def next(self) -> Any:
        """The next event, typed by the client and checked against the contract."""
        raw = await asyncio.wait_for(self.connection.recv_bytes(), 20)
        event = self.connection.parse_event(raw)
        contract.check(json.loads(raw))
        assert type(event) is contract.sdk_classes()[event.type]
        self.events.append(event)
        return event

    async def until(self, kind: str) -> Any:
        """The next event of a kind."""
        while True:
            event = await self.next()
            assert event.type != "error" or kind == "error", event
            if event.type == kind:
                return event

    async def voice(self, text: str) -> Int16:
        """`text` spoken by the engine's own voice, 8 kHz."""
        answer = await self.client.audio.speech.create(model="m", voice="v", input=text, response_format="wav")
        return resample(read_wav(answer.content).mono(24000), 24000, 8000)

    async def send(self, samples: Int16) -> None:
        """A turn, in 20 ms frames, as fast as they go, with a second of silence behind it."""
        data = ulaw_encode(np.concatenate([np.zeros(1600, np.int16), samples, np.zeros(8000, np.int16)]))
        for at in range(0, len(data), 160):
            await self.connection.input_audio_buffer.append(audio=base64.b64encode(data[at : at + 160]).decode())

    async def answer(self) -> tuple[str, bytes]:
        """Until something has been said; tools are answered on the way. Returns its words and its sound."""
        sound = b""
        while True:
            event = await self.next()
            assert event.type != "error", event
            if event.type == "response.output_audio.delta":
                sound += base64.b64decode(event.delta)
            elif event.type == "response.function_call_arguments.done":
                self.tools.append((event.name, json.loads(event.arguments)))
                await self.until("response.done")
                output = json.dumps(self.outputs[event.name])
                await self.connection.conversation.item.create(
                    item={"type": "function_call_output", "call_id": event.call_id, "output": output}
                )
                await self.connection.response.create()
            elif event.type == "response.done" and event.response.output:
                return event.response.output[0].content[0].transcript, sound


async def test_a_caller_is_understood_and_answered(openai: AsyncOpenAI) -> None:
    async with openai.realtime.connect(model="deskbell-house") as connection:
        caller = Caller(connection, openai)
        created = await caller.until("session.created")
        assert created.session.audio.input.turn_detection.type == "server_vad"
        await connection.session.update(session=SESSION)  # type: ignore[arg-type]
        await caller.until("session.updated")

        await caller.send(await caller.voice("Hello. What are your opening hours?"))
        text, sound = await caller.answer()
        assert caller.tools == [("business_hours", {})]
        assert text == "We are open from nine to five."
        # About what it takes to say it, at 8000 bytes a second.
        assert 8000 < len(sound) < 32000

        await caller.send(await caller.voice("How much does a cleaning cost?"))
        text, _ = await caller.answer()
        assert text.startswith("According to our price list")
        name, arguments = caller.tools[-1]
        assert name == "answer_question" and "cleaning" in arguments["question"]

        await caller.send(await caller.voice("Thank you, goodbye."))
        assert (await caller.answer())[0] == "Goodbye."
        assert caller.tools[-1] == ("end_call", {})
        heard = [
            event.transcript
            for event in caller.events
            if event.type == "conversation.item.input_audio_transcription.completed"
        ]
        assert len(heard) == 3 and "opening hours" in heard[0].lower()


async def test_a_message_is_left_by_voice(openai: AsyncOpenAI) -> None:
    async with openai.realtime.connect(model="deskbell-house") as connection:
        caller = Caller(connection, openai)
        await connection.session.update(session=SESSION)  # type: ignore[arg-type]
        says = {
            "answer_question": {"decision": "decline", "say": "I am sorry, I don't know that."},
            "take_message": {"say": "Thank you, I will pass that on."},
        }
        caller.outputs |= says
        for sentence, answered in (
            ("Do you sell motorcycles?", "I am sorry, I don't know that. Would you like me to take a message"),
            ("Yes, please.", "Certainly. May I have your name?"),
            ("My name is Peter Miller.", "Thank you. What is your message?"),
            ("Please call me back tomorrow.", "Thank you, I will pass that on."),
        ):
            await caller.send(await caller.voice(sentence))
            text, _ = await caller.answer()
            assert text.startswith(answered)
        name, arguments = caller.tools[-1]
        assert name == "take_message"
        assert arguments["name"] == "Peter Miller"
        assert "call me back tomorrow" in arguments["message"].lower()


async def test_what_is_answered_can_be_understood(openai: AsyncOpenAI) -> None:
    async with openai.realtime.connect(model="deskbell-house") as connection:
        caller = Caller(connection, openai)
        await connection.session.update(session={"type": "realtime"})
        await connection.response.create(response={"instructions": 'Say: "Please call again tomorrow morning."'})
        sound = b""
        while True:
            event = await caller.next()
            if event.type == "response.output_audio.delta":
                sound += base64.b64decode(event.delta)
            if event.type == "response.done":
                break
        # The default output is 16-bit PCM at 24 kHz.
        heard = await openai.audio.transcriptions.create(
            model="whisper-base", file=("a.wav", write_wav(np.frombuffer(sound, "<i2").astype(np.int16), 24000))
        )
        assert "tomorrow morning" in heard.text.lower()


@pytest.mark.parametrize(("name", "word"), [("something", "somewhere"), ("austen-0880", "disposed")])
async def test_recorded_human_speech_is_a_turn(openai: AsyncOpenAI, name: str, word: str) -> None:
    async with openai.realtime.connect(model="deskbell-house") as connection:
        caller = Caller(connection, openai)
        await connection.session.update(session=SESSION)  # type: ignore[arg-type]
        await caller.send(read_wav((SPEECH / f"{name}.wav").read_bytes()).mono(8000))
        completed = await caller.until("conversation.item.input_audio_transcription.completed")
        assert word in completed.transcript.lower()
        await caller.answer()
        assert caller.tools[0][0] == "answer_question"


async def test_noise_starts_no_conversation(openai: AsyncOpenAI) -> None:
    async with openai.realtime.connect(model="deskbell-house") as connection:
        caller = Caller(connection, openai)
        await connection.session.update(session=SESSION)  # type: ignore[arg-type]
        noise = (np.random.default_rng(5).normal(size=24000) * 600).astype(np.int16)
        await caller.send(noise)
        await connection.input_audio_buffer.clear()
        while (await caller.next()).type != "input_audio_buffer.cleared":
            pass
        assert not [event for event in caller.events if event.type == "response.created" and event.response.output]
        assert caller.tools == []


async def test_a_typed_conversation_is_possible(openai: AsyncOpenAI) -> None:
    async with openai.realtime.connect(model="deskbell-house") as connection:
        caller = Caller(connection, openai)
        await connection.session.update(session={**SESSION, "output_modalities": ["text"]})  # type: ignore[arg-type]
        content = [{"type": "input_text", "text": "Are you a robot?"}]
        await connection.conversation.item.create(
            item={"type": "message", "role": "user", "content": content}  # type: ignore[arg-type]
        )
        await connection.response.create()
        done = await caller.until("response.output_text.done")
        assert done.text.startswith("I am an AI assistant, not a person. I answer the phone for Bright Smile Dental.")


async def test_errors_do_not_end_the_session(openai: AsyncOpenAI) -> None:
    async with openai.realtime.connect(model="deskbell-house") as connection:
        caller = Caller(connection, openai)
        for frame in ("{", '{"type": "x"}', b"\x00\x01", "A" * (23 * 1024 * 1024)):
            await connection._connection.send(frame)
            assert (await caller.until("error")).error.type == "invalid_request_error"
        await connection.response.create()
        assert (await caller.answer())[0].startswith("Hello, this is")


async def test_a_wrong_key_is_refused(openai: AsyncOpenAI) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with openai.with_options(api_key="wrong").realtime.connect(model="deskbell-house"):
            pass
    assert caught.value.response.status_code == 401


async def test_calls_at_once_do_not_mix(openai: AsyncOpenAI) -> None:
    async def one(sentence: str) -> str:
        async with openai.realtime.connect(model="deskbell-house") as connection:
            caller = Caller(connection, openai)
            await connection.session.update(session=SESSION)  # type: ignore[arg-type]
            await connection.response.create(response={"instructions": f'Say: "{sentence}"'})
            return (await caller.answer())[0]

    sentences = [f"This is call number {n}." for n in ("one", "two", "three", "four", "five", "six")]
    assert await asyncio.gather(*(one(sentence) for sentence in sentences)) == sentences

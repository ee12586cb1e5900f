"""What the engine asks of its parts; the local models and the tests' scripted ones fulfil it alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from common.audio import Int16

Float32 = npt.NDArray[np.float32]

#: Embeddings of questions and of passages are made differently (e5 models).
TextKind = Literal["query", "passage"]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of recognised speech, seconds from the start of the audio."""

    start: float
    end: float
    text: str
    tokens: tuple[int, ...] = ()
    logprob: float = 0.0
    no_speech: float = 0.0


@dataclass(frozen=True, slots=True)
class Recognition:
    """What was said. `text` is empty where the model heard no speech or made words up from noise."""

    text: str
    language: str = "en"
    seconds: float = 0.0
    segments: tuple[Segment, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Clip:
    """Synthesised speech: mono samples at `rate`."""

    samples: Int16
    rate: int


class VoiceActivity(Protocol):
    """Likelihood of speech in consecutive windows of one stream."""

    def score(self, window: Float32) -> float:
        """Probability of speech in the next 256 samples at 8 kHz, -1..1."""
        ...


class Recognizer(Protocol):
    """Speech to text; called from worker threads, one call at a time a worker."""

    def recognise(self, samples: Int16, rate: int, *, language: str | None, prompt: str = "") -> Recognition:
        """Text of one utterance of any length. `language` None = find out."""
        ...


class Synthesizer(Protocol):
    """Text to speech; called from one worker thread."""

    def synthesise(self, text: str, *, speed: float = 1.0) -> Clip:
        """One clause or sentence spoken."""
        ...


class Embedder(Protocol):
    """Text to vectors; safe to call from any thread."""

    def embed(self, texts: list[str], kind: TextKind) -> Float32:
        """Unit vectors shaped (len(texts), dimensions)."""
        ...

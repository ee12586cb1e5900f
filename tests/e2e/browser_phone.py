"""A caller at a real Chromium: speaks from a file into its microphone, and keeps what the browser plays."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import av
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from common.audio import RATE, level_db, read_wav, write_wav
from tests.e2e.stack import Stack
from tests.web.browser import CHROMIUM, FLAGS, SIZES, Watched

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

#: The fake microphone's file begins with the call; the greeting is over by then.
SILENCE_FIRST = 8
#: Keeps what the browser plays of the far end, and when it was first loud. Times are ms since 1970, as everywhere here.
LISTEN = """
window.heardAt = null;
const now = () => performance.timeOrigin + performance.now();
const Native = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Native {
  constructor(...given) {
    super(...given);
    this.addEventListener("track", ({ track }) => {
      const stream = new MediaStream([track]);
      const recorder = new MediaRecorder(stream);
      const parts = [];
      recorder.ondataavailable = ({ data }) => parts.push(data);
      recorder.onstart = () => { window.recordedFrom = now(); };
      recorder.start();
      window.recorded = () => new Promise((resolve) => {
        recorder.onstop = async () => {
          const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
          resolve(btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")));
        };
        recorder.stop();
      });
      const audio = new AudioContext();
      const ear = audio.createAnalyser();
      audio.createMediaStreamSource(stream).connect(ear);
      const wave = new Float32Array(ear.fftSize);
      const timer = setInterval(() => {
        ear.getFloatTimeDomainData(wave);
        if (wave.some((sample) => Math.abs(sample) > 0.05)) {
          window.heardAt = now();
          clearInterval(timer);
          audio.close();
        }
      }, 10);
    });
  }
};
"""


def now_ms() -> float:
    """The page's clock, here."""
    return time.time() * 1000


@dataclass
class Visitors:
    """Browsers whose microphone hears one recorded caller."""

    playwright: Playwright
    microphone: Path
    opened: list[Browser] = field(default_factory=list)

    def open(self, size: str = "desktop", scripts: tuple[str, ...] = (LISTEN,)) -> Watched:
        """A blank page in a browser of its own: the microphone's file begins with the first use of the device."""
        flags = [
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={self.microphone}%noloop",
            "--allow-loopback-in-peer-connection",
        ]
        browser = self.playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
        self.opened.append(browser)
        width, height = SIZES[size]
        context = browser.new_context(viewport={"width": width, "height": height}, locale="en-US")
        context.set_default_timeout(20_000)
        for script in scripts:
            context.add_init_script(script)
        return Watched(context.new_page()).watch()


@contextmanager
def visitors(stack: Stack, question: str) -> Iterator[Visitors]:
    """Visitors who ask `question` aloud once the greeting is over, and then keep quiet."""
    asked = read_wav(stack.speak(question).read_bytes())
    parts = [np.zeros(SILENCE_FIRST * asked.rate), asked.mono(asked.rate), np.zeros(60 * asked.rate)]
    microphone = Path(stack.var) / f"microphone-{abs(hash(question))}.wav"
    microphone.write_bytes(write_wav(np.concatenate(parts).astype(np.int16), asked.rate))
    expect.set_options(timeout=30_000)  # people take their time to speak
    try:
        with sync_playwright() as playwright:
            visiting = Visitors(playwright, microphone)
            try:
                yield visiting
            finally:
                for browser in visiting.opened:
                    browser.close()
    finally:
        expect.set_options(timeout=5_000)


def begin(page: Page, button: str, role: Literal["button", "link"] = "button") -> float:
    """Press what calls and wait until somebody has answered; when it was pressed, ms."""
    pressed = now_ms()
    page.get_by_role(role, name=button, exact=True).click()
    expect(page.locator("#test-call")).to_have_attribute("data-state", "live")
    return pressed


def played(page: Page) -> np.ndarray:
    """What the browser has played of the far end, at 8 kHz; ends the recording."""
    data = base64.b64decode(page.evaluate("() => window.recorded()"))
    resampler = av.AudioResampler("s16", "mono", RATE)
    samples = []
    with av.open(io.BytesIO(data)) as file:
        for frame in file.decode(audio=0):
            samples += [part.to_ndarray()[0] for part in resampler.resample(frame)]
    return np.concatenate(samples)


def levels(heard: np.ndarray) -> np.ndarray:
    """dBFS of every 20 ms."""
    return np.array([level_db(heard[at : at + 160]) for at in range(0, len(heard) - 159, 160)])


def utterances(heard: np.ndarray, pause_s: float = 1.5) -> list[tuple[float, float]]:
    """(from, to) in seconds of what was said, taken apart where it was quiet for longer than `pause_s`."""
    spoken = np.flatnonzero(levels(heard) > -40) * 0.02
    cuts = np.flatnonzero(np.diff(spoken) > pause_s)
    starts, ends = np.r_[spoken[:1], spoken[cuts + 1]], np.r_[spoken[cuts], spoken[-1:]] + 0.02
    return list(zip(starts.tolist(), ends.tolist(), strict=True))

"""The test-call panel of the demo practice, driven in Chromium with a recorded caller at its microphone."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from common.audio import RATE, level_db, read_wav, write_wav
from tests.e2e.stack import Stack
from tests.web.browser import CHROMIUM, FLAGS, SIZES, Watched, axe, overflow

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]

#: The fake microphone's file begins with the call; the greeting is over by then.
SILENCE_FIRST = 8
#: Keeps what the browser plays of the far end, and when it was first loud (ms after `window.clicked`).
LISTEN = """
window.heardAt = null;
const Native = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Native {
  constructor(...given) {
    super(...given);
    this.addEventListener("track", ({ track }) => {
      const stream = new MediaStream([track]);
      const recorder = new MediaRecorder(stream);
      const parts = [];
      recorder.ondataavailable = ({ data }) => parts.push(data);
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
          window.heardAt = performance.now() - window.clicked;
          clearInterval(timer);
          audio.close();
        }
      }, 10);
    });
  }
};
"""
REFUSE = """navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "NotAllowedError"));"""


@pytest.fixture(scope="module")
def visit(stack: Stack) -> Iterator[Any]:
    """Opens the demo practice's pages, signed in; the microphone hears a caller ask about Friday."""
    asked = read_wav(stack.speak("What are your opening hours on Friday?").read_bytes())
    parts = [np.zeros(SILENCE_FIRST * asked.rate), asked.mono(asked.rate), np.zeros(60 * asked.rate)]
    microphone = Path(stack.var) / "microphone.wav"
    microphone.write_bytes(write_wav(np.concatenate(parts).astype(np.int16), asked.rate))
    flags = [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={microphone}%noloop",
        "--allow-loopback-in-peer-connection",
    ]
    expect.set_options(timeout=30_000)  # people take their time to speak
    with sync_playwright() as playwright:
        opened = []

        def go(size: str = "desktop", scripts: tuple[str, ...] = (LISTEN,)) -> Watched:
            # A browser of its own each time: the microphone's file begins with the first use of the device.
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
            opened.append(browser)
            width, height = SIZES[size]
            context = browser.new_context(viewport={"width": width, "height": height})
            context.set_default_timeout(20_000)
            for script in scripts:
                context.add_init_script(script)
            watched = Watched(context.new_page()).watch()
            page = watched.page
            page.goto(f"{stack.url}/login")
            page.get_by_label("E-mail address").fill("owner@demo.example")
            page.get_by_label("Password", exact=True).fill("welcome-to-deskbell")
            page.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()
            page.wait_for_url("http://demo.localhost:*/**")
            page.wait_for_selector("body[data-live-state=open]")
            page.get_by_role("button", name="Test call").click()
            return watched

        yield go
        for browser in opened:
            browser.close()
    expect.set_options(timeout=5_000)


def begin(page: Page, button: str) -> None:
    page.evaluate("() => { window.clicked = performance.now() }")
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.locator("#test-call")).to_have_attribute("data-state", "live")


def played(page: Page) -> np.ndarray:
    """What the browser played of the far end, at 8 kHz."""
    data = base64.b64decode(page.evaluate("() => window.recorded()"))
    resampler = av.AudioResampler("s16", "mono", RATE)
    samples = []
    with av.open(io.BytesIO(data)) as file:
        for frame in file.decode(audio=0):
            samples += [part.to_ndarray()[0] for part in resampler.resample(frame)]
    return np.concatenate(samples)


def test_by_voice_the_greeting_and_an_answer_are_heard(stack: Stack, visit: Any) -> None:
    watched = visit()
    page = watched.page
    begin(page, "Call")
    said = page.get_by_role("region", name="What is said")
    expect(said).to_contain_text("Bright Smile")
    expect(said.locator(".turn.caller")).to_contain_text("Friday")
    expect(said.locator(".turn.receptionist").nth(1)).to_contain_text("Friday")  # while the call goes on
    expect(page.locator("#test-call")).to_have_attribute("data-state", "live")
    assert axe(page) == []
    page.wait_for_timeout(1500)  # the words are written when the last of them is about to be heard
    heard = played(page)
    page.get_by_role("button", name="Hang up").click()
    expect(page.locator("#test-call")).to_have_attribute("data-state", "ended")
    expect(said.get_by_role("link")).to_be_visible()
    words = stack.hear(heard).lower()
    assert "smile" in words and "friday" in words, words
    loud = [level_db(heard[at : at + 160]) for at in range(0, len(heard) - 160, 160)]
    assert -30 < max(loud) < -1
    setup = page.evaluate("() => window.heardAt")
    print(json.dumps({"click_to_greeting_ms": round(setup)}))
    assert setup < 5000
    assert watched.complaints == []


def test_by_typing_the_receptionist_answers_and_hangs_up(stack: Stack, visit: Any) -> None:
    watched = visit("phone")
    page = watched.page
    begin(page, "Type instead")
    text = page.get_by_label("What the caller says")
    expect(text).to_be_focused()
    text.fill("No thank you, that is all. Goodbye.")
    text.press("Enter")
    expect(page.locator(".test-call-said .turn.caller")).to_contain_text("oodbye")
    assert overflow(page) <= 0
    expect(page.locator("#test-call")).to_have_attribute("data-state", "ended")
    assert axe(page) == []
    row = stack.in_tenant(
        "demo",
        "from calls.models import Call\nc = Call.objects.filter(is_test=True).order_by('-started_at')[0]\n"
        "answer = [c.outcome, c.caller, c.callee, c.decision_reason]",
    )
    assert row == ["answered", "", "+14155550100", "receptionist_first"]
    assert watched.complaints == []


def test_a_blocked_microphone_is_said_and_typing_still_works(visit: Any) -> None:
    page = visit(scripts=(LISTEN, REFUSE)).page
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="microphone is blocked")).to_be_visible()
    expect(page.locator("#test-call")).to_have_attribute("data-state", "error")
    begin(page, "Type instead")
    page.get_by_role("button", name="Hang up").click()
    expect(page.locator("#test-call")).to_have_attribute("data-state", "ended")

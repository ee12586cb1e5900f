"""What a caller hears when a part of the product is missing or dies: the next rung, never silence."""

from __future__ import annotations

import os
import signal
import time

import httpx
import psutil
import psycopg
import pytest
from psycopg import sql

from common.audio import level_db
from tests.e2e.stack import DEMO, Heard, Stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # calls take their time


def find(stack: Stack, marker: str) -> psutil.Process:
    """The product's process whose command line holds `marker`."""
    for process in psutil.Process(stack.process.pid).children(recursive=True):
        try:
            if marker in " ".join(process.cmdline()):
                return process
        except psutil.NoSuchProcess:
            continue
    raise AssertionError(f"no process {marker}")


def longest_silence(heard: Heard, until_s: float) -> float:
    """Seconds of the longest stretch in which neither side was to be heard, up to `until_s`."""
    step = 160
    worst = run = 0
    both = heard.wav.samples
    for i in range(0, min(len(both), int(until_s * 8000)) - step, step):
        quiet = level_db(both[i : i + step].ravel()) < -50
        run = run + 1 if quiet else 0
        worst = max(worst, run)
    return worst * 0.02


def wait_ready(stack: Stack) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{stack.url}/readyz", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.3)
    raise AssertionError("the product did not come back")


def test_without_credits_the_caller_reaches_a_voicemail_that_is_kept(stack):
    made = stack.create_tenant("Empty Purse", "purse")
    stack.python(
        "import json\n"
        "from billing.services import balance, grant\n"
        "from tenants.models import Tenant\n"
        "t = Tenant.objects.get(slug='purse')\n"
        "grant(t.id, -balance(t.id), key='test-empty', kind='adjust')\n"
        "print(json.dumps(balance(t.id)))"
    )
    heard = stack.call(made["number"], "This is Anna, please call me back tomorrow.")
    assert heard.report["outcome"] == "voicemail"
    assert heard.report["credits"] == 0
    kept = stack.in_tenant(
        "purse",
        "from calls.models import Voicemail\n"
        "from calls.recordings import read_recording\n"
        "from common.audio import read_wav\n"
        "answer = [read_wav(read_recording(v.recording)).seconds for v in Voicemail.objects.all()]",
    )
    assert len(kept) == 1
    assert kept[0] > 1


def wait_for_fact(stack: Stack, caller: str, kind: str) -> None:
    """Return when the journal of the running call from `caller` holds a fact of this kind."""
    with psycopg.connect(stack.run["database_url"], autocommit=True) as connection:
        row = connection.execute("SELECT schema_name FROM tenants_tenant WHERE slug = 'demo'").fetchone()
        assert row is not None
        query = sql.SQL(
            "SELECT 1 FROM {schema}.calls_callevent e JOIN {schema}.calls_call c ON c.id = e.call_id"
            " WHERE c.caller = %s AND e.kind = %s LIMIT 1"
        ).format(schema=sql.Identifier(row[0]))
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if connection.execute(query, (caller, kind)).fetchone():
                return
            time.sleep(0.1)
    raise AssertionError(f"no {kind} in the journal")


def test_a_lost_media_process_does_not_lose_the_call(stack):
    wait_ready(stack)
    caller, price = "+14155550151", "And how much is a cleaning?"
    # The second question may fall into the gap: a person would ask again, and on a busy machine once more.
    soon = stack.call_soon(DEMO, "What are your opening hours on Monday?", price, price, price, caller=caller)
    wait_for_fact(stack, caller, "tool")
    os.kill(find(stack, "realtime.media").pid, signal.SIGKILL)
    heard = soon.result(timeout=170)
    assert heard.tool("business_hours")["ok"]
    assert heard.tool("answer_question")["ok"]
    assert "110 dollars" in heard.receptionist_said
    assert heard.receptionist_said.count("Thank you for calling") == 1
    assert longest_silence(heard, heard.wav.seconds - 6) < 6
    assert heard.report["credits"] == -(-heard.report["seconds"] * 10 // 60)
    wait_ready(stack)


def test_without_an_engine_the_caller_reaches_voicemail(stack):
    wait_ready(stack)
    turns = "Hello, this is Bob.", "I wanted to ask about my appointment."
    for turn in turns:
        stack.speak(turn)
    engine = find(stack, "-m engine")
    engine.suspend()
    try:
        heard = stack.call(DEMO, *turns, caller="+14155550152")
    finally:
        engine.resume()
    assert heard.report["outcome"] == "voicemail"
    assert longest_silence(heard, heard.wav.seconds - 6) < 6
    wait_ready(stack)


def test_an_unknown_number_is_told_so(stack):
    done = stack.manage("call", "--to", "+15005550009", "--wav", str(stack.speak("Hello?")), check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "+15005550009" in done.stderr or "number" in done.stderr

"""`<Gather>`: keys, while prompts play and after."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from carrier.line import Line
from carrier.twiml import Gather
from carrier.verbs.playing import prompt

if TYPE_CHECKING:
    from carrier.call import Call
    from carrier.steps import Goto


async def gather(call: Call, verb: Gather) -> Goto | None:
    """Collect keys until `numDigits`, the finishing key, or `timeout` seconds without one.

    The first key stops the prompts; the time-out counts from their end and anew from each key. Without a key the next
    verb follows, unless `actionOnEmptyResult`. Raises `HungUp`.
    """
    line = call.line
    pressed: asyncio.Queue[str] = asyncio.Queue()
    prompts = asyncio.create_task(_prompts(call, verb))

    def on_key(key: str) -> None:
        pressed.put_nowait(key)
        prompts.cancel()

    line.digit_listeners.append(on_key)
    try:
        await asyncio.wait({prompts})
        if prompts.cancelled():
            line.silence()
        else:
            prompts.result()
        digits, finished_on = await _collect(line, pressed, verb)
    finally:
        line.digit_listeners.remove(on_key)
        prompts.cancel()
    if not digits and not verb.action_on_empty:
        return None
    params = {"Digits": digits}
    if finished_on:
        params["FinishedOnKey"] = finished_on
    return call.goto(verb.action, verb.method, params)


async def _prompts(call: Call, verb: Gather) -> None:
    for part in verb.prompts:
        await prompt(call, part)


async def _collect(line: Line, pressed: asyncio.Queue[str], verb: Gather) -> tuple[str, str]:
    """The keys, and the finishing key if it was pressed."""
    digits = ""
    while len(digits) != verb.num_digits:
        key = await _next_key(line, pressed, verb.timeout)
        if not key or key == verb.finish_on_key:
            return digits, key
        digits += key
    return digits, ""


async def _next_key(line: Line, pressed: asyncio.Queue[str], seconds: float) -> str:
    """The next key, or empty after `seconds` without one."""
    key = asyncio.ensure_future(asyncio.wait_for(pressed.get(), seconds))
    try:
        return await line.until(key)
    except TimeoutError:
        return ""
    finally:
        key.cancel()

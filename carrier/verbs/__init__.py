"""What each TwiML verb does on a call. A handler returns the next step, or None to go on with the next verb."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from carrier import twiml
from carrier.steps import End
from carrier.verbs import connecting, gathering, playing, recording

if TYPE_CHECKING:
    from carrier.call import Call
    from carrier.steps import Step


def prepare(call: Call, verb: twiml.Verb) -> None:
    """Get ready for a verb while the one before it is carried out: its first sentence is rendered."""
    first = verb.prompts[0] if isinstance(verb, twiml.Gather) and verb.prompts else verb
    if isinstance(first, twiml.Say) and first.text:
        call.exchange.speech.begin(first.text, first.voice)


async def run(call: Call, verb: twiml.Verb) -> Step | None:
    """Carry out one verb. Raises `HungUp` when the call ends meanwhile; may be cancelled by a redirect."""
    match verb:
        case twiml.Say() | twiml.Play() | twiml.Pause():
            await playing.prompt(call, verb)
            return None
        case twiml.Gather():
            return await gathering.gather(call, verb)
        case twiml.Record():
            return await recording.record(call, verb)
        case twiml.Connect():
            return await connecting.connect(call, verb)
        case twiml.Start():
            connecting.start(call, verb)
            return None
        case twiml.Stop():
            await connecting.stop(call, verb)
            return None
        case twiml.Redirect():
            return call.goto(verb.url, verb.method, {})
        case twiml.Reject() | twiml.Hangup():
            return End()
        case _:
            assert_never(verb)

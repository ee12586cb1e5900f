"""`<Connect>`, `<Start>`, `<Stop>`: streams and recordings of the call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carrier.line import HungUp
from carrier.media_stream import MediaStream
from carrier.steps import Goto
from carrier.twiml import Connect, Recording, Start, Stop

if TYPE_CHECKING:
    from carrier.call import Call


async def connect(call: Call, verb: Connect) -> Goto | None:
    """Carry a bidirectional stream to its end, then go to the action or the next verb.

    When the call ends first the action is still told (CallStatus is then final) and `HungUp` raised.
    """
    stream = MediaStream(call, verb.stream, bidirectional=True)
    hung_up = False
    try:
        await stream.run()
    except HungUp:
        hung_up = True
    params = {"StreamSid": stream.sid} if stream.opened else {}
    if hung_up:
        if verb.action:
            call.tell(verb.action, verb.method, call.params() | params)
        raise HungUp
    return call.goto(verb.action, verb.method, params) if verb.action else None


def start(call: Call, verb: Start) -> None:
    """Begin a recording, or a stream that only listens."""
    noun = verb.noun
    if isinstance(noun, Recording):
        call.start_recording(
            # Twilio's enumeration of sources has no value of its own for TwiML.
            source="StartCallRecordingAPI",
            channels=noun.channels,
            track=noun.track,
            trim=noun.trim,
            callback=noun.callback,
            callback_method=noun.callback_method,
            callback_events=noun.callback_events,
        )
    else:
        call.start_stream(MediaStream(call, noun, bidirectional=False))


async def stop(call: Call, verb: Stop) -> None:
    """End what `<Start>` began."""
    if verb.what == "stream":
        call.stop_streams(verb.name)
        return
    for active in [one for one in call.recordings if one.record.source != "RecordVerb"]:
        await call.finish_recording(active)

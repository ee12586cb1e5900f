"""The TwiML we answer with, built with Twilio's own classes.

Facts (protocols.md 4.1, 4.3): a `<Stream>` url carries no query string, so the token is a `<Parameter>`; verbs after
`<Connect>` run when the stream ends and the carrier did not ask `action`; `<Record>` falls through to the next verb
when it heard nothing; `<Reject>` must be the first verb.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from twilio.twiml.voice_response import Connect, Start, VoiceResponse

from calls import prompts

VOICE_PATH = "/twilio/voice"
FALLBACK_PATH = "/twilio/voice-fallback"
CLIENT_PATH = "/twilio/client"
AFTER_STREAM_PATH = "/twilio/after-stream"
AFTER_RECORD_PATH = "/twilio/after-record"
STATUS_PATH = "/twilio/status"
RECORDING_PATH = "/twilio/recording"
MESSAGES_PATH = "/twilio/messages"
PROMPTS_PATH = "/twilio/prompts"

VOICEMAIL_SECONDS = 180
#: Silence that ends a voicemail, in seconds.
VOICEMAIL_SILENCE = 5

_AFTER_THE_TONE = "Please leave your message after the tone."
#: What voicemail says, by reason. The bridge has said why already, where it hands a call on.
PROMPTS = {
    "default": "We can't take your call right now. Please leave a message after the tone, and we will call you back.",
    "too_many_calls": "All our lines are busy. Please leave a message after the tone, and we will call you back.",
    "engine": _AFTER_THE_TONE,
    "receptionist": _AFTER_THE_TONE,
}
NOTHING_HEARD = "We did not hear a message. Goodbye."
MESSAGE_KEPT = "Thank you. We have your message. Goodbye."
UNKNOWN_NUMBER = "The number you have dialled is not in service. Goodbye."


@dataclass(frozen=True, slots=True)
class Moment:
    """What the caller hears while a lost media process is replaced: a few words, then seconds of pause."""

    words: str
    pause: int


#: By generation of the stream. Together they span the restart of a media process on one machine.
MOMENTS = {1: Moment("One moment, please.", 1), 2: Moment("", 3), 3: Moment("One more moment, please.", 4)}


def sentences() -> list[str]:
    """Everything we ever say by TwiML, for rendering ahead."""
    waiting = [moment.words for moment in MOMENTS.values() if moment.words]
    return [*dict.fromkeys(PROMPTS.values()), *waiting, NOTHING_HEARD, MESSAGE_KEPT, UNKNOWN_NUMBER]


def _speak(response: VoiceResponse, text: str) -> None:
    """The rendering of `text` where there is one: a carrier that borrows our voice can't speak while it is away."""
    if name := prompts.ready(text):
        response.play(public(f"{PROMPTS_PATH}/{name}.wav"))
    else:
        response.say(text)


def public(path: str) -> str:
    """`path` as the carrier reaches it; callbacks are given as absolute addresses."""
    return f"{settings.PUBLIC_URL}{path}"


def recording_callback(schema: str, kind: str) -> str:
    """Where the carrier tells of a recording. It does not repeat the called number there, so our address says whose."""
    query = {"kind": kind} | ({"tenant": schema} if schema else {})
    return f"{public(RECORDING_PATH)}?{urlencode(query)}"


def stream(token: str, schema: str, *, generation: int = 0) -> str:
    """Hand the line to the media process. The first stream of a call starts the recording of the whole call."""
    response = VoiceResponse()
    if moment := MOMENTS.get(generation):
        if moment.words:
            _speak(response, moment.words)
        response.pause(length=moment.pause)
    if generation == 0:
        start = Start()
        start.recording(
            recording_status_callback=recording_callback(schema, "call"),
            recording_status_callback_event="completed absent",
            channels="dual",
            track="both",
        )
        response.append(start)
    connect = Connect(action=AFTER_STREAM_PATH, method="POST")
    connect.stream(url=f"{settings.MEDIA_STREAM_URL}/media/twilio").parameter(name="token", value=token)
    response.append(connect)
    # Reached only if the carrier does not ask `action`: the line must not go dead.
    response.redirect(AFTER_STREAM_PATH, method="POST")
    return str(response)


def voicemail(reason: str, schema: str) -> str:
    """Ask for a message and record it; `schema` may be empty where the tenant could not be found out."""
    response = VoiceResponse()
    _speak(response, PROMPTS.get(reason, PROMPTS["default"]))
    response.record(
        action=AFTER_RECORD_PATH,
        method="POST",
        max_length=VOICEMAIL_SECONDS,
        timeout=VOICEMAIL_SILENCE,
        play_beep=True,
        finish_on_key="#",
        recording_status_callback=recording_callback(schema, "voicemail"),
        recording_status_callback_event="completed absent",
    )
    _speak(response, NOTHING_HEARD)
    response.hangup()
    return str(response)


def goodbye(text: str = "") -> str:
    """Say `text`, if any, and hang up."""
    response = VoiceResponse()
    if text:
        _speak(response, text)
    response.hangup()
    return str(response)


def reject() -> str:
    """Refuse the call; the only answer that is not billed by the carrier."""
    response = VoiceResponse()
    response.reject(reason="rejected")
    return str(response)


def empty() -> str:
    """Nothing to do."""
    return str(VoiceResponse())

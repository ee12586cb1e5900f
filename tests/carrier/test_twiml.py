"""TwiML documents: what they mean, and what is said about bad ones."""

from __future__ import annotations

import pytest
from twilio.twiml.voice_response import Connect as TwilioConnect
from twilio.twiml.voice_response import Gather as TwilioGather
from twilio.twiml.voice_response import Start as TwilioStart
from twilio.twiml.voice_response import VoiceResponse

from carrier.twiml import (
    Connect,
    Gather,
    Hangup,
    Pause,
    Play,
    Record,
    Recording,
    Redirect,
    Reject,
    Say,
    Start,
    Stop,
    Stream,
    TwimlError,
    Verb,
    parse,
)


def doc(inside: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{inside}</Response>'.encode()


@pytest.mark.parametrize(
    ("inside", "verb"),
    [
        ("<Say>Hello  there</Say>", Say("Hello there")),
        ('<Say voice="alice" language="en-GB" loop="2">Hi</Say>', Say("Hi", "alice", 2)),
        ("<Say>One <break time='1s'/>two <emphasis>three</emphasis></Say>", Say("One two three")),
        ('<Play loop="0">https://a.example/x.wav</Play>', Play("https://a.example/x.wav", "", 0)),
        ('<Play digits="1w2#"/>', Play("", "1w2#")),
        ("<Pause/>", Pause(1)),
        ('<Pause length="7"/>', Pause(7)),
        ("<Gather/>", Gather()),
        (
            '<Gather numDigits="1" timeout="3" finishOnKey="" action="/m" method="get">'
            "<Say>Press</Say><Pause/></Gather>",
            Gather((Say("Press"), Pause()), "/m", "GET", 3, "", 1),
        ),
        ('<Gather input="dtmf speech" actionOnEmptyResult="true"/>', Gather(action_on_empty=True)),
        ("<Record/>", Record()),
        (
            '<Record action="/done" maxLength="30" timeout="2" playBeep="false" trim="trim-silence" finishOnKey="#" '
            'recordingStatusCallback="/rec" recordingStatusCallbackEvent="completed absent"/>',
            Record("/done", "POST", 2, "#", 30, False, True, "/rec", "POST", ("completed", "absent")),
        ),
        (
            '<Connect action="/after"><Stream url="wss://a/m"><Parameter name="token" value="t"/></Stream></Connect>',
            Connect(Stream("wss://a/m", parameters={"token": "t"}), "/after"),
        ),
        ('<Start><Recording channels="mono" track="inbound"/></Start>', Start(Recording(1, "inbound"))),
        (
            '<Start><Stream name="s" url="wss://a/" track="both_tracks"/></Start>',
            Start(Stream("wss://a/", "s", "both_tracks")),
        ),
        ('<Stop><Stream name="s"/></Stop>', Stop("stream", "s")),
        ("<Stop><Recording/></Stop>", Stop("recording")),
        ("<Redirect>/next?a=1&amp;b=2</Redirect>", Redirect("/next?a=1&b=2")),
        ("<Reject/>", Reject()),
        ('<Reject reason="busy"/>', Reject("busy")),
        ("<Hangup/>", Hangup()),
        ('<Hangup unknownAttribute="x"/>', Hangup()),
    ],
)
def test_a_verb_means(inside: str, verb: Verb) -> None:
    assert parse(doc(inside)) == [verb]


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        (b"", 12100, "well-formed"),
        (b"Hello", 12100, "well-formed"),
        (b"<Response><Say>", 12100, "well-formed"),
        (b"<Answer/>", 12100, "root"),
        (b'<!DOCTYPE r [<!ENTITY a "b">]><Response><Say>&a;</Say></Response>', 12100, "document types"),
        (doc("<!--" + "x" * 66_000 + "-->"), 11750, "64 kB"),
        (doc("<say>hi</say>"), 12200, "<say> is not a TwiML verb"),
        (doc("<Sing/>"), 12200, "<Sing> is not a TwiML verb"),
        (doc("<Dial>+15550000000</Dial>"), 12200, "<Dial> is not supported"),
        (doc("<Enqueue>q</Enqueue>"), 12200, "<Enqueue> is not supported"),
        (doc("<Connect/>"), 12200, "exactly one"),
        (doc("<Connect><ConversationRelay url='wss://a'/></Connect>"), 12200, "not supported"),
        (doc("<Connect><Say>x</Say></Connect>"), 12200, "can't be inside"),
        (doc("<Connect><Stream/></Connect>"), 12200, "needs a url"),
        (
            doc(
                "<Connect><Stream url='wss://a'><Parameter name='n' value='" + "v" * 500 + "'/></Stream></Connect>",
            ),
            12200,
            "500",
        ),
        (doc("<Gather><Record/></Gather>"), 12200, "can't be inside"),
        (doc("<Gather input='speech'/>"), 12200, "speech"),
        (doc("<Gather numDigits='0'/>"), 12200, "numDigits"),
        (doc("<Gather timeout='soon'/>"), 12200, "timeout must be a number"),
        (doc("<Pause length='1.5'/>"), 12200, "whole"),
        (doc("<Play/>"), 13420, "URL or digits"),
        (doc("<Play digits='x'/>"), 13420, "digits"),
        (doc("<Say>" + "a" * 4097 + "</Say>"), 13520, "4096"),
        (doc("<Record trim='yes'/>"), 12200, "trim"),
        (doc("<Reject reason='spam'/>"), 12200, "reason"),
    ],
)
def test_a_bad_document_is_refused_with_a_code_and_a_reason(body: bytes, code: int, says: str) -> None:
    with pytest.raises(TwimlError) as caught:
        parse(body)
    assert caught.value.code == code
    assert says in caught.value.message


def test_what_the_official_builder_writes_is_understood() -> None:
    response = VoiceResponse()
    start = TwilioStart()
    start.recording(recording_status_callback="/rec", recording_status_callback_event="completed", channels="dual")
    response.append(start)
    gather = TwilioGather(num_digits=1, action="/g", timeout=4)
    gather.say("Press one", voice="Polly.Joanna")
    response.append(gather)
    connect = TwilioConnect(action="/after-stream")
    connect.stream(url="wss://h/media", status_callback="https://h/s").parameter(name="token", value="abc")
    response.append(connect)
    response.record(action="/r", max_length=120, play_beep=True)
    response.redirect("/x", method="POST")
    response.hangup()
    assert [type(verb) for verb in parse(response.to_xml().encode())] == [
        Start,
        Gather,
        Connect,
        Record,
        Redirect,
        Hangup,
    ]

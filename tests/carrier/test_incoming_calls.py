"""Incoming calls over real sockets: webhooks, signatures, the ladder of fallbacks."""

from __future__ import annotations

from tests.carrier.stage import CALLER, NUMBER, SID, App, Carrier, heard, loud_seconds


async def test_a_call_asks_the_voice_url_and_speaks_its_answer(carrier: Carrier, app: App) -> None:
    carrier.number(voice_url=app.answer("/voice?tenant=a%2Fb", "<Say>Hello</Say>"), status_callback=app.url + "/status")
    app.answers["/voice"] = "<Say>Hello</Say>"
    result = await carrier.phone.call()
    [request] = app.of("/voice")
    assert request.ok and request.method == "POST"
    assert request.headers["I-Twilio-Idempotency-Token"]
    expected = {"From": CALLER, "To": NUMBER, "AccountSid": SID, "Direction": "inbound", "ApiVersion": "2010-04-01"}
    assert expected.items() <= request.params.items()
    assert request.params["CallStatus"] == "ringing"
    assert request.params["CallSid"].startswith("CA")
    assert result["status"] == "completed" and result["ended_by"] == "line"
    _, line = heard(result)
    assert 0.16 <= loud_seconds(line) <= 0.24
    [status] = await app.wait_for("/status")
    assert status.ok and status.params["CallStatus"] == "completed"
    assert status.params["CallbackSource"] == "call-progress-events"
    assert int(status.params["CallDuration"]) == round(result["seconds"])

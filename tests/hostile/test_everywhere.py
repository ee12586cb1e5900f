"""What comes from callers and carriers; scripts in all that is kept; the longest price list."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.conf import settings
from twilio.request_validator import RequestValidator

from calls import journal
from calls.facts import JournalEvent
from calls.models import Call, Message, Recording, Voicemail
from knowledge import services as knowledge
from receptionist.forms import MAX_SERVICES
from receptionist.models import Service
from receptionist.profile import HolidayIn, ServiceIn
from receptionist.services import change_persona, set_holidays, set_services
from tenants.context import in_tenant
from tenants.models import ApiKey, Invitation, Tenant, User
from tests.cast import ALPHA, BETA
from tests.hostile import discovery
from tests.hostile.attacks import ESCAPED, FORM, RAW, SCRIPT, message
from tests.hostile.pages import form_of
from tests.hostile.registry import CASES, Hook
from tests.hostile.test_forms import FORMS  # registers every case
from tests.isolation.discovery import every_url

assert FORMS
pytestmark = pytest.mark.django_db
HOOKS = [pytest.param(case, id=case.id) for case in CASES if isinstance(case, Hook)]
SID = "CA" + "d" * 32


def post(stage: Any, hook: Hook, fields: dict[str, str], *, raw: bytes = b"", sign: bool = True) -> Any:
    """A webhook of the carrier; `raw` is sent instead of what `fields` would look like."""
    path = "/" + hook.url.partition(":")[2]
    signature = RequestValidator(settings.TWILIO_AUTH_TOKEN).compute_signature(settings.PUBLIC_URL + path, fields)
    headers = {"x-twilio-signature": signature} if sign else {}
    body = raw or urlencode(fields, errors="surrogateescape")
    return stage.client().generic("POST", path, body, content_type=FORM, headers=headers)


def sent(hook: Hook) -> dict[str, str]:
    return {
        "CallSid": SID,
        "AccountSid": settings.TWILIO_ACCOUNT_SID,
        "From": "+14155550177",
        "To": ALPHA.number,
        "CallStatus": "ringing",
        **hook.fields,
    }


@pytest.mark.parametrize("hook", HOOKS)
def test_a_webhook_that_is_not_the_carriers_changes_nothing(hook: Hook, stage: Any) -> None:
    before = stage.fingerprint()
    fields = sent(hook)
    refused = {
        "no signature": (post(stage, hook, fields, sign=False), 403),
        "another account": (post(stage, hook, {**fields, "AccountSid": "AC" + "0" * 32}), 403),
        "another body": (post(stage, hook, fields, raw=urlencode({**fields, "To": BETA.number}).encode()), 403),
        "too much": (post(stage, hook, {**fields, "More": "x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE}), 413),
        "too many": (post(stage, hook, {**fields, **{f"f{n}": "1" for n in range(3000)}}), 413),
    }
    for what, (answer, status) in refused.items():
        assert answer.status_code == status, f"{what}: {answer.status_code}"
        assert message(answer), what
    assert stage.fingerprint() == before


@pytest.mark.parametrize("hook", HOOKS)
def test_odd_words_of_the_carrier_fail_no_call(hook: Hook, stage: Any, caplog: Any) -> None:
    """Signed, and not as documented: an answer all the same, and beta hears nothing of it."""
    beta = {table: row for table, row in stage.fingerprint().items() if stage.beta.schema in table}
    fields = sent(hook)
    odd = {
        "nul": "a\x00b",
        "script": SCRIPT,
        "long": "x" * 100_000,
        "number": "-1",
        "huge": "9" * 40,
        "empty": "",
        "\u202e": "\u202e",
    }
    with caplog.at_level(logging.ERROR):
        for name in fields:
            if name == "AccountSid":
                continue
            for what, value in odd.items():
                with stage.undone():
                    answer = post(stage, hook, {**fields, name: value})
                    assert answer.status_code in (200, 400), f"{what} in {name}: {answer.status_code}"
                    assert RAW not in answer.content.decode()
            with stage.undone():
                answer = post(stage, hook, {key: kept for key, kept in fields.items() if key != name})
                assert answer.status_code in (200, 400), f"without {name}: {answer.status_code}"
        with stage.undone():
            damaged = post(stage, hook, {**fields, "Body": "\ufffd"}, raw=urlencode(fields).encode() + b"&Body=%ff")
            assert damaged.status_code in (200, 403)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert {table: row for table, row in stage.fingerprint().items() if stage.beta.schema in table} == beta


def _spoil(stage: Any) -> None:
    """A script in every text that is kept of a call, or that people have written."""
    call = stage.filled.call
    Call.objects.update(caller=SCRIPT[:32], decision_reason=SCRIPT)
    turn = {
        "role": "receptionist",
        "text": SCRIPT,
        "start_ms": 9000,
        "end_ms": 9900,
        "interrupted": True,
        "item_id": SCRIPT,
    }
    tool = {"name": SCRIPT, "arguments": SCRIPT, "ok": False, "output": {"say": SCRIPT, "decision": SCRIPT}, "ms": 3}
    question = {"name": "answer_question", "arguments": '{"question": "<script>alert(1)</script>"}', "ok": True}
    events = [
        ("greeting", {"text": SCRIPT}),
        ("turn", turn),
        ("turn", {**turn, "role": "caller"}),
        ("tool", tool),
        ("tool", {**question, "output": {"decision": "decline"}, "ms": 3}),
        ("citation", {"question": SCRIPT, "source": SCRIPT, "confidence": 0.5}),
        ("engine", {"state": SCRIPT, "name": SCRIPT, "reason": SCRIPT}),
        ("next_step", {"do": SCRIPT, "reason": SCRIPT}),
        ("error", {"code": SCRIPT}),
        (SCRIPT[:16], {SCRIPT: SCRIPT}),
    ]
    journal.append(call.pk, "spoilt", [JournalEvent(k, d, 9000 + n, n + 1) for n, (k, d) in enumerate(events)])
    Message.objects.update(name=SCRIPT, number=SCRIPT, body=SCRIPT)
    Voicemail.objects.update(transcript=SCRIPT)
    Recording.objects.update(kind="voicemail")
    knowledge.add_document(title=SCRIPT, text=f"# {SCRIPT}\n\n{SCRIPT} dogs", kind="markdown", key="doc:spoilt")
    knowledge.add_faq(pairs=[(SCRIPT, SCRIPT)])
    set_holidays([HolidayIn(date="12-25", name=SCRIPT)])
    set_services([ServiceIn(name=SCRIPT, price=1.0)])
    change_persona(greeting=SCRIPT, guidance=[SCRIPT])


def test_no_page_takes_a_text_for_a_script(stage: Any) -> None:
    """Every address of both hosts that can be read, while everything that is kept is a script."""
    in_tenant(stage.alpha.schema, _spoil, stage)
    Tenant.objects.filter(pk=stage.alpha.id).update(name=SCRIPT)
    User.objects.update(full_name=SCRIPT)
    ApiKey.objects.update(name=SCRIPT)
    Invitation.objects.update(email=f'"{SCRIPT}"@x.example')
    filled, found = stage.filled, {}
    known = {
        "<uuid:call_id>": filled.call.pk,
        "<int:document_id>": filled.document.pk,
        "<slug:step>": "greeting",
        "<str:token>": "t" * 43,
        "<str:ref>": quote(SCRIPT),
        "<slug:sid>": filled.call.sid,
    }
    for place, business in (("tenant", ALPHA), ("root", None)):
        client = stage.client("alice", business)
        paths = {f"/{url.partition(':')[2]}" for url in every_url() if url.startswith(f"{place}:")}
        for path in paths:
            for part, value in known.items():
                path = path.replace(part, str(value))
            if "<" not in path and " " not in path:
                found.update({f"{place} {p}": page for p, page in _get(client, path)})
        hostile = dict.fromkeys(
            ("q", "question", "next", "kind", "state", "sort", "caller", "outcome", "page", "from", "to"), SCRIPT
        )
        for path in discovery.readable(place):
            found.update({f"{place} {p}": page for p, page in _get(client, f"{path}?{urlencode(hostile)}")})
    raw = [path for path, page in found.items() if RAW in page]
    assert not raw
    assert sum(ESCAPED in page for page in found.values()) > 20, "the test proves nothing: no page shows the script"


def _get(client: Any, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code < 500 or path.startswith("/readyz"), f"{path}: {answer.status_code}"
    if "html" in answer.headers.get("Content-Type", ""):
        yield path, answer.content.decode()


def test_a_long_price_list_can_be_changed_on_its_page(stage: Any) -> None:
    """Four fields a line and three empty lines: more than a thousand, where Django stops by itself."""
    assert 4 * (MAX_SERVICES + 3) + 5 < settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
    rows = [ServiceIn(name=f"Service {n}", price=1.0, minutes=5) for n in range(260)]
    in_tenant(stage.alpha.schema, set_services, rows)
    client, path = stage.client("alice", ALPHA), "/receptionist/services"
    form = form_of(client.get(path).content.decode(), path, path)
    assert form is not None
    answer = client.post(path, {**form.data(), "s-7-name": "Changed"})
    assert answer.status_code == 302, message(answer)
    assert in_tenant(stage.alpha.schema, lambda: Service.objects.filter(name="Changed").count()) == 1


def test_htmx_shows_the_same_words_for_what_is_too_much(stage: Any) -> None:
    body = urlencode({"name": "x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE})
    client = stage.client("alice", ALPHA)
    answer = client.generic("POST", "/settings", body, content_type=FORM, headers={"hx-request": "true"})
    assert answer.status_code == 413
    assert "too much at once" in answer["HX-Trigger"]

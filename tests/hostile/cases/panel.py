"""Forms of a tenant's host: team, settings, inbox, test calls, knowledge, receptionist, set-up."""

from __future__ import annotations

from typing import Any

from django.test import Client

from tests.hostile.registry import EDITORS, EVERYBODY, MANAGERS, WORKERS, Form, register
from tests.hostile.stage import Stage


def at(path: str) -> Any:
    """A path, with what the stage knows put into it."""
    return lambda stage: path.format(stage=stage, filled=stage.filled)


def _deleted(stage: Stage, client: Client) -> None:
    assert client.post(f"/knowledge/faq/{stage.faq_ref}/delete").status_code == 302


register(
    Form("tenant:logout", at("/logout"), by=EVERYBODY, changes=False),
    # -- team and settings
    Form("tenant:team/invitations", at("/team/invitations"), {"email": "a@x.example"}, drawn=at("/team")),
    Form(
        "tenant:team/invitations/<int:invitation_id>/revoke",
        at("/team/invitations/{stage.invitation}/revoke"),
        drawn=at("/team"),
    ),
    Form("tenant:team/<int:member_id>/role", at("/team/{stage.member}/role"), {"role": "viewer"}, drawn=at("/team")),
    Form("tenant:team/<int:member_id>/remove", at("/team/{stage.member}/remove")),
    Form("tenant:settings", at("/settings"), {"name": "Alpha & Sons", "locale": "de-AT"}, drawn=at("/settings")),
    Form(
        "tenant:settings/api",
        at("/settings/api"),
        {"name": "The till", "scopes": "calls:read"},
        drawn=at("/settings/api"),
    ),
    Form("tenant:settings/api/<int:key_id>/revoke", at("/settings/api/{stage.key_row}/revoke")),
    # -- calls
    Form(
        "tenant:inbox/<slug:kind>/<uuid:item_id>/done",
        at("/inbox/message/{filled.message.pk}/done"),
        drawn=at("/inbox"),
        by=WORKERS,
    ),
    Form(
        "tenant:inbox/<slug:kind>/<uuid:item_id>/done",
        at("/inbox/voicemail/{filled.voicemail.pk}/done"),
        drawn=at("/inbox"),
        by=WORKERS,
        variant="voicemail",
    ),
    Form(
        "tenant:questions/<int:event_id>/done",
        at("/questions/{stage.question}/done"),
        by=WORKERS,
    ),
    Form("tenant:phone/test-call", at("/phone/test-call"), by=WORKERS, changes=False),
    Form(
        "tenant:phone/test-call/speech",
        at("/phone/test-call/speech"),
        {"text": "Are you open?"},
        by=WORKERS,
        changes=False,
        unseen=frozenset({"text"}),
        lenient=frozenset({"text"}),
    ),
    # -- knowledge
    Form(
        "tenant:knowledge/add",
        at("/knowledge/add"),
        {"title": "Dogs", "text": "Dogs may wait in the garden."},
        drawn=at("/knowledge/add"),
        by=EDITORS,
    ),
    Form(
        "tenant:knowledge/documents/<int:document_id>/edit",
        at("/knowledge/documents/{filled.document.pk}/edit"),
        {"text": "We are closed on Saturdays."},
        drawn=at("/knowledge/documents/{filled.document.pk}/edit"),
        by=EDITORS,
    ),
    Form(
        "tenant:knowledge/documents/<int:document_id>/reindex",
        at("/knowledge/documents/{filled.document.pk}/reindex"),
        by=EDITORS,
    ),
    Form(
        "tenant:knowledge/documents/<int:document_id>/delete",
        at("/knowledge/documents/{filled.document.pk}/delete"),
        drawn=at("/knowledge/documents/{filled.document.pk}/delete"),
        by=EDITORS,
    ),
    Form(
        "tenant:knowledge/faq/new",
        at("/knowledge/faq/new"),
        {"question": "May dogs come?", "answer": "Into the garden."},
        drawn=at("/knowledge/faq/new"),
        by=EDITORS,
    ),
    Form(
        "tenant:knowledge/faq/<str:ref>",
        at("/knowledge/faq/{stage.faq_ref}"),
        {"answer": "Not any more."},
        drawn=at("/knowledge/faq/{stage.faq_ref}"),
        by=EDITORS,
    ),
    Form("tenant:knowledge/faq/<str:ref>/delete", at("/knowledge/faq/{stage.faq_ref}/delete"), by=EDITORS),
    Form("tenant:knowledge/faq/undo", at("/knowledge/faq/undo"), by=EDITORS, prepare=_deleted),
    # -- receptionist
    Form(
        "tenant:receptionist",
        at("/receptionist"),
        {"greeting": "Alpha Dental, hello.", "guidance": "Be kind."},
        drawn=at("/receptionist"),
    ),
    Form(
        "tenant:receptionist/hours",
        at("/receptionist/hours"),
        {"tue-0-opens": "09:00", "tue-0-closes": "12:00"},
        drawn=at("/receptionist/hours"),
    ),
    Form(
        "tenant:receptionist/holidays",
        at("/receptionist/holidays"),
        {"date": "2027-01-04", "name": "Inventory", "opens": "09:00", "closes": "10:00"},
        drawn=at("/receptionist/hours"),
    ),
    Form(
        "tenant:receptionist/holidays/<int:day_id>/remove",
        at("/receptionist/holidays/{stage.holiday}/remove"),
        drawn=at("/receptionist/hours"),
    ),
    Form(
        "tenant:receptionist/services",
        at("/receptionist/services"),
        {"s-2-name": "Whitening", "s-2-price": "250", "s-2-minutes": "60"},
        drawn=at("/receptionist/services"),
    ),
    # -- set-up
    Form(
        "tenant:welcome/<slug:step>",
        at("/welcome/profession"),
        {"profession": "dentist"},
        drawn=at("/welcome/profession"),
        by=MANAGERS,
        variant="profession",
    ),
    Form(
        "tenant:welcome/<slug:step>",
        at("/welcome/hours"),
        {"tue-0-opens": "09:00", "tue-0-closes": "12:00"},
        drawn=at("/welcome/hours"),
        variant="hours",
    ),
    Form(
        "tenant:welcome/<slug:step>",
        at("/welcome/greeting"),
        {"greeting": "Alpha Dental, hello."},
        drawn=at("/welcome/greeting"),
        variant="greeting",
    ),
    Form("tenant:welcome/<slug:step>", at("/welcome/call"), drawn=at("/welcome/call"), variant="call"),
)

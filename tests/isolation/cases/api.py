"""Ways into the API. A key names its business: beta's key finds nothing of alpha's, under whatever id and host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings

from calls.models import Call, Message, Recording, Voicemail
from knowledge.models import Document
from receptionist.models import OpenInterval, Persona, Service, SpecialDay
from tenants.models import Tenant, User
from tests.cast import ALICE, ALPHA, BETA
from tests.isolation.registry import Check, Open, World, register

#: The parts of an address that name something of a business.
IDS: dict[str, Callable[[Any], Any]] = {
    "<call_id>": lambda filled: filled.call.pk,
    "<recording_id>": lambda filled: filled.recording.pk,
    "<message_id>": lambda filled: filled.message.pk,
    "<voicemail_id>": lambda filled: filled.voicemail.pk,
    "<document_id>": lambda filled: filled.document.pk,
}
TEXT = {"title": "Dogs", "text": "Dogs may wait in the garden."}
ROWS = (Call, Recording, Voicemail, Message, Document, Persona, OpenInterval, SpecialDay, Service)


def _kept(world: World) -> list[Any]:
    return world.in_alpha(lambda: [list(model.objects.order_by("pk").values()) for model in ROWS])


def operation(method: str, route: str, body: Any = None, *, shows: bool = True) -> Check:
    """The case of one operation. `body` may be made from what alpha has; `shows`: alpha's answer holds the secret."""

    def attack(world: World) -> None:
        from tests.api.program import Program, fill, fresh_key

        world.monkeypatch.setattr(settings, "MEDIA_ROOT", world.tmp)
        filled = world.in_alpha(fill, world.marker)
        world.in_alpha(lambda: Call.objects.update(callee=world.marker))
        Tenant.objects.filter(pk=world.alpha.id).update(name=world.marker)
        User.objects.filter(email=ALICE.email).update(email=f"{world.marker}@alpha.example")
        path, named = f"/{route}", body(filled) if callable(body) else body
        for part, pk in IDS.items():
            path = path.replace(part, str(pk(filled)))
        of_alpha = path != f"/{route}" or callable(body)
        before = _kept(world)
        strangers = [(fresh_key(BETA), host) for host in (BETA.host, ALPHA.host, "localhost:8000")]
        for key, host in [*strangers, ("", ALPHA.host), ("dk_guessed", ALPHA.host)]:
            answer = Program(key, host)(method, path, named)
            assert world.marker.encode() not in answer.content, f"{host} saw alpha's data at {path}"
            assert answer.status_code < 500
            if not key or key == "dk_guessed":
                assert answer.status_code == 401
            elif of_alpha:
                assert answer.status_code == 404, f"{host} got {answer.status_code} at {path}"
        assert _kept(world) == before, f"a stranger changed alpha's data at {path}"
        # On another business's host, too, the key alone counts.
        answer = Program(fresh_key(ALPHA), BETA.host)(method, path, named)
        assert answer.status_code in {200, 201, 202, 204}, answer.content
        if shows:
            assert world.marker.encode() in answer.content, f"the case proves nothing: no secret at {path}"

    return Check(f"root:{method} api/v1/{route}", attack)


register(
    Open("root:api/v1/", "/api/v1/"),
    Open("root:api/v1/docs", "/api/v1/docs"),
    Open("root:api/v1/openapi.json", "/api/v1/openapi.json"),
    operation("GET", "me"),
    operation("GET", "team"),
    operation("GET", "calls"),
    operation("GET", "calls/<call_id>"),
    operation("GET", "recordings/<recording_id>/audio"),
    operation("GET", "messages"),
    operation("POST", "messages", lambda filled: {"call_id": str(filled.call.pk), "body": "x"}, shows=False),
    operation("GET", "messages/<message_id>"),
    operation("PATCH", "messages/<message_id>", {"done": True}),
    operation("GET", "voicemails"),
    operation("GET", "voicemails/<voicemail_id>"),
    operation("PATCH", "voicemails/<voicemail_id>", {"heard": True}),
    operation("GET", "voicemails/<voicemail_id>/audio"),
    operation("GET", "knowledge/documents"),
    operation("POST", "knowledge/documents", TEXT, shows=False),
    operation("GET", "knowledge/documents/<document_id>"),
    operation("PUT", "knowledge/documents/<document_id>", TEXT, shows=False),
    operation("DELETE", "knowledge/documents/<document_id>", shows=False),
    operation("POST", "knowledge/documents/<document_id>/reindex"),
    operation("GET", "knowledge/faq"),
    operation("PUT", "knowledge/faq", {"items": [{"q": "x", "a": "y"}]}, shows=False),
    operation("POST", "knowledge/ask", {"question": "What about Saturdays?"}),
    operation("GET", "receptionist"),
    operation("PATCH", "receptionist", {"voice": "marin"}),
    operation("GET", "receptionist/hours", shows=False),
    operation("PUT", "receptionist/hours", {"mon": ["09:00-10:00"]}, shows=False),
    operation("GET", "receptionist/holidays"),
    operation("PUT", "receptionist/holidays", {"items": []}, shows=False),
    operation("GET", "receptionist/services"),
    operation("PUT", "receptionist/services", {"items": [{"name": "x"}]}, shows=False),
)

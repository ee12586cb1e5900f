"""Ways into the room of the receptionist."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from knowledge import services as knowledge
from receptionist import voices
from receptionist.models import OpenInterval, Persona, Service, SpecialDay, SpokenPrompt
from tests.cast import ALICE, ALPHA, BETA, MALLORY
from tests.isolation.registry import Check, Page, PublicJob, TenantJob, World, register


def _prompts(world: World) -> tuple[tuple[Any, ...], Callable[[], Any]]:
    return (), lambda: list(SpokenPrompt.objects.order_by("pk").values())


def _fill(world: World) -> str:
    Persona.objects.create(greeting=world.marker)
    SpokenPrompt.objects.create(digest="d" * 64, text=world.marker, ulaw=world.marker.encode())
    Service.objects.create(name=world.marker)
    row = SpecialDay.objects.create(month=1, day=2, name=world.marker)
    OpenInterval.objects.create(weekday=0, opens=540, closes=600)
    knowledge.add_faq(pairs=[("Is there parking?", f"Behind the {world.marker}.")])
    return str(row.pk)


def _at(path: str) -> Callable[[World], str]:
    return lambda world: path.format(world.in_alpha(_fill, world))


def _rows(world: World) -> Any:
    models = (Persona, SpokenPrompt, Service, SpecialDay, OpenInterval)
    return world.in_alpha(lambda: [list(model.objects.order_by("pk").values()) for model in models])


def _changes(url: str, path: str, **data: str) -> Page:
    return Page(url, _at(path), "post", data, shows=False, untouched=_rows)


def _greeting(world: World) -> None:
    """The sound is alpha's alone: the hash of the same words is nothing to beta, and nobody else hears it."""
    path = _at(f"/receptionist/greeting/{'d' * 64}.wav")(world)
    sound = world.client(ALICE, ALPHA).get(path)
    assert sound["Content-Type"] == "audio/wav" and len(sound.content) > 44
    strangers = (world.client(MALLORY, ALPHA), world.client(MALLORY, BETA), world.client(None, ALPHA))
    for client in (*strangers, world.carried(MALLORY, BETA, ALPHA.host), world.carried(ALICE, ALPHA, BETA.host)):
        assert client.get(path).status_code in {302, 403, 404}


def _voice(world: World) -> None:
    """A sample sentence, the same for everybody, for members only; a voice that alpha alone chose is not beta's."""
    world.monkeypatch.setattr(voices.ai, "speech", lambda *_args, **_kwargs: b"\x7f" * 800)
    world.in_alpha(lambda: Persona.objects.create(greeting="Hello.", voice=world.marker))
    for name, seen in (("standard", 200), (world.marker, 404)):
        path = f"/receptionist/voices/{name}.wav"
        assert world.client(ALICE, ALPHA).get(path).status_code == 200
        assert world.client(MALLORY, BETA).get(path).status_code == seen
        for client in (world.client(MALLORY, ALPHA), world.client(None, ALPHA)):
            assert client.get(path).status_code in {302, 403, 404}


def _try(world: World) -> None:
    """Each business answers from its own documents, to its own people."""
    path = _at("/knowledge/try?question=Is+there+parking")(world)
    assert world.marker in world.client(ALICE, ALPHA).get(path).content.decode()
    assert world.marker not in world.client(MALLORY, BETA).get(path).content.decode()
    for client in (world.client(MALLORY, ALPHA), world.client(None, ALPHA), world.carried(ALICE, ALPHA, BETA.host)):
        answer = client.get(path)
        assert answer.status_code in {302, 403, 404} and world.marker.encode() not in answer.content


register(
    Page("tenant:receptionist", _at("/receptionist")),
    Check("tenant:receptionist/greeting/<str:digest>.wav", _greeting),
    Check("tenant:receptionist/voices/<str:name>.wav", _voice),
    Page("tenant:receptionist/hours", _at("/receptionist/hours")),
    _changes("tenant:receptionist/holidays", "/receptionist/holidays", date="2027-01-04"),
    _changes("tenant:receptionist/holidays/<int:day_id>/remove", "/receptionist/holidays/{}/remove"),
    Page("tenant:receptionist/services", _at("/receptionist/services")),
    Check("tenant:knowledge/try", _try),
    TenantJob("task:receptionist.render_prompts", _prompts),
    TenantJob("task:receptionist.render_if_missing", _prompts),
    PublicJob("task:receptionist.render_all_missing", "sends one task a tenant and reads nothing itself"),
)

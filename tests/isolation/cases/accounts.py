"""Ways into accounts, invitations, team, settings and set-up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from allauth.usersessions.models import UserSession

from common.clock import now
from tenants.models import ApiKey, Invitation, Membership, Tenant, User
from tenants.services.api_keys import issue_api_key
from tests.cast import ALICE, ALPHA, BETA, BOB, MALLORY
from tests.isolation.registry import Check, Open, Page, World, register

TOKEN = "t" * 43


def _named(path: str) -> Callable[[World], str]:
    """Alpha's name is the secret: it stands in the sidebar of every page."""

    def prepare(world: World) -> str:
        Tenant.objects.filter(pk=world.alpha.id).update(name=world.marker)
        return path

    return prepare


def _team_of_alpha() -> Any:
    return [
        list(Membership.objects.filter(tenant__slug="alpha").order_by("pk").values()),
        list(Invitation.objects.filter(tenant__slug="alpha").order_by("pk").values()),
        list(ApiKey.objects.filter(tenant__slug="alpha").order_by("pk").values()),
        list(Tenant.objects.filter(slug="alpha").values("name", "timezone", "setup_step", "profession")),
    ]


def _untouched(world: World) -> Any:
    return _team_of_alpha()


def _bob(path: str) -> Callable[[World], str]:
    return lambda world: path.format(Membership.objects.get(user__email=BOB.email).pk)


def _invitation(world: World) -> Invitation:
    from tenants.services.invitations import _digest

    return Invitation.objects.create(
        tenant_id=world.alpha.id,
        email=f"{world.marker}@x.example",
        role="agent",
        digest=_digest(TOKEN),
        expires_at=now() + timedelta(days=1),
    )


def _withdraw(world: World) -> str:
    return f"/team/invitations/{_invitation(world).pk}/revoke"


def _key(world: World) -> str:
    issue_api_key(Tenant.objects.get(pk=world.alpha.id), world.marker)
    return f"/settings/api/{ApiKey.objects.get(name=world.marker).pk}/revoke"


def _someone_elses_invitation(world: World) -> None:
    """The link shows a business to whoever holds it; another person can't use it, and a guess shows nothing."""
    row = _invitation(world)
    mallory = world.client(MALLORY, None)
    assert mallory.post(f"/invitations/{TOKEN}").status_code == 403
    guessed = mallory.get(f"/invitations/{'u' * 43}")
    assert guessed.status_code == 404
    assert world.marker.encode() not in guessed.content
    row.refresh_from_db()
    assert row.is_open
    assert not Membership.objects.filter(user__email=MALLORY.email, tenant_id=world.alpha.id).exists()


def _own_account(path: str) -> Callable[[World], None]:
    """A page of one's account shows oneself: mallory never meets alice."""

    def attack(world: World) -> None:
        User.objects.filter(email=ALICE.email).update(full_name=world.marker)
        for client in (world.client(MALLORY, None), world.client(None, None)):
            answer = client.get(path)
            assert answer.status_code < 500
            assert ALICE.email.encode() not in answer.content
            assert world.marker.encode() not in answer.content

    return attack


def _other_sessions(world: World) -> None:
    """Mallory's sign-out everywhere leaves alice signed in."""
    alice = world.client(ALICE, None)
    assert world.client(MALLORY, None).post("/account/sessions/end").status_code == 302
    assert alice.get("/account").status_code == 200


def _one_session(world: World) -> None:
    """Mallory can't end a session of alice's."""
    alice = world.client(ALICE, None)
    assert alice.get("/account").status_code == 200
    row = UserSession.objects.create(
        user=User.objects.get(email=ALICE.email), ip="127.0.0.1", session_key=alice.cookies["sessionid"].value
    )
    for client, status in ((world.client(MALLORY, None), 404), (world.client(None, None), 302)):
        assert client.post(f"/account/sessions/{row.pk}/end").status_code == status
    assert alice.get("/account").status_code == 200


def _set_up(world: World) -> None:
    """Alpha's greeting is shown to alpha's owner alone, and beta's owner changes beta's alone."""
    from receptionist.models import Persona

    world.in_alpha(lambda: Persona.objects.create(greeting=world.marker))
    path = "/welcome/greeting"
    strangers = [world.client(MALLORY, ALPHA), world.carried(MALLORY, BETA, ALPHA.host), world.client(None, ALPHA)]
    for client in (*strangers, world.client(BOB, ALPHA)):
        for answer in (client.get(path), client.post(path, {"greeting": "Mine now."})):
            assert answer.status_code in {302, 403, 404}
            assert world.marker.encode() not in answer.content
    mallory = world.client(MALLORY, BETA)
    assert world.marker.encode() not in mallory.get(path).content
    assert mallory.post(path, {"greeting": "Mine now."}).status_code == 302
    assert world.in_alpha(lambda: Persona.objects.get().greeting) == world.marker
    assert world.marker.encode() in world.client(ALICE, ALPHA).get(path).content


register(
    Page("tenant:team", _named("/team")),
    Page("tenant:settings", _named("/settings")),
    Page("tenant:settings/security", _named("/settings/security")),
    Page("tenant:settings/api", _named("/settings/api")),
    Page("tenant:welcome", _named("/welcome"), shows=False),
    Check("tenant:welcome/<slug:step>", _set_up),
    Page(
        "tenant:team/invitations",
        _named("/team/invitations"),
        method="post",
        data={"email": "new@x.example", "role": "viewer"},
        shows=False,
        untouched=_untouched,
    ),
    Page(
        "tenant:team/invitations/<int:invitation_id>/revoke",
        _withdraw,
        method="post",
        shows=False,
        untouched=_untouched,
    ),
    Page(
        "tenant:team/<int:member_id>/role",
        _bob("/team/{}/role"),
        method="post",
        data={"role": "viewer"},
        shows=False,
        untouched=_untouched,
    ),
    Page(
        "tenant:team/<int:member_id>/remove",
        _bob("/team/{}/remove"),
        method="post",
        shows=False,
        untouched=_untouched,
    ),
    Page("tenant:settings/api/<int:key_id>/revoke", _key, method="post", shows=False, untouched=_untouched),
    Open("root:signup", "/signup"),
    Open("root:login/code", "/login/code"),
    Open("root:login/inactive", "/login/inactive"),
    Open("root:password/forgotten", "/password/forgotten"),
    Open("root:password/forgotten/mail", "/password/forgotten/mail"),
    Open("root:^password/new/(?P<uidb36>[0-9A-Za-z]{1,13})-(?P<key>[^/]{1,200})$", "/password/new/1-guess"),
    Open("root:password/new/done", "/password/new/done"),
    Open("root:account/verify/<str:key>", "/account/verify/guess"),
    Check("root:invitations/<str:token>", _someone_elses_invitation),
    Check("root:account/sessions/end", _other_sessions),
    Check("root:account/sessions/<int:session_id>/end", _one_session),
    *(
        Check(f"root:account{path}", _own_account(f"/account{path}"))
        for path in (
            "",
            "/verify",
            "/password",
            "/confirm",
            "/confirm/code",
            "/second-factor/on",
            "/second-factor/off",
            "/second-factor/codes",
            "/second-factor/codes/new",
            "/second-factor/codes/file",
        )
    ),
)

"""Forms of the root host: sign-up, sign-in, invitations, one's own account."""

from __future__ import annotations

import re
from typing import Any

from django.core import mail
from django.test import Client

from tenants.models import User
from tests.cast import ALPHA, PASSWORD
from tests.hostile.registry import Closed, Form, register
from tests.hostile.stage import PEOPLE, TOKEN, Stage
from tests.tenants.browser import link_in_mail
from tests.tenants.test_account import code_of

NEW_PASSWORD = "seven green ducks"


def at(path: str) -> Any:
    return lambda stage: path


def _confirmed(stage: Stage, client: Client) -> None:
    """The password was asked for a moment ago."""
    assert client.post("/account/confirm", {"password": PASSWORD}).status_code == 302


def _half_in(stage: Stage, client: Client) -> None:
    """The password was right, the second factor is asked for."""
    assert client.post("/login", {"login": PEOPLE["tom"], "password": PASSWORD})["Location"].startswith("/login/code")


def _code(stage: Stage, client: Client) -> dict[str, Any]:
    page = client.get("/account/second-factor/on").content.decode()
    found = re.search(r'id="secret" value="([A-Z2-7]+)"', page)
    assert found
    return {"code": code_of(found[1])}


def _mailed(stage: Stage, client: Client) -> None:
    """The link of the mail was followed once: the key is in the session from now on."""
    mail.outbox.clear()
    assert client.post("/password/forgotten", {"email": PEOPLE["alice"]}).status_code == 302
    answer = client.get(link_in_mail().partition("localhost:8000")[2])
    assert answer["Location"].endswith("-set-password")


def _new_password_path(stage: Stage) -> str:
    from allauth.account.utils import user_pk_to_url_str

    return f"/password/new/{user_pk_to_url_str(User.objects.get(email=PEOPLE['alice']))}-set-password"


def _verification_path(stage: Stage) -> str:
    from allauth.account.models import EmailAddress, EmailConfirmationHMAC

    return f"/account/verify/{EmailConfirmationHMAC(EmailAddress.objects.get(email=PEOPLE['mallory'])).key}"


def _not_verified(stage: Stage, client: Client) -> None:
    from allauth.account.models import EmailAddress

    EmailAddress.objects.filter(email=PEOPLE["mallory"]).update(verified=False)


def _session_path(stage: Stage) -> str:
    from allauth.usersessions.models import UserSession

    key = stage.client("alice", ALPHA).cookies["sessionid"].value
    row, _ = UserSession.objects.get_or_create(
        user=stage.user("alice"), session_key=key, defaults={"ip": "127.0.0.1", "user_agent": "Firefox/1"}
    )
    return f"/account/sessions/{row.pk}/end"


_BUSINESS = {"name": "Café Übermut", "slug": "cafe", "profession": "dentist"}

register(
    Form(
        "root:login",
        at("/login"),
        {"login": PEOPLE["alice"], "password": PASSWORD},
        drawn=at("/login"),
        public=True,
        changes=False,
    ),
    Form(
        "root:login/code",
        at("/login/code"),
        lambda stage, client: {"code": stage.code},
        drawn=at("/login/code"),
        public=True,
        prepare=_half_in,
    ),
    Form(
        "root:signup",
        at("/signup"),
        {**_BUSINESS, "email": "nora@uebermut.example", "password": NEW_PASSWORD},
        drawn=at("/signup"),
        public=True,
        unseen=frozenset({"name", "password"}),  # on a host of its own
    ),
    Form(
        "root:signup",
        at("/signup"),
        _BUSINESS,
        drawn=at("/signup"),
        variant="another business",
        public=True,
        person="tom",
        unseen=frozenset({"name"}),
    ),
    Form(
        "root:invitations/<str:token>",
        at(f"/invitations/{TOKEN}"),
        {"full_name": "Nina New", "password": NEW_PASSWORD},
        drawn=at(f"/invitations/{TOKEN}"),
        public=True,
        unseen=frozenset({"full_name", "password"}),  # the team sees the name
    ),
    Form(
        "root:password/forgotten",
        at("/password/forgotten"),
        {"email": PEOPLE["alice"]},
        drawn=at("/password/forgotten"),
        public=True,
        changes=False,
    ),
    Form(
        "root:^password/new/(?P<uidb36>[0-9A-Za-z]{1,13})-(?P<key>[^/]{1,200})$",
        _new_password_path,
        {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD},
        drawn=_new_password_path,
        public=True,
        prepare=_mailed,
    ),
    Form(
        "root:account/verify/<str:key>",
        _verification_path,
        drawn=_verification_path,
        public=True,
        prepare=_not_verified,
    ),
    Form("root:account/verify", at("/account/verify"), changes=False),
    Form("root:account/sessions/<int:session_id>/end", _session_path),
    Form("root:account/sessions/end", at("/account/sessions/end")),
    Form(
        "root:account/password",
        at("/account/password"),
        {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD},
        drawn=at("/account/password"),
    ),
    Form(
        "root:account/confirm",
        at("/account/confirm"),
        {"password": PASSWORD},
        drawn=at("/account/confirm"),
        changes=False,
    ),
    Form(
        "root:account/confirm/code",
        at("/account/confirm/code"),
        lambda stage, client: {"code": stage.code},
        drawn=at("/account/confirm/code"),
        person="tom",
    ),
    Form(
        "root:account/second-factor/on",
        at("/account/second-factor/on"),
        _code,
        drawn=at("/account/second-factor/on"),
        prepare=_confirmed,
    ),
    Form("root:account/second-factor/off", at("/account/second-factor/off"), person="tom", prepare=_confirmed),
    Form(
        "root:account/second-factor/codes/new", at("/account/second-factor/codes/new"), person="tom", prepare=_confirmed
    ),
    Form("root:logout", at("/logout"), public=True, changes=False),
    Closed("root:api/v1/", "/api/v1/"),
    Closed("root:api/v1/docs", "/api/v1/docs"),
    Closed("root:api/v1/openapi.json", "/api/v1/openapi.json"),
)

"""Team: roles, leaving, and invitations by mail."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from tenants.context import in_public
from tenants.models import AuditEvent, Invitation, Membership, Role, Tenant, User
from tests.cast import ALICE, ALPHA, BETA, BOB, CAROL, MALLORY, PASSWORD
from tests.tenants.browser import ROOT, Browser, link_in_mail

pytestmark = pytest.mark.django_db
ZOE = "zoe@new.example"


def membership(person) -> Membership:
    return Membership.objects.get(user__email=person.email)


@pytest.fixture
def alice(client_of) -> Client:
    return client_of(ALICE)


def invite(client: Client, email: str = ZOE, role: str = "agent"):
    return client.post("/team/invitations", {"email": email, "role": role})


def test_everybody_reads_the_team_and_managers_see_the_tools(client_of, alice) -> None:
    for person in (ALICE, BOB, CAROL):
        page = client_of(person).get("/team").content.decode()
        assert all(one.email in page for one in (ALICE, BOB, CAROL))
        assert MALLORY.email not in page
        assert ("Send the invitation" in page) == (person is ALICE)


@pytest.mark.parametrize("person", [BOB, CAROL])
def test_who_does_not_manage_changes_nothing(client_of, person) -> None:
    client, target = client_of(person), membership(ALICE).pk
    assert invite(client).status_code == 403
    assert client.post(f"/team/{target}/role", {"role": "viewer"}).status_code == 403
    assert client.post(f"/team/{target}/remove").status_code == 403
    assert membership(ALICE).role == "owner"
    assert not mail.outbox


# -- roles -------------------------------------------------------------------------------------------------------------


def test_an_owner_changes_a_role_and_it_counts_at_once(client_of, alice) -> None:
    bob = client_of(BOB)
    assert invite(bob).status_code == 403
    answer = alice.post(f"/team/{membership(BOB).pk}/role", {"role": "admin"})
    assert answer["Location"] == "/team"
    assert invite(bob).status_code == 302
    noted = AuditEvent.objects.get(action="member.role_changed")
    assert noted.data == {"before": "agent", "role": "admin"}


@pytest.mark.parametrize("role", ["", "god", "Owner", "x" * 5000, "<script>"])
def test_a_role_that_does_not_exist_is_refused(alice, role) -> None:
    answer = alice.post(f"/team/{membership(BOB).pk}/role", {"role": role})
    assert answer.status_code == 422
    assert b"no such role" in answer.content
    assert membership(BOB).role == "agent"


def test_an_admin_can_not_touch_owners_nor_make_one(client_of) -> None:
    Membership.objects.filter(pk=membership(CAROL).pk).update(role="admin")
    carol = client_of(CAROL)
    assert carol.post(f"/team/{membership(ALICE).pk}/role", {"role": "viewer"}).status_code == 403
    assert carol.post(f"/team/{membership(ALICE).pk}/remove").status_code == 403
    assert carol.post(f"/team/{membership(CAROL).pk}/role", {"role": "owner"}).status_code == 403
    assert invite(carol, role="owner").status_code == 422
    assert carol.post(f"/team/{membership(BOB).pk}/role", {"role": "supervisor"}).status_code == 302
    assert membership(ALICE).role == "owner"


def test_the_last_owner_stays(alice) -> None:
    mine = membership(ALICE).pk
    for path, data in ((f"/team/{mine}/role", {"role": "viewer"}), (f"/team/{mine}/remove", {})):
        assert alice.post(path, data)["Location"] == "/team"
        assert b"needs an owner" in alice.get("/team").content
    assert alice.get(f"/team/{mine}/remove")["Location"] == "/team"
    assert b"needs an owner" in alice.get("/team").content
    assert b"needs an owner" not in alice.get("/team").content
    assert membership(ALICE).role == "owner"
    alice.post(f"/team/{membership(BOB).pk}/role", {"role": "owner"})
    assert alice.post(f"/team/{mine}/remove").status_code == 302
    assert alice.get("/team").status_code == 404


def test_removing_ends_access_and_keeps_the_account(client_of, alice) -> None:
    bob = client_of(BOB)
    alice.post(f"/team/{membership(BOB).pk}/remove")
    assert bob.get("/team").status_code == 404
    assert User.objects.filter(email=BOB.email).exists()
    assert AuditEvent.objects.filter(action="member.removed").exists()


def test_what_removing_means_is_said_before_it_happens(client_of, alice) -> None:
    User.objects.filter(email=BOB.email).update(full_name="Bob <b>B</b>")
    page = alice.get("/team").content.decode()
    path = f"/team/{membership(BOB).pk}/remove"
    assert f'href="{path}"' in page and f'action="{path}"' not in page
    page = alice.get(path).content.decode()
    assert "Remove Bob &lt;b&gt;B&lt;/b&gt;?" in page and BOB.email in page and "no longer sees calls" in page
    assert "Leave Alpha Dental?" in client_of(BOB).get(path).content.decode()
    assert membership(BOB).role == "agent"
    for client, member, status in (
        (client_of(CAROL), BOB, 403),
        (alice, ALICE, 302),  # back to the team, where it is said that nobody else is an owner
        (alice, MALLORY, 404),
        (client_of(MALLORY), BOB, 404),
    ):
        assert client.get(f"/team/{membership(member).pk}/remove").status_code == status


def test_a_member_may_leave(client_of) -> None:
    assert client_of(BOB).post(f"/team/{membership(BOB).pk}/remove").status_code == 302
    assert not Membership.objects.filter(user__email=BOB.email).exists()


@pytest.mark.parametrize("action", ["role", "remove"])
def test_members_of_another_business_do_not_exist(alice, action) -> None:
    theirs = membership(MALLORY)
    assert alice.post(f"/team/{theirs.pk}/{action}", {"role": "viewer"}).status_code == 404
    assert alice.post(f"/team/{10**30}/{action}", {"role": "viewer"}).status_code == 404
    assert membership(MALLORY).role == "owner"


def test_forged_requests_are_refused() -> None:
    client = Client(enforce_csrf_checks=True, headers={"host": ALPHA.host})
    for path in ("/team/invitations", "/team/1/role", "/team/1/remove", "/settings", "/settings/api"):
        assert client.post(path, {}).status_code == 403


# -- invitations -------------------------------------------------------------------------------------------------------


def test_a_new_person_joins_by_the_link_of_the_mail(alice, browser) -> None:
    assert invite(alice)["Location"] == "/team"
    (letter,) = mail.outbox
    assert (letter.to, letter.subject) == ([ZOE], f"{ALICE.email} invites you to {ALPHA.name}")
    link = link_in_mail()
    page = browser.get(link).content.decode()
    assert ALPHA.name in page
    answer = browser.post(link, {"full_name": "Zoe New", "password": "six yellow frogs"}, follow=False)
    assert answer["Location"] == f"http://{ALPHA.host}/login"
    browser.get(answer["Location"])
    assert browser.url == f"http://{ALPHA.host}/"
    zoe = User.objects.get(email=ZOE)
    assert zoe.full_name == "Zoe New"
    assert Membership.objects.get(user=zoe).role == "agent"
    assert EmailAddress.objects.get(user=zoe).verified, "the link proved the mailbox"
    assert AuditEvent.objects.filter(action="invitation.accepted", actor_ref=zoe.pk).exists()
    again = Browser().get(link)
    assert (again.status_code, b"no longer works" in again.content) == (404, True)


def test_only_the_hash_of_a_link_is_kept(alice) -> None:
    invite(alice)
    token = link_in_mail().rpartition("/")[2]
    assert token not in repr(list(Invitation.objects.values()))
    assert token not in repr(list(AuditEvent.objects.values()))


def test_somebody_with_an_account_signs_in_and_joins(alice, browser) -> None:
    invite(alice, MALLORY.email, "viewer")
    link = link_in_mail()
    assert b'name="password"' not in browser.get(link).content
    browser.post(link, {})
    assert browser.url == f"{ROOT}/login?next=/invitations/{link.rpartition('/')[2]}"
    browser.post(browser.url, {"login": MALLORY.email, "password": PASSWORD, "next": browser.url.partition("next=")[2]})
    assert browser.url == link
    assert browser.post(link, {}, follow=False)["Location"] == f"http://{ALPHA.host}/login"
    assert Membership.objects.get(user__email=MALLORY.email, tenant__slug="alpha").role == "viewer"
    assert Membership.objects.get(user__email=MALLORY.email, tenant__slug="beta").role == "owner"


def test_the_invitation_of_somebody_else_is_not_accepted(alice, browser) -> None:
    invite(alice)
    link = link_in_mail()
    browser.sign_in(MALLORY)
    assert b"signed in as somebody else" in browser.get(link).content
    assert browser.post(link, {"full_name": "M", "password": "six yellow frogs"}).status_code == 403
    assert not Membership.objects.filter(user__email=MALLORY.email, tenant__slug="alpha").exists()
    assert Invitation.objects.get().accepted_at is None


def test_a_role_is_never_lost_by_an_old_invitation(alice, browser) -> None:
    invite(alice, MALLORY.email, "viewer")
    user = User.objects.get(email=MALLORY.email)
    Membership.objects.create(user=user, tenant=Tenant.objects.get(slug="alpha"), role=Role.ADMIN)
    browser.sign_in(MALLORY)
    browser.post(link_in_mail(), {}, follow=False)
    assert Membership.objects.get(user=user, tenant__slug="alpha").role == "admin"


def test_an_invitation_runs_out_after_a_week(alice, browser) -> None:
    invite(alice)
    row = Invitation.objects.get()
    assert row.expires_at - row.created_at == pytest.approx(timedelta(days=7), abs=timedelta(seconds=5))
    Invitation.objects.update(expires_at=row.created_at - timedelta(seconds=1))
    assert browser.get(link_in_mail()).status_code == 404
    assert browser.post(link_in_mail(), {"full_name": "Z", "password": "six yellow frogs"}).status_code == 404
    assert not User.objects.filter(email=ZOE).exists()


def test_an_invitation_is_withdrawn(alice, browser) -> None:
    invite(alice)
    assert ZOE in alice.get("/team").content.decode()
    alice.post(f"/team/invitations/{Invitation.objects.get().pk}/revoke")
    assert browser.get(link_in_mail()).status_code == 404
    assert ZOE not in alice.get("/team").content.decode()
    assert alice.post(f"/team/invitations/{Invitation.objects.get().pk}/revoke").status_code == 404


def test_the_invitation_of_another_business_can_not_be_withdrawn(alice, client_of, other_tenant) -> None:
    invite(client_of(MALLORY, BETA))
    theirs = Invitation.objects.get()
    assert theirs.tenant_id == other_tenant.id
    assert alice.post(f"/team/invitations/{theirs.pk}/revoke").status_code == 404
    assert ZOE not in alice.get("/team").content.decode()
    theirs.refresh_from_db()
    assert theirs.is_open


def test_inviting_again_ends_the_first_link(alice, browser) -> None:
    invite(alice)
    invite(alice, role="viewer")
    assert browser.get(link_in_mail(0)).status_code == 404
    assert browser.get(link_in_mail(1)).status_code == 200


@pytest.mark.parametrize(
    ("email", "role", "said"),
    [
        ("nonsense", "agent", "valid email"),
        (f"{'x' * 300}@example.com", "agent", "at most 254"),
        (BOB.email.upper(), "agent", "member already"),
        (ZOE, "god", "not one of the available choices"),
        (ZOE, "", "required"),
        ("<script>@x.example", "agent", "valid email"),
    ],
)
def test_what_can_not_be_invited_is_said(alice, email, role, said) -> None:
    answer = invite(alice, email, role)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert b"<script>@" not in answer.content
    assert not mail.outbox


def test_an_invitation_that_is_not_sent_is_not_kept(alice, monkeypatch) -> None:
    monkeypatch.setattr("django.core.mail.EmailMessage.send", lambda self: (_ for _ in ()).throw(OSError("away")))
    answer = invite(alice)
    assert answer.status_code == 422
    assert b"could not be sent" in answer.content
    assert ZOE.encode() in answer.content
    assert not Invitation.objects.exists()


def test_a_business_can_not_be_used_to_send_mail_in_bulk(alice) -> None:
    for number in range(30):
        assert invite(alice, f"{number}@bulk.example").status_code == 302
    answer = invite(alice)
    assert b"a lot of invitations" in answer.content
    assert len(mail.outbox) == 30


def test_the_link_of_a_suspended_business_opens_nothing(alice, browser) -> None:
    from tenants.services.lifecycle import suspend_tenant

    invite(alice)
    in_public(suspend_tenant, "alpha")
    assert browser.get(link_in_mail()).status_code == 404


@pytest.mark.parametrize("token", ["x", "%00", "../login", "a" * 3000, "%E4"])
def test_made_up_links_say_what_to_do(browser, token) -> None:
    answer = browser.at("localhost:8000").get(f"/invitations/{token}")
    assert answer.status_code in {404, 302, 400}
    assert answer.status_code != 404 or b"no longer works" in answer.content or b"nothing here" in answer.content


def test_weak_passwords_are_refused_and_the_name_is_kept(alice, browser) -> None:
    invite(alice)
    answer = browser.post(link_in_mail(), {"full_name": "Zoe Kept", "password": "12345678"})
    assert answer.status_code == 422
    assert b"Zoe Kept" in answer.content
    assert Invitation.objects.get().is_open

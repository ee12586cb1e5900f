"""Invitations: a link by mail that works once, for seven days, and proves the address it was sent to."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from common.clock import now
from common.crypto import random_token
from common.errors import Invalid, NotFound, PermissionDenied, RateLimited, Unavailable
from tenants import mail
from tenants.models import Invitation, Membership, Role, Tenant, TenantStatus, User
from tenants.services import audit
from tenants.services.team import may_give

DAYS = 7
#: Mails that one business may send in an hour.
HOURLY = 30


class NoInvitation(NotFound):
    """The link was used, withdrawn, has run out, or never existed."""

    code = "no_invitation"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()


def open_invitations(tenant_id: int) -> list[Invitation]:
    """Those that can still be accepted, newest first."""
    rows = Invitation.objects.filter(tenant_id=tenant_id, accepted_at=None, revoked_at=None, expires_at__gt=now())
    return list(rows.order_by("-created_at"))


def invite(tenant_id: int, *, email: str, role: str, actor: User, actor_role: Role) -> Invitation:
    """Send a link that makes whoever reads `email` a member; an earlier one to the same address stops working.

    Raises `Invalid` (address, role, already a member), `PermissionDenied`, `RateLimited` or `Unavailable` (no mail was
    sent, and nothing is kept).
    """
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        raise Invalid("This is not an e-mail address.", field="email") from None
    if role not in Role.values:
        raise Invalid("There is no such role.", field="role")
    may_give(actor_role, Role(role))
    if Membership.objects.filter(tenant_id=tenant_id, user__email=address).exists():
        raise Invalid("This person is a member already.", field="email")
    if Invitation.objects.filter(tenant_id=tenant_id, created_at__gt=now() - timedelta(hours=1)).count() >= HOURLY:
        raise RateLimited("That is a lot of invitations for one hour. Try again later.")
    tenant = Tenant.objects.get(pk=tenant_id)
    token = random_token()
    with transaction.atomic():
        open_ones = Invitation.objects.filter(tenant_id=tenant_id, email=address, accepted_at=None, revoked_at=None)
        open_ones.update(revoked_at=now())
        row = Invitation.objects.create(
            tenant=tenant,
            email=address,
            role=role,
            digest=_digest(token),
            invited_by=actor,
            expires_at=now() + timedelta(days=DAYS),
        )
        audit.record("invitation.sent", actor=actor.pk, tenant=tenant_id, target=f"invitation {row.pk}", role=role)
        context = {
            "business": tenant.name,
            "inviter": actor.email,
            "role": Role(role).label,
            "link": f"{settings.PUBLIC_URL}/invitations/{token}",
            "days": DAYS,
        }
        if not mail.send("tenants/email/invitation", address, context):
            raise Unavailable("The invitation could not be sent just now. Nothing was changed; try again in a moment.")
    return row


def revoke(tenant_id: int, invitation_id: int, *, actor: int) -> None:
    """The link stops working. Raises `NotFound` for anything but an open invitation of this tenant."""
    rows = Invitation.objects.filter(pk=invitation_id, tenant_id=tenant_id, accepted_at=None, revoked_at=None)
    if not rows.update(revoked_at=now()):
        raise NotFound("There is no such invitation any more.")
    audit.record("invitation.revoked", actor=actor, tenant=tenant_id, target=f"invitation {invitation_id}")


def find(token: str) -> Invitation:
    """The open invitation of a link. Raises `NoInvitation`."""
    row = Invitation.objects.select_related("tenant", "invited_by").filter(digest=_digest(token)).first()
    if row is None or not row.is_open or row.tenant.status != TenantStatus.ACTIVE:
        raise NoInvitation("This invitation no longer works.")
    return row


@transaction.atomic
def accept(token: str, user: User) -> Tenant:
    """Make `user`, whose address was invited, a member; the link is used up.

    Somebody who is a member already keeps the role. Raises `NoInvitation`, or `PermissionDenied` for another person.
    """
    Invitation.objects.select_for_update().filter(digest=_digest(token)).first()
    row = find(token)
    if user.email != row.email or not user.is_active:
        raise PermissionDenied("This invitation is for another e-mail address.")
    _verified(user)
    Membership.objects.get_or_create(user=user, tenant=row.tenant, defaults={"role": row.role})
    Invitation.objects.filter(pk=row.pk).update(accepted_at=now())
    audit.record("invitation.accepted", actor=user.pk, tenant=row.tenant_id, target=f"invitation {row.pk}")
    return row.tenant


@transaction.atomic
def accept_as_new(token: str, *, full_name: str, password: str) -> User:
    """An account for the invited address, and `accept`. Raises `NoInvitation`, or `Invalid` where there is one."""
    Invitation.objects.select_for_update().filter(digest=_digest(token)).first()
    row = find(token)
    if User.objects.filter(email=row.email).exists():
        raise Invalid("There is an account with this address already: sign in to accept.")
    user = User.objects.create_user(row.email, password, full_name=full_name)
    accept(token, user)
    return user


def _verified(user: User) -> None:
    """Who holds the link reads the mailbox."""
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})

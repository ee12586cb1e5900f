"""Who works here: roles of members. Owners may do anything; admins anything but make, change or remove owners."""

from __future__ import annotations

from django.db import transaction

from common.errors import Conflict, Invalid, NotFound, PermissionDenied
from tenants.models import Membership, Role, Tenant
from tenants.services import audit

MANAGERS = frozenset({Role.OWNER, Role.ADMIN})


def may_give(actor: Role, role: Role) -> None:
    """Raise `PermissionDenied` unless somebody in the role `actor` may give `role`."""
    if actor not in MANAGERS or (role == Role.OWNER and actor != Role.OWNER):
        raise PermissionDenied("Only an owner may do this." if actor in MANAGERS else "Only an owner or admin may.")


def roles_to_give(actor: Role) -> list[Role]:
    """The roles `actor` may give."""
    if actor not in MANAGERS:
        return []
    return [role for role in Role if role != Role.OWNER or actor == Role.OWNER]


def _locked(tenant_id: int, member_id: int) -> Membership:
    # The tenant's row is the lock: two owners who step down at once must not both succeed.
    Tenant.objects.select_for_update().get(pk=tenant_id)
    row = Membership.objects.filter(pk=member_id, tenant_id=tenant_id).select_related("user").first()
    if row is None:
        raise NotFound("There is no such member.")
    return row


def _keep_an_owner(row: Membership) -> None:
    others = Membership.objects.filter(tenant_id=row.tenant_id, role=Role.OWNER, user__is_active=True)
    if row.role == Role.OWNER and not others.exclude(pk=row.pk).exists():
        raise Conflict("A business needs an owner: make somebody else an owner first.")


@transaction.atomic
def change_role(tenant_id: int, member_id: int, role: str, *, actor: int, actor_role: Role) -> Membership:
    """Give a member another role. Raises `Invalid`, `NotFound`, `PermissionDenied`, or `Conflict` (last owner)."""
    if role not in Role.values:
        raise Invalid("There is no such role.", field="role")
    row = _locked(tenant_id, member_id)
    may_give(actor_role, Role(role))
    may_give(actor_role, Role(row.role))
    if role != Role.OWNER:
        _keep_an_owner(row)
    before, row.role = row.role, role
    row.save(update_fields=["role"])
    audit.record(
        "member.role_changed", actor=actor, tenant=tenant_id, target=f"user {row.user_id}", before=before, role=role
    )
    return row


@transaction.atomic
def may_remove(tenant_id: int, member_id: int, *, actor: int, actor_role: Role) -> Membership:
    """The member, if `actor` may take them out now. Raises as `remove` does."""
    row = _locked(tenant_id, member_id)
    if row.user_id != actor:
        may_give(actor_role, Role(row.role))
    _keep_an_owner(row)
    return row


@transaction.atomic
def remove(tenant_id: int, member_id: int, *, actor: int, actor_role: Role) -> Membership:
    """Take a member out of the business; everybody may take out themselves.

    Open pages and sockets end with the next request or event. Raises `NotFound`, `PermissionDenied`, or `Conflict`.
    """
    row = may_remove(tenant_id, member_id, actor=actor, actor_role=actor_role)
    removed = Membership(pk=row.pk, user_id=row.user_id, tenant_id=tenant_id, role=row.role)
    row.delete()
    audit.record("member.removed", actor=actor, tenant=tenant_id, target=f"user {removed.user_id}")
    return removed

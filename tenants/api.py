"""The API of the room of customers: the business itself and its people."""

from __future__ import annotations

from ninja import Router

from tenants.context import require_tenant
from tenants.models import Membership, PhoneNumber, Role
from tenants.rest import ApiRequest, key
from tenants.rest.schemas import BusinessOut, CreditsOut, KeyOut, MemberOut, MeOut, TeamOut

router = Router(tags=["Business"])


@router.get("/me", response=MeOut, auth=key(), summary="Who am I?")
def read_me(request: ApiRequest) -> MeOut:
    """The key, the business it belongs to, and its credits. Any valid key may ask; a good first request."""
    tenant, caller = require_tenant(), request.auth
    numbers = PhoneNumber.objects.filter(tenant=tenant.id).order_by("pk").values_list("number", flat=True)
    return MeOut(
        key=KeyOut(name=caller.name, prefix=caller.prefix, scopes=sorted(caller.scopes)),
        business=BusinessOut(
            name=tenant.name,
            slug=tenant.slug,
            profession=tenant.profession,
            timezone=tenant.timezone,
            locale=tenant.locale,
            numbers=list(numbers),
        ),
        credits=CreditsOut(balance=tenant.credit_balance, calls_answered=tenant.credits_ok),
    )


@router.get("/team", response=TeamOut, auth=key("team:read"), summary="List the team")
def list_team(request: ApiRequest) -> TeamOut:
    """Members of the business with their roles."""
    rows = Membership.objects.filter(tenant=require_tenant().id, user__is_active=True).select_related("user")
    return TeamOut(
        items=[
            MemberOut(email=row.user.email, role=Role(row.role), since=row.created_at)
            for row in rows.order_by("user__email")
        ]
    )

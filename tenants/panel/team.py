"""Who works here, and who is invited. Owners and admins manage; everybody else reads."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from common.errors import AppError, Conflict
from common.htmx import go_to
from tenants.access import TenantRequest, member_required
from tenants.models import Membership, Role
from tenants.panel.forms import InviteForm
from tenants.services import invitations, team

MANAGERS = (Role.OWNER, Role.ADMIN)


def _page(request: TenantRequest, form: InviteForm | None = None, status: int = 200) -> HttpResponse:
    rows = Membership.objects.filter(tenant_id=request.tenant.id).select_related("user").order_by("created_at", "pk")
    gives = set(team.roles_to_give(request.role))
    members: list[dict[str, Any]] = [
        {
            "row": row,
            "me": row.user_id == request.user.pk,
            "name": row.user.full_name or row.user.email,
            "manageable": Role(row.role) in gives,
        }
        for row in rows
    ]
    manages = request.role in MANAGERS
    context = {
        "members": members,
        "roles": team.roles_to_give(request.role),
        "manages": manages,
        "invitations": invitations.open_invitations(request.tenant.id) if manages else [],
        "form": form or (InviteForm(actor_role=request.role) if manages else None),
    }
    return render(request, "tenants/team.html", context, status=status)


@never_cache
@require_GET
@member_required()
def members(request: TenantRequest) -> HttpResponse:
    """Members and open invitations."""
    return _page(request)


@require_POST
@member_required(*MANAGERS)
def invite(request: TenantRequest) -> HttpResponse:
    """Send an invitation."""
    form = InviteForm(request.POST, actor_role=request.role)
    if form.is_valid():
        try:
            row = invitations.invite(
                request.tenant.id, actor=request.user, actor_role=request.role, **form.cleaned_data
            )
        except AppError as error:
            field = error.data.get("field")
            form.add_error(field if field in form.fields else None, error.message)
        else:
            messages.success(request, f"The invitation to {row.email} is on its way.")
            return go_to(request, "team")
    return _page(request, form, status=422)


@require_POST
@member_required(*MANAGERS)
def revoke(request: TenantRequest, invitation_id: int) -> HttpResponse:
    """Withdraw an invitation."""
    invitations.revoke(request.tenant.id, invitation_id, actor=request.user.pk)
    messages.success(request, "The invitation no longer works.")
    return go_to(request, "team")


def _said_on_the_page(view: Callable[[TenantRequest, int], HttpResponse]) -> Callable[..., HttpResponse]:
    """A business that would be left without an owner: said where one can make somebody else an owner."""

    @wraps(view)
    def answered(request: TenantRequest, member_id: int) -> HttpResponse:
        try:
            return view(request, member_id)
        except Conflict as error:
            messages.error(request, error.message)
            return go_to(request, "team")

    return answered


@require_POST
@member_required(*MANAGERS)
@_said_on_the_page
def change_role(request: TenantRequest, member_id: int) -> HttpResponse:
    """Give a member another role."""
    role = request.POST.get("role", "")
    team.change_role(request.tenant.id, member_id, role, actor=request.user.pk, actor_role=request.role)
    messages.success(request, "The role is changed.")
    return go_to(request, "team")


@never_cache
@require_http_methods(["GET", "POST"])
@member_required()
@_said_on_the_page
def remove(request: TenantRequest, member_id: int) -> HttpResponse:
    """What would be lost; then the member is out. Everybody may leave."""
    if request.method == "GET":
        row = team.may_remove(request.tenant.id, member_id, actor=request.user.pk, actor_role=request.role)
        name = row.user.full_name or row.user.email
        context = {"member": row, "name": name, "me": row.user_id == request.user.pk}
        return render(request, "tenants/member_remove.html", context)
    removed = team.remove(request.tenant.id, member_id, actor=request.user.pk, actor_role=request.role)
    if removed.user_id == request.user.pk:
        return go_to(request, "login")
    messages.success(request, "This person no longer has access.")
    return go_to(request, "team")

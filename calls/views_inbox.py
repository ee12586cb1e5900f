"""Pages of the inbox. Members see it; everybody but viewers may put things away."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import trigger_client_event

from calls import inbox
from calls.services.inbox import ItemKind, set_done
from calls.views import page_number
from common.htmx import page_or_partial, toast
from tenants.access import TenantRequest, member_required
from tenants.models import Role
from tenants.sessions import local_path

CHANGERS = (Role.OWNER, Role.ADMIN, Role.SUPERVISOR, Role.AGENT)


@require_safe
@member_required()
def inbox_list(request: TenantRequest) -> HttpResponse:
    """Messages and voicemails in one list; what is new unless the address says otherwise."""
    state, kind = request.GET.get("state", ""), request.GET.get("kind", "")
    state = state if state in dict(inbox.STATES) else "new"
    kind = kind if kind in dict(inbox.KINDS) else ""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:80]
    context = {
        "page": inbox.items(state=state, kind=kind, text=text, page=page_number(request)),
        "state": state,
        "kind": kind,
        "search": text,
        "states": inbox.STATES,
        "kinds": inbox.KINDS,
        "searched": inbox.SEARCHED,
        "may_change": request.role in CHANGERS,
    }
    return page_or_partial(request, "calls/inbox.html", "calls/partials/_inbox_list.html", context)


@require_POST
@member_required(*CHANGERS)
def item_done(request: TenantRequest, kind: str, item_id: UUID) -> HttpResponse:
    """Put an entry away (``done=1``) or back among the new (``done=0``). Raises `NotFound`."""
    if kind not in dict(inbox.KINDS):
        raise Http404
    done = request.POST.get("done", "1") != "0"
    set_done(cast("ItemKind", kind), item_id, done)
    if not request.htmx:
        return redirect(local_path(request.POST.get("next") or reverse("calls:inbox")))
    # Lists on the page fetch themselves anew, also where no socket tells them to.
    response = trigger_client_event(HttpResponse(status=204), "live:call", {})
    if not done:
        return toast(response, "Back among the new.")
    undo = {"url": reverse("calls:item_done", args=[kind, item_id]), "values": {"done": "0"}}
    return toast(response, "Done.", undo=undo)


@require_safe
@member_required()
def to_inbox(request: TenantRequest, kind: str) -> HttpResponse:
    """Where messages and voicemails had pages of their own once."""
    return redirect(f"{reverse('calls:inbox')}?kind={kind}&state=all")

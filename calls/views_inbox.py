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
from calls.services.inbox import ItemKind, dismiss_question, set_done
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
    return _changed("Done." if done else "", "Back among the new.", request.path)


@require_POST
@member_required(*CHANGERS)
def question_done(request: TenantRequest, event_id: int) -> HttpResponse:
    """Take a question without an answer off Home (``done=1``) or put it back (``done=0``). Raises `NotFound`."""
    done = request.POST.get("done", "1") != "0"
    dismiss_question(event_id, done)
    if not request.htmx:
        return redirect(reverse("home"))
    return _changed(
        "Dismissed. Home stays quiet about this question for a week." if done else "", "Back on Home.", request.path
    )


def _changed(done: str, undone: str, path: str) -> HttpResponse:
    """Lists on the page fetch themselves anew, also where no socket tells them to; what was done can be taken back."""
    response = trigger_client_event(HttpResponse(status=204), "live:call", {})
    if not done:
        return toast(response, undone)
    return toast(response, done, undo={"url": path, "values": {"done": "0"}})


@require_safe
@member_required()
def to_inbox(request: TenantRequest, kind: str) -> HttpResponse:
    """Where messages and voicemails had pages of their own once."""
    return redirect(f"{reverse('calls:inbox')}?kind={kind}&state=all")

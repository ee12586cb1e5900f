"""The test-call panel: its page without scripts, and what its script asks for. Members only; viewers may not call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from calls import journal, testcall
from calls.models import Call
from common.errors import AppError, ProviderError
from tenants.access import TenantRequest, member_required
from tenants.models import Role

CALLERS = (Role.OWNER, Role.ADMIN, Role.SUPERVISOR, Role.AGENT)


def _answered(work: Callable[[], HttpResponse]) -> HttpResponse:
    """Errors as words the panel can show; it is a script that asks, and no part of the page is swapped."""
    try:
        return work()
    except AppError as error:
        return JsonResponse({"error": error.message}, status=error.http_status)
    except ProviderError:
        words = "The phone line or the voice can't be reached just now. Nothing was lost; please try again."
        return JsonResponse({"error": words}, status=503)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required(*CALLERS)
def test_call(request: TenantRequest) -> HttpResponse:
    """GET: how to call, for browsers without scripts. POST: what a call from the browser needs, as JSON."""
    if request.method == "POST":
        return _answered(lambda: JsonResponse(asdict(testcall.start(request.user.pk))))
    context = {"number": testcall.own_number(), "rings_everywhere": testcall.rings_everywhere()}
    return render(request, "phone/test_call.html", context)


@never_cache
@require_POST
@member_required(*CALLERS)
def speech(request: TenantRequest) -> HttpResponse:
    """`text`, spoken: a WAV file."""
    text = request.POST.get("text", "")
    return _answered(lambda: HttpResponse(testcall.speak(request.user.pk, text), content_type="audio/wav"))


@never_cache
@require_safe
@member_required(*CALLERS)
def progress(request: TenantRequest, sid: str) -> HttpResponse:
    """The transcript of a test call so far."""
    call = Call.objects.filter(sid=sid, is_test=True).first()
    if call is None:
        raise Http404
    return render(request, "phone/_progress.html", {"call": call, "turns": journal.transcript(call.pk)})

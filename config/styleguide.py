"""Every component in every state on one page, for whoever builds the next page. Served in DEBUG and in tests only."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import numpy as np
from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from common.audio import RATE, Int16, peaks, write_wav
from common.errors import Conflict
from common.htmx import toast, wants_partial
from common.ranges import byte_range

SECONDS = 24

TURNS = (
    {
        "role": "receptionist",
        "text": "Bright Dental, good morning. This is the assistant. How can I help?",
        "start_ms": 400,
        "end_ms": 4200,
        "interrupted": False,
    },
    {
        "role": "caller",
        "text": "Hi, are you open on Saturday? My crown came loose last night.",
        "start_ms": 5000,
        "end_ms": 8800,
        "interrupted": False,
    },
    {
        "role": "receptionist",
        "text": "I am sorry to hear that. We are open on Saturday from nine to one, and I can also",
        "start_ms": 9600,
        "end_ms": 14100,
        "interrupted": True,
    },
    {
        "role": "caller",
        "text": "Saturday at nine would be perfect, thank you.",
        "start_ms": 14200,
        "end_ms": 17100,
        "interrupted": False,
    },
    {
        "role": "receptionist",
        "text": "I have noted Saturday at nine. Somebody will ring you back to confirm. Goodbye.",
        "start_ms": 17900,
        "end_ms": 22800,
        "interrupted": False,
    },
)

TIMELINE = (
    {"offset_ms": 0, "icon": "phone-incoming", "title": "Call came in", "text": "From (212) 555-0142", "tone": ""},
    {"offset_ms": 400, "icon": "concierge-bell", "title": "Receptionist answered", "text": "", "tone": "accent"},
    {
        "offset_ms": 9100,
        "icon": "search",
        "title": "Looked up: opening hours",
        "text": "From “Opening hours”, confidence 94 %",
        "tone": "",
    },
    {"offset_ms": 14100, "icon": "hourglass", "title": "Caller spoke over the answer", "text": "", "tone": "warn"},
    {
        "offset_ms": 17400,
        "icon": "message-square",
        "title": "Took a message",
        "text": "Saturday at nine, loose crown",
        "tone": "good",
    },
    {"offset_ms": 23100, "icon": "phone-off", "title": "Caller hung up", "text": "", "tone": ""},
)

#: number, name, outcome, tone, minutes ago, seconds, credits
CALLS = (
    ("+12125550142", "", "Message taken", "good", 4, 84, 14),
    ("+12125550117", "Maria Lopez", "Answered", "", 61, 192, 32),
    ("", "", "Hung up early", "", 60 * 5, 6, 1),
    ("+442079460123", "", "Voicemail", "warn", 60 * 26, 41, 0),
    ("+12125550188", "Imaging Partners of the Lower East Side", "Could not connect", "bad", 60 * 24 * 9, 0, 0),
)


class SampleForm(forms.Form):
    """One field of each kind."""

    name = forms.CharField(label="Name of the business", help_text="As callers should hear it.")
    email = forms.EmailField(label="E-mail", required=False)
    profession = forms.ChoiceField(
        label="What do you do?", choices=[("dental", "Dental practice"), ("law", "Law office"), ("other", "Other")]
    )
    first = forms.ChoiceField(
        label="Who answers first?",
        widget=forms.RadioSelect,
        choices=[("ai", "The receptionist"), ("team", "My team, then the receptionist")],
    )
    greeting = forms.CharField(label="Greeting", widget=forms.Textarea(attrs={"rows": 3}), required=False)
    recording = forms.BooleanField(label="Record calls", required=False, help_text="Callers are told at the start.")


def _signal() -> tuple[Int16, Int16]:
    """A stand-in for a recording: caller and receptionist as shaped tones where each of them speaks."""
    moments = np.arange(SECONDS * RATE) / RATE
    channels: dict[str, np.ndarray[Any, np.dtype[np.float64]]] = {"caller": moments * 0, "receptionist": moments * 0}
    for turn in TURNS:
        spoken = (moments >= int(str(turn["start_ms"])) / 1000) & (moments < int(str(turn["end_ms"])) / 1000)
        pitch = 180 if turn["role"] == "caller" else 240
        syllables = np.abs(np.sin(2 * np.pi * 1.7 * moments)) * (0.5 + 0.5 * np.sin(2 * np.pi * 0.31 * moments) ** 2)
        channels[str(turn["role"])] += spoken * syllables * np.sin(2 * np.pi * pitch * moments) * 9000
    return channels["caller"].astype(np.int16), channels["receptionist"].astype(np.int16)


@require_http_methods(["GET", "POST"])
def styleguide(request: HttpRequest) -> HttpResponse:
    """The page; a POST shows how a form comes back with errors (422)."""
    form = SampleForm(request.POST) if request.method == "POST" else SampleForm()
    if request.method == "POST" and form.is_valid():
        return toast(HttpResponse(status=204), "Saved. The next caller hears the new greeting.")
    status = 422 if request.method == "POST" else 200
    if wants_partial(request):
        return HttpResponse(form.render(), status=status)
    now = timezone.now()
    caller, receptionist = _signal()
    calls = [
        {
            "number": number,
            "name": name,
            "outcome": outcome,
            "tone": tone,
            "at": now - dt.timedelta(minutes=minutes),
            "seconds": seconds,
            "credits": credits,
        }
        for number, name, outcome, tone, minutes, seconds, credits in CALLS
    ]
    invalid = SampleForm({"name": "", "email": "ann@"}, auto_id="wrong_%s")
    context = {
        "form": form,
        "invalid_form": invalid,
        "calls": calls,
        "page": Paginator(range(128), 25).page(2),
        "turns": TURNS,
        "timeline": TIMELINE,
        "peaks": json.dumps({"caller": peaks(caller, 240), "receptionist": peaks(receptionist, 240)}),
        "markers": json.dumps([{"at_ms": 9100, "label": "Looked up: opening hours"}]),
        "seconds": SECONDS,
        "tabs": [
            {"label": "All", "url": "?tab=all", "current": True, "count": 128},
            {"label": "Missed", "url": "?tab=missed", "count": 3},
            {"label": "Voicemail", "url": "?tab=voicemail"},
        ],
        "trail": [{"label": "Calls", "url": "/styleguide"}, {"label": "Today, 14:05"}],
    }
    return render(request, "styleguide.html", context, status=status)


@require_GET
def sample(request: HttpRequest) -> HttpResponse:
    """The sound behind the sample player."""
    caller, receptionist = _signal()
    sound = write_wav(np.stack([caller, receptionist], axis=1))
    part = byte_range(request.headers.get("Range", ""), len(sound))
    start, end = part or (0, len(sound))
    response = HttpResponse(sound[start:end], status=206 if part else 200, content_type="audio/wav")
    response["Accept-Ranges"] = "bytes"
    if part:
        response["Content-Range"] = f"bytes {start}-{end - 1}/{len(sound)}"
    return response


@require_http_methods(["POST"])
def fail(request: HttpRequest) -> HttpResponse:
    """An expected error, to see it as a toast."""
    raise Conflict("This call has already ended. Nothing was changed.")


urlpatterns = [
    path("styleguide", styleguide, name="styleguide"),
    path("styleguide/sample.wav", sample, name="styleguide_sample"),
    path("styleguide/fail", fail, name="styleguide_fail"),
]

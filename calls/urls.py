"""Pages of the calls room on a tenant's host."""

from __future__ import annotations

from django.urls import path

from calls import views

app_name = "calls"

urlpatterns = [
    path("calls", views.call_list, name="call_list"),
    path("calls/<uuid:call_id>", views.call_detail, name="call_detail"),
    path("voicemails", views.voicemail_list, name="voicemail_list"),
    path("messages", views.message_list, name="message_list"),
    path("recordings/<uuid:recording_id>.wav", views.recording_audio, name="recording"),
]

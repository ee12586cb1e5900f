"""Pages of the calls room on a tenant's host."""

from __future__ import annotations

from django.urls import path

from calls import views, views_inbox, views_testcall

app_name = "calls"

urlpatterns = [
    path("calls", views.call_list, name="call_list"),
    path("calls/export.csv", views.call_export, name="call_export"),
    path("calls/now", views.live_now, name="live_now"),
    path("calls/badges", views.badges, name="badges"),
    path("calls/<uuid:call_id>", views.call_detail, name="call_detail"),
    path("inbox", views_inbox.inbox_list, name="inbox"),
    path("inbox/<slug:kind>/<uuid:item_id>/done", views_inbox.item_done, name="item_done"),
    path("questions/<int:event_id>/done", views_inbox.question_done, name="question_done"),
    path("voicemails", views_inbox.to_inbox, {"kind": "voicemail"}, name="voicemail_list"),
    path("messages", views_inbox.to_inbox, {"kind": "message"}, name="message_list"),
    path("phone/test-call", views_testcall.test_call, name="test_call"),
    path("phone/test-call/speech", views_testcall.speech, name="test_call_speech"),
    path("phone/test-call/<slug:sid>", views_testcall.progress, name="test_call_progress"),
    path("recordings/<uuid:recording_id>.wav", views.recording_audio, name="recording"),
]

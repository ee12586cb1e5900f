"""Every websocket route. The isolation suite reads this list."""

from __future__ import annotations

from typing import Any

from channels.routing import URLRouter
from django.urls import path as django_path
from django.urls import re_path as django_re_path

from realtime.consumers import media_app
from tenants.live import LiveConsumer
from tenants.websocket import TenantWebsocketMiddleware, refuse

# Channels routes ASGI applications with Django's patterns, whose types know views only.
path: Any = django_path
re_path: Any = django_re_path

websocket_urlpatterns = [
    # The carrier's stream: its tenant comes with the stream's token, never from Host or a session.
    path("media/twilio", media_app),
    path("ws/live", TenantWebsocketMiddleware(LiveConsumer.as_asgi())),
]

websocket_app = URLRouter([*websocket_urlpatterns, re_path(r"", refuse)])

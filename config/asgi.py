"""The ASGI application of `web`: Django for HTTP, the routes of `config.routing` for websockets."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")
# Loads the models, which the imports below need.
http_app = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402

from config.routing import websocket_app  # noqa: E402

application = ProtocolTypeRouter({"http": http_app, "websocket": websocket_app})

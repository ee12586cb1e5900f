"""Twilio's error bodies: ``{code, message, more_info, status}``."""

from __future__ import annotations

import json

from aiohttp import web


class RestError(Exception):
    """An answer other than success; `code` is Twilio's."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    def response(self) -> web.Response:
        """The HTTP answer."""
        body = {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }
        headers = {"WWW-Authenticate": 'Basic realm="Twilio API"'} if self.status == 401 else None
        return web.Response(status=self.status, text=json.dumps(body), content_type="application/json", headers=headers)


def not_found(path: str) -> RestError:
    """There is no such resource."""
    return RestError(404, 20404, f"The requested resource {path} was not found")


def bad_parameter(code: int, message: str) -> RestError:
    """A parameter can't be used."""
    return RestError(400, code, message)

"""Mails: two text templates each, ``<name>_subject.txt`` and ``<name>_message.txt``."""

from __future__ import annotations

import logging
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

log = logging.getLogger(__name__)


def send(name: str, to: str, context: dict[str, Any]) -> bool:
    """Send the mail `name` to one address; False when the mail server does not take it (logged, without the address).

    Links are made of `root`: whatever Host header a request came with, a mail names the platform's own.
    """
    context = {**context, "root": settings.PUBLIC_URL}
    subject = " ".join(render_to_string(f"{name}_subject.txt", context).split())
    body = render_to_string(f"{name}_message.txt", context).strip() + "\n"
    try:
        EmailMessage(subject, body, settings.DEFAULT_FROM_EMAIL, [to]).send()
    except (OSError, SMTPException) as error:
        # The server's own words may hold the address.
        log.error("a mail was not taken", extra={"mail": name, "error": type(error).__name__})
        return False
    return True

"""`manage.py up`: the whole product on this machine."""

from __future__ import annotations

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.services.children import ServiceError
from config.services.programs import Ports
from config.services.stack import Stack


class Command(BaseCommand):
    """Start every process under one supervisor, say so with one line, stop them all on SIGTERM or Ctrl-C."""

    help = "Run everything on this machine: databases, web, media, engine, carrier, worker and beat."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="port of web; the next three are used too")
        parser.add_argument("--host", default="127.0.0.1", help="address web and media listen on")
        parser.add_argument("--no-carrier", action="store_true", help="no built-in carrier: calls come from Twilio")
        parser.add_argument("--no-engine", action="store_true", help="no local engine: OPENAI_* name another one")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["port"] <= 65532:
            raise CommandError("--port must lie between 1 and 65532")
        stack = Stack(
            Ports(options["port"]),
            host=options["host"],
            engine=not options["no_engine"],
            carrier=not options["no_carrier"],
            environ=dict(os.environ),
        )
        try:
            stack.run()
        except ServiceError as error:
            raise CommandError(str(error)) from None

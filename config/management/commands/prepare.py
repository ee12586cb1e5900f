"""Bring databases and static files to what the code expects; `up` runs it beside the start of the processes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.services.children import write_private
from config.services.migrations import everything_is_migrated
from config.services.preparation import fingerprint

#: Idempotent commands of the first start, in order; rooms that are not there yet are passed over.
FIRST_START = ("seed_demo", "refill_pool")
#: How long the engine may take to load its models.
WAIT_SECONDS = 180


class Command(BaseCommand):
    """Migrate public and every tenant's schema where needed, then run the steps of a first start."""

    help = "Migrate every schema and lay the demo business in place. Harmless when there is nothing to do."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--stamp", type=Path, help="file that remembers for which code all this was last done")
        parser.add_argument("--without-demo", action="store_true", help="for production: no demo business")
        parser.add_argument("--wait-for", action="append", default=[], help="address that must answer before the steps")

    def handle(self, *args: Any, **options: Any) -> None:
        code = fingerprint()
        if not everything_is_migrated():
            call_command("migrate_schemas", interactive=False)
        if options["stamp"]:
            _collect_static(options["stamp"], code)
            write_private(options["stamp"], code)
        for url in options["wait_for"]:
            _wait_for(url)
        known = get_commands()
        for name in FIRST_START:
            if name in known and not (name == "seed_demo" and options["without_demo"]):
                call_command(name)


def _collect_static(stamp: Path, code: str) -> None:
    """Never under a web process that runs: it starts once the stamp fits, and then nothing is collected."""
    if not stamp.exists() or stamp.read_text() != code:
        call_command("collectstatic", clear=True, interactive=False, verbosity=0)


def _wait_for(url: str) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            if httpx.get(url, timeout=5, trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        if time.monotonic() > end:
            raise CommandError(f"{url} does not answer")
        time.sleep(0.2)

"""A real prefork worker, fed with two tenants' tasks in turn."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection

from calls.models import FollowUp
from calls.tasks import run_follow_up
from tenants.context import in_tenant
from tenants.tasks import send_for_tenant

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker(live_tenant, tmp_path: Path) -> Iterator[None]:
    url = urlsplit(settings.DATABASE_URL)._replace(path="/" + connection.settings_dict["NAME"])
    env = os.environ | {"DATABASE_URL": urlunsplit(url), "DATABASE_POOL": "2"}
    command = [sys.executable, "-m", "celery", "-A", "config", "worker", "-P", "prefork", "-c", "2", "--loglevel=INFO"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, env=env, cwd=settings.BASE_DIR, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


@pytest.mark.slow
def test_two_tenants_tasks_never_mix_in_a_worker(worker, live_tenant, other_tenant) -> None:
    """The same ids exist in both tenants: a task in the wrong one would end the wrong row."""
    tenants = [live_tenant.schema, other_tenant.schema]

    def make(first: int) -> None:
        for pk in range(1, 21):
            state = FollowUp.State.WAITING if pk % 2 == first else FollowUp.State.DONE
            FollowUp.objects.create(pk=pk, kind="nobody-knows", key=str(pk), state=state)

    for index, schema in enumerate(tenants):
        in_tenant(schema, make, index)
    for pk in range(1, 21):  # odd ids wait in beta, even ones in alpha
        send_for_tenant(tenants[pk % 2], run_follow_up, pk)

    def states() -> dict[int, str]:
        return dict(FollowUp.objects.values_list("pk", "state"))

    deadline = time.monotonic() + 60
    while any("waiting" in in_tenant(schema, states).values() for schema in tenants):
        assert time.monotonic() < deadline, "the worker did not finish"
        time.sleep(0.05)
    for index, schema in enumerate(tenants):
        expected = {pk: "failed" if pk % 2 == index else "done" for pk in range(1, 21)}
        assert in_tenant(schema, states) == expected

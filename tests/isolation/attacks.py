"""How each kind of case is attacked."""

from __future__ import annotations

from typing import Any

from config.celery import app
from tenants.tasks import PublicTask, TenantTask
from tests.cast import ALICE, ALPHA, BETA, MALLORY
from tests.isolation.registry import Open, Page, PublicJob, TenantJob, World

REFUSED = {302, 403, 404, 405}


def body(answer: Any) -> bytes:
    """What came back, headers included: a secret in a redirect is told, too."""
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return content + repr(dict(answer.headers)).encode()


def attack_page(case: Page, world: World) -> None:
    """See `registry.Page`."""
    path = case.prepare(world)
    marker = world.marker.encode()
    before = case.untouched(world) if case.untouched else None

    def ask(client: Any) -> Any:
        return getattr(client, case.method)(path, case.data)

    strangers = {
        "mallory on alpha's host": world.client(MALLORY, ALPHA),
        "mallory's cookie on alpha's host": world.carried(MALLORY, BETA, ALPHA.host),
        "alice's cookie of the root host": world.carried(ALICE, None, ALPHA.host),
        "nobody": world.client(None, ALPHA),
    }
    for who, client in strangers.items():
        answer = ask(client)
        assert answer.status_code in REFUSED, f"{who} got {answer.status_code} at {path}"
        assert marker not in body(answer), f"{who} saw alpha's data at {path}"
    elsewhere = {
        "mallory on beta's host": world.client(MALLORY, BETA),
        "alice's cookie on beta's host": world.carried(ALICE, ALPHA, BETA.host),
        "alice on the root host": world.client(ALICE, None),
        "alice on an unknown host": world.carried(ALICE, ALPHA, "unknown.localhost:8000"),
    }
    for who, client in elsewhere.items():
        answer = ask(client)
        named = path.strip("/") != case.url.partition(":")[2].strip("/")  # the path holds an id of alpha's
        assert answer.status_code < 500, f"{who} got {answer.status_code} at {path}"
        assert not named or answer.status_code in REFUSED, f"{who} got {answer.status_code} at {path}"
        assert marker not in body(answer), f"{who} saw alpha's data at {path}"
    if case.untouched:
        assert case.untouched(world) == before, f"a stranger changed alpha's data at {path}"
    answer = ask(world.client(ALICE, ALPHA))
    assert answer.status_code in {200, 204, 206, 302}, f"alice got {answer.status_code} at {path}"
    if case.shows:
        assert marker in body(answer), f"the case proves nothing: alice did not see the marker at {path}"


def attack_open(case: Open, world: World) -> None:
    """See `registry.Open`."""
    for host in (ALPHA, BETA, None):
        for person in (None, MALLORY):
            answer = getattr(world.client(person, host), case.method)(case.path)
            assert answer.status_code != 500
            assert world.marker.encode() not in body(answer)


def attack_tenant_job(case: TenantJob, world: World) -> None:
    """See `registry.TenantJob`."""
    task = app.tasks[case.url.removeprefix("task:")]
    assert isinstance(task, TenantTask)
    arguments, state = case.fn(world)
    before = world.in_alpha(state)
    task.apply(args=arguments, headers={"_schema_name": world.beta.schema}, throw=False)
    assert world.in_alpha(state) == before, "a task of beta's changed something of alpha's"


def check_public_job(case: PublicJob) -> None:
    """See `registry.PublicJob`."""
    assert isinstance(app.tasks[case.url.removeprefix("task:")], PublicTask)
    assert case.why

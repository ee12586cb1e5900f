"""The socket that tells open pages what changed."""

from __future__ import annotations

import asyncio

import pytest
from channels.layers import get_channel_layer

from common.events import publish_on_commit
from tenants.context import in_tenant, run_in_tenant
from tenants.models import Membership, Role, User
from tests.cast import ALICE, ALPHA, BETA, MALLORY
from tests.sockets import browser_socket, session_cookie

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice(live_tenant) -> str:
    return session_cookie(ALICE, ALPHA)


@pytest.fixture
def mallory(live_tenant) -> str:
    return session_cookie(MALLORY, BETA)


async def tell(schema: str, **event: object) -> None:
    await run_in_tenant(schema, publish_on_commit, schema, "calls", dict(event))


async def opened(cookie: str, host: str = ALPHA.host):
    socket = browser_socket("/ws/live", host, cookie)
    connected, _ = await socket.connect()
    assert connected
    assert (await socket.receive_json_from()) == {"type": "hello"}
    return socket


async def test_a_members_page_hears_of_its_tenants_calls(live_tenant, alice) -> None:
    socket = await opened(alice)
    await tell(live_tenant.schema, type="call", id="1")
    assert await socket.receive_json_from() == {"type": "call", "id": "1"}
    await socket.disconnect()


async def test_it_hears_nothing_of_another_tenants(live_tenant, other_tenant, alice, mallory) -> None:
    ours, theirs = await opened(alice), await opened(mallory, BETA.host)
    await tell(other_tenant.schema, type="call", id="beta's")
    await tell(live_tenant.schema, type="call", id="alpha's")
    # Each gets one event only, its own: the foreign one was sent first and would have come first.
    assert (await ours.receive_json_from())["id"] == "alpha's"
    assert (await theirs.receive_json_from())["id"] == "beta's"
    assert await ours.receive_nothing(0.05)
    await ours.disconnect()
    await theirs.disconnect()


@pytest.mark.parametrize("host", [ALPHA.host, "localhost:8000", "unknown.localhost:8000", ""])
async def test_strangers_and_foreign_hosts_are_turned_away(mallory, host) -> None:
    socket = browser_socket("/ws/live", host, mallory)
    assert (await socket.connect()) == (False, 4403)


async def test_somebody_who_is_not_signed_in_is_turned_away(live_tenant) -> None:
    for cookie in ("", "sessionid=made-up", "sessionid=", 'sessionid="\\"; =;;', "\x7f"):
        assert (await browser_socket("/ws/live", ALPHA.host, cookie).connect()) == (False, 4403)


async def test_a_page_of_another_site_can_not_use_the_cookie(alice) -> None:
    for origin in ("https://evil.example", "http://beta.localhost:8000", "http://localhost:8000", "null"):
        assert (await browser_socket("/ws/live", ALPHA.host, alice, origin).connect()) == (False, 4403)


async def test_a_cookie_of_the_root_host_opens_no_tenants_socket(live_tenant) -> None:
    cookie = await asyncio.to_thread(session_cookie_in_thread, ALICE, None)
    assert (await browser_socket("/ws/live", ALPHA.host, cookie).connect()) == (False, 4403)


def session_cookie_in_thread(*args) -> str:
    from django.db import connection

    try:
        return session_cookie(*args)
    finally:
        connection.close()


@pytest.mark.parametrize(
    "change",
    [
        lambda user: Membership.objects.filter(user=user).delete(),
        lambda user: Membership.objects.filter(user=user).update(role=Role.VIEWER),
        lambda user: User.objects.filter(pk=user.pk).update(is_active=False),
        lambda user: User.objects.filter(pk=user.pk).update(password="changed"),
    ],
    ids=["membership ended", "role changed", "deactivated", "password changed"],
)
async def test_permission_is_looked_at_again_before_each_event(live_tenant, alice, change) -> None:
    socket = await opened(alice)
    await run_in_tenant(live_tenant.schema, lambda: change(User.objects.get(email=ALICE.email)) and None)
    await tell(live_tenant.schema, type="call", id="secret")
    assert await socket.receive_output() == {"type": "websocket.close", "code": 4403}
    await socket.disconnect()


async def test_whatever_a_browser_sends_is_ignored(live_tenant, alice) -> None:
    socket = await opened(alice)
    await socket.send_to(text_data="{not json")
    await socket.send_to(text_data='{"subscribe": "t.other.calls"}')
    await socket.send_to(bytes_data=b"\x00" * 1000)
    await tell(live_tenant.schema, type="call", id="2")
    assert (await socket.receive_json_from())["id"] == "2"
    await socket.disconnect()


async def test_a_closed_page_leaves_its_groups(live_tenant, alice) -> None:
    socket = await opened(alice)
    await socket.disconnect()
    groups = get_channel_layer().groups
    assert not any(members for members in groups.values())


async def test_an_unknown_path_is_closed(alice) -> None:
    assert (await browser_socket("/ws/no-such", ALPHA.host, alice).connect()) == (False, 4404)


def test_an_event_of_a_transaction_that_is_undone_is_never_told(
    live_tenant, django_capture_on_commit_callbacks
) -> None:
    from django.db import transaction

    def fail() -> None:
        with transaction.atomic():
            publish_on_commit(live_tenant.schema, "calls", {"type": "call"})
            raise ZeroDivisionError

    with django_capture_on_commit_callbacks() as callbacks, pytest.raises(ZeroDivisionError):
        in_tenant(live_tenant.schema, fail)
    assert callbacks == []

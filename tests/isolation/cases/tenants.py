"""Ways into the room of customers."""

from __future__ import annotations

from asgiref.sync import sync_to_async  # noqa: TID251 - sets a test's data up beside an event loop

from common.events import publish_on_commit
from tenants.context import run_in_tenant
from tenants.models import PhoneNumber, Tenant, TenantStatus
from tests.cast import ALPHA, BETA, MALLORY
from tests.isolation.registry import Check, Open, Page, PublicJob, Socket, World, register
from tests.sockets import browser_socket, session_cookie


def _named_after_the_secret(world: World) -> str:
    Tenant.objects.filter(pk=world.alpha.id).update(name=world.marker)
    return "/"


def _choice_of_businesses(world: World) -> None:
    """The list holds one's own businesses; with one of them it leads straight there."""
    _named_after_the_secret(world)
    answer = world.client(MALLORY, None).get("/businesses")
    assert answer["Location"] == "http://beta.localhost:8000/login"


def _handover(world: World) -> None:
    """No ticket to a business that isn't one's own, nor to one that isn't open."""
    mallory = world.client(MALLORY, None)
    target = f"/handover/{{}}?state={'0' * 64}"
    assert mallory.get(target.format("alpha")).status_code == 404
    assert mallory.get(target.format("beta")).status_code == 302
    Tenant.objects.filter(pk=world.beta.id).update(status=TenantStatus.SUSPENDED)
    assert mallory.get(target.format("beta")).status_code == 404


def _enter(world: World) -> None:
    """A ticket for beta opens nothing at alpha, even in the browser it was made for."""
    start = world.client(None, BETA).get("/login")
    place = world.client(MALLORY, None).get(start["Location"].partition("localhost:8000")[2])["Location"]
    alpha = world.client(None, ALPHA)
    alpha.cookies["handover"] = start.cookies["handover"].value
    answer = alpha.get("/enter?" + place.partition("?")[2])
    assert answer.status_code == 403
    assert "sessionid" not in answer.cookies


def _sign_out(world: World) -> None:
    """Signing out of one host leaves sessions of others alone, unless they belong together."""
    mallory = world.client(MALLORY, BETA)
    carried = world.carried(MALLORY, BETA, ALPHA.host)
    assert carried.post("/logout")["Location"] == "http://localhost:8000/login"
    del mallory


async def _live(world: World) -> None:
    """Mallory can't listen to alpha, and what happens at alpha is not told to beta."""
    cookie = await sync_to_async(session_cookie, thread_sensitive=True)(MALLORY, BETA)
    assert (await browser_socket("/ws/live", ALPHA.host, cookie).connect()) == (False, 4403)
    socket = browser_socket("/ws/live", BETA.host, cookie)
    assert (await socket.connect())[0]
    assert await socket.receive_json_from() == {"type": "hello"}
    for tenant, event in ((world.alpha, world.marker), (world.beta, "own")):
        await run_in_tenant(tenant.schema, publish_on_commit, tenant.schema, "calls", {"event": event})
    assert await socket.receive_json_from() == {"event": "own"}
    assert await socket.receive_nothing(0.05)
    await socket.disconnect()


def _numbers_of_both(world: World) -> str:
    """The front page lists alpha's number and not beta's; the marker is alpha's name."""
    assert PhoneNumber.objects.filter(tenant=world.beta.id).exists()
    return _named_after_the_secret(world)


register(
    Page("tenant:", _numbers_of_both),
    Open("tenant:login", "/login"),
    Check("tenant:enter", _enter),
    Check("tenant:logout", _sign_out),
    Open("root:", "/"),
    Open("root:login", "/login"),
    Open("root:logout", "/logout", method="post"),
    Check("root:businesses", _choice_of_businesses),
    Check("root:handover/<slug:slug>", _handover),
    Open("root:healthz", "/healthz"),
    Open("root:readyz", "/readyz"),
    Open("root:metrics", "/metrics"),
    Socket("socket:ws/live", _live),
    PublicJob("task:tenants.tasks.top_up_pool", "makes empty schemas"),
    PublicJob("task:tenants.tasks.tidy_up", "erases schemas that never had a tenant"),
)

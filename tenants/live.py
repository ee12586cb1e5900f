"""``/ws/live``: tells open pages of a tenant that something changed. Sockets are a hint, HTTP is the truth."""

from __future__ import annotations

from typing import Any, ClassVar

from channels.generic.websocket import AsyncJsonWebsocketConsumer

from common.events import group_name
from tenants.context import TenantInfo
from tenants.websocket import CLOSE_FORBIDDEN, Member, still_allowed

TOPICS = ("calls", "knowledge")


class LiveConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # the library has no types
    """Passes the tenant's page events on. Authorisation is checked again for each of them."""

    groups: ClassVar[list[str]] = []

    @property
    def _tenant(self) -> TenantInfo:
        tenant: TenantInfo = self.scope["tenant"]
        return tenant

    @property
    def _member(self) -> Member:
        member: Member = self.scope["member"]
        return member

    async def connect(self) -> None:
        """Subscribe to the tenant's topics."""
        for topic in TOPICS:
            await self.channel_layer.group_add(group_name(self._tenant.schema, topic), self.channel_name)
        await self.accept()
        await self.send_json({"type": "hello"})

    async def disconnect(self, code: int) -> None:
        """Unsubscribe."""
        for topic in TOPICS:
            await self.channel_layer.group_discard(group_name(self._tenant.schema, topic), self.channel_name)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """Nothing is asked over this socket."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any) -> None:
        """Whatever a browser sends is ignored, well-formed or not."""

    async def page_event(self, message: dict[str, Any]) -> None:
        """One event from `common.events.publish_on_commit`."""
        if not await still_allowed(self._tenant, self._member):
            await self.close(CLOSE_FORBIDDEN)
            return
        await self.send_json(message["event"])

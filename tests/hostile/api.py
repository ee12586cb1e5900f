"""Every kind of hostility, for any operation of the API, spoiled along its OpenAPI description."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings

from common.clock import now
from tenants.models import ApiKey, Tenant
from tenants.services.api_keys import SCOPES, issue_api_key
from tests.cast import ALPHA
from tests.hostile.attacks import RAW, SCRIPT
from tests.hostile.cases.api import BODIES, CHANGES_NOTHING, IDS
from tests.hostile.stage import Stage

JSON = "application/json"
WRONG: dict[str, list[Any]] = {
    "string": [7, True, None, [], ["a"], {"a": 1}, "a\x00b"],
    "integer": ["twelve", "9" * 40, 2**63, -(2**63) - 1, 1.5, [1], {}, "\x00"],
    "number": ["twelve", -1, 2**70, [1], {}, "NaN"],
    "boolean": ["perhaps", 7, [], {}, "\x00"],
    "array": ["a", 7, {}, None, [None], [[[]]], {"a": 1}],
    "object": ["a", 7, [], None],
}


@dataclass
class Call:
    """One operation under attack."""

    name: str
    details: dict[str, Any]
    stage: Stage

    def __post_init__(self) -> None:
        self.baseline = self.stage.fingerprint()

    @property
    def method(self) -> str:
        return self.name.partition(" ")[0]

    @cached_property
    def body(self) -> Any:
        return BODIES[self.name](self.stage.filled) if "requestBody" in self.details else None

    @property
    def schema(self) -> dict[str, Any]:
        found: dict[str, Any] = self.details["requestBody"]["content"][JSON]["schema"]
        return found

    def path(self, **other: str) -> str:
        path = self.name.partition(" ")[2]
        for name, pk in IDS.items():
            path = path.replace(f"{{{name}}}", other.get(name, str(pk(self.stage.filled))))
        return f"/api/v1{path}"

    def parameters(self, place: str) -> list[dict[str, Any]]:
        return [one for one in self.details.get("parameters", []) if one["in"] == place]

    def send(
        self,
        body: Any = None,
        *,
        key: str | None = None,
        path: str = "",
        raw: Any = None,
        kind: str = JSON,
        **headers: str,
    ) -> Any:
        key = self.stage.key if key is None else key
        sent = {"authorization": f"Bearer {key}", **headers} if key else headers
        data = raw if raw is not None else b"" if body is None else json.dumps(body)
        client = self.stage.client()
        return client.generic(self.method, path or self.path(), data, content_type=kind, headers=sent)

    def refused(self, answer: Any, what: str, *statuses: int) -> dict[str, Any]:
        """A problem in words, and no row is another. It does not repeat what was sent."""
        assert answer.status_code in statuses, f"{what}: {answer.status_code} {answer.content[:200]!r}"
        assert answer["Content-Type"] == "application/problem+json", what
        told: dict[str, Any] = answer.json()
        assert told["code"] and told["message"], what
        self.unchanged(what)
        return told

    def unchanged(self, what: str) -> None:
        now = self.stage.fingerprint()
        assert now == self.baseline, f"{what} changed {[t for t in now if now[t] != self.baseline[t]]}"

    def places(self) -> Iterator[tuple[str, dict[str, Any], Callable[[Any], Any]]]:
        """Every place in the body: its name, its schema, and a function that puts a value there."""
        if self.body is not None:
            yield from _places(self.schema, self.body, "body", lambda value: value)


def _places(
    schema: dict[str, Any], value: Any, name: str, put: Callable[[Any], Any]
) -> Iterator[tuple[str, dict[str, Any], Callable[[Any], Any]]]:
    schema = next((one for one in schema.get("anyOf", []) if one.get("type") != "null"), schema)
    yield name, schema, put
    inner: Iterator[tuple[Any, dict[str, Any]]] = iter(())
    if schema.get("type") == "object" and isinstance(value, dict):
        inner = ((key, part) for key, part in schema.get("properties", {}).items() if key in value)
    elif schema.get("type") == "array" and value:
        inner = iter([(0, schema["items"])])
    for key, part in inner:

        def put_inside(new: Any, key: Any = key) -> Any:
            whole = deepcopy(value)
            whole[key] = new
            return put(whole)

        yield from _places(part, value[key], f"{name}.{key}", put_inside)


# -- the kinds ---------------------------------------------------------------------------------------------------------


def accepted(call: Call) -> None:
    """As it is meant: else the refusals prove nothing."""
    answer = call.send(call.body)
    assert answer.status_code in {200, 201, 202, 204}, answer.content
    if call.method != "GET" and call.name not in CHANGES_NOTHING:
        assert call.stage.fingerprint() != call.baseline, "accepted, and nothing changed"


def without_key(call: Call) -> None:
    """No key, one that was made up, revoked, or of a business that is suspended; a browser's session is none."""
    tenant = Tenant.objects.get(slug=ALPHA.slug)
    revoked = issue_api_key(tenant, "revoked")
    ApiKey.objects.filter(prefix=revoked[:9]).update(revoked_at=now() - timedelta(minutes=1))
    call.baseline = call.stage.fingerprint()
    for what, key in {
        "no key": "",
        "guessed": "dk_guessed",
        "revoked": revoked,
        "odd": "dk_\u00ff",
        "long": "dk_" * 2000,
    }.items():
        told = call.refused(call.send(call.body, key=key), what, 401)
        assert "API key" in told["message"]
    browser = call.stage.client("alice", ALPHA)
    answer = browser.generic(call.method, call.path(), json.dumps(call.body), content_type=JSON)
    call.refused(answer, "a signed-in browser", 401)
    Tenant.objects.filter(slug=ALPHA.slug).update(status="suspended")
    call.baseline = call.stage.fingerprint()
    call.refused(call.send(call.body), "a suspended business", 401)


def without_scope(call: Call) -> None:
    """A key that may do everything else."""
    scope = call.details.get("x-scope")
    if not scope:
        return
    key = issue_api_key(Tenant.objects.get(slug=ALPHA.slug), "x", [one for one in SCOPES if one != scope])
    call.baseline = call.stage.fingerprint()
    told = call.refused(call.send(call.body, key=key), f"without {scope}", 403)
    assert told["data"] == {"scope": scope} and scope in told["message"]


def foreign_ids(call: Call) -> None:
    """Alpha's ids with beta's key: in the address, and everywhere in the body."""
    if call.parameters("path"):
        call.refused(call.send(call.body, key=call.stage.beta_key), "alpha's id in the address", 404)
    for name, schema, put in call.places():
        if schema.get("format") == "uuid":
            answer = call.send(put(call.body[name.rpartition(".")[2]]), key=call.stage.beta_key)
            call.refused(answer, f"alpha's id in {name}", 404, 422)


def odd_ids(call: Call) -> None:
    """Ids that aren't ids, or of nothing."""
    odd = ["0", "-1", "abc", str(2**31), str(2**63), "9" * 40, "1.5", "%00", "a%00b", "%ff", "..%2f..", "x" * 3000]
    odd += ["00000000-0000-0000-0000-000000000000", quote(SCRIPT), quote("' OR 1=1--")]
    for one in call.parameters("path"):
        for value in odd:
            answer = call.send(call.body, path=call.path(**{one["name"]: value}))
            call.refused(answer, f"{one['name']} {value[:40]}", 400, 404, 405, 422)
            assert RAW not in answer.content.decode()


def odd_queries(call: Call) -> None:
    """What is not a number, a moment or a choice; twice; of nothing known."""
    odd = [
        "\x00",
        "twelve",
        "-1",
        "0",
        "9" * 40,
        "NaN",
        "1e400",
        "2027-02-30",
        "\udcff",
        "x" * 10_000,
        SCRIPT,
        "[]",
        "",
    ]
    for one in call.parameters("query"):
        for value in odd:
            query = urlencode({one["name"]: value}, errors="surrogateescape")
            _answered(call, call.send(path=f"{call.path()}?{query}"), f"{one['name']}={value[:20]!r}")
        _answered(call, call.send(path=f"{call.path()}?{one['name']}=a&{one['name']}=b"), f"{one['name']} twice")
        if (longest := one["schema"].get("maxLength")) and one["schema"].get("type") == "string":
            answer = call.send(path=f"{call.path()}?{one['name']}={'x' * (longest + 1)}")
            assert str(longest) in call.refused(answer, f"{longest + 1} characters in {one['name']}", 422)["message"]
    if call.parameters("query"):
        _answered(call, call.send(path=f"{call.path()}?" + "&".join(f"a{n}=1" for n in range(5000))), "5000 parameters")


def _answered(call: Call, answer: Any, what: str) -> None:
    """Found, or refused in words."""
    if answer.status_code >= 400:
        call.refused(answer, what, 400, 422)
    assert RAW not in answer.content.decode() or answer["Content-Type"].startswith(JSON)


def too_long(call: Call) -> None:
    """A megabyte, and one more than the document allows, in every place; more than is read at all."""
    for name, schema, put in call.places():
        if schema.get("type") == "string" and not schema.get("enum") and schema.get("maxLength", 0) < 2**20:
            told = call.refused(call.send(put("x" * 2**20)), f"a megabyte in {name}", 422)
            assert "x" * 100 not in json.dumps(told), "what was sent is repeated"
        if longest := schema.get("maxLength"):
            told = call.refused(call.send(put("x" * (longest + 1))), f"{longest + 1} characters in {name}", 413, 422)
            assert str(longest) in told["message"], told
            assert told["data"]["errors"][0]["field"] == name.removeprefix("body."), told
        if most := schema.get("maxItems"):
            item = call.body
            for step in name.split(".")[1:]:
                item = item[int(step) if step.isdigit() else step]
            told = call.refused(call.send(put([item[0]] * (most + 1))), f"{most + 1} in {name}", 422)
            assert str(most) in told["message"], told
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    answer = call.send(raw=b'{"a": "' + b"x" * limit + b'"}')
    told = call.refused(answer, "too many bytes", 413)
    assert told["data"] == {"limit": limit}


def wrong_types(call: Call) -> None:
    """Another type in every place, and whatever is not there."""
    for name, schema, put in call.places():
        for value in WRONG.get(schema.get("type", ""), []):
            with call.stage.undone():
                answer = call.send(put(value))
                if answer.status_code < 400 and value is None:
                    continue  # null is "not given" where the document says so
                call.refused(answer, f"{value!r:.40} in {name}", 400, 422)
        for low in ("minimum", "exclusiveMinimum"):
            if low in schema:
                call.refused(call.send(put(schema[low] - 1)), f"too little in {name}", 422)
        if "maximum" in schema:
            call.refused(call.send(put(schema["maximum"] + 1)), f"too much in {name}", 422)
        if schema.get("enum"):
            call.refused(call.send(put("surprise")), f"no choice in {name}", 422)
        if schema.get("type") == "object":
            value = deepcopy(call.body) if name == "body" else None
            for missing in schema.get("required", []) if value else []:
                rest = {key: part for key, part in value.items() if key != missing}
                call.refused(call.send(rest), f"without {missing}", 422)
            if value is not None:
                call.refused(call.send({**value, "surprise": 1}), "a field nobody knows", 422)
    if call.body is not None:
        for day in ("02-30", "2027-02-29", "0000-01-01", "13-01"):
            if "holidays" in call.name:
                call.refused(call.send({"items": [{"date": day}]}), day, 422)


def odd_bodies(call: Call) -> None:
    """Not what a program sends at all."""
    if call.body is None:
        return
    text = json.dumps(call.body)
    bodies: dict[str, tuple[Any, str]] = {
        "nothing": (b"", JSON),
        "half of it": (text[:-2], JSON),
        "invalid UTF-8": (text.encode() + b"\xff\xfe", JSON),
        "deep": (b"[" * 100_000, JSON),
        "NaN": (b'{"a": NaN, "b": Infinity}', JSON),
        "a lone surrogate": (text.replace('": "', '": "\\ud800', 1) if '": "' in text else b'"\\ud800"', JSON),
        "a form": (urlencode(call.body), "application/x-www-form-urlencoded"),
        "multipart": (b"--x\r\n\r\n", "multipart/form-data"),
        "picture": (b"\x89PNG\r\n\x1a\n", "image/png"),
        "a huge number": (b'{"a": ' + b"9" * 5000 + b"}", JSON),
        "just a word": (b'"x"', JSON),
        "null": (b"null", JSON),
    }
    for what, (body, kind) in bodies.items():
        call.refused(call.send(raw=body, kind=kind), what, 400, 422)


def odd_headers(call: Call) -> None:
    """Names, ranges and hosts that nobody sends."""
    for name, value in {
        "range": "bytes=9-1,x",
        "idempotency-key": "x" * 256,
        "accept": "\u00ff",
        "x-http-method-override": "DELETE",
    }.items():
        with call.stage.undone():
            answer = call.send(call.body, **{name: value})
            assert answer.status_code < 500, f"{name}: {answer.status_code}"
            if answer.status_code >= 400:
                call.refused(answer, name, 416, 422)


def scripts(call: Call) -> None:
    """A script is text: it comes back as it was sent, as JSON that no browser takes for a page."""
    for name, schema, put in call.places():
        if schema.get("type") != "string":
            continue
        with call.stage.undone():
            answer = call.send(put(SCRIPT))
            if answer.status_code >= 400:
                call.refused(answer, f"a script in {name}", 422)
                assert RAW not in answer.content.decode()
                continue
            assert answer["Content-Type"].startswith(JSON) and answer["X-Content-Type-Options"] == "nosniff"
            assert call.name in CHANGES_NOTHING or SCRIPT in json.dumps(answer.json()).replace('\\"', '"'), name


KINDS = {
    fn.__name__: fn
    for fn in (
        accepted,
        without_key,
        without_scope,
        foreign_ids,
        odd_ids,
        odd_queries,
        too_long,
        wrong_types,
        odd_bodies,
        odd_headers,
        scripts,
    )
}

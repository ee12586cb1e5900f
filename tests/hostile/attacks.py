"""Every kind of hostility, for any form: each ends in a clear message, and nothing is changed or lost."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from html import unescape
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT

from tenants.models import Role
from tests.cast import ALPHA, BETA, Business
from tests.hostile import discovery
from tests.hostile.pages import TEXTUAL, TYPED, DrawnForm, Field, form_of, words
from tests.hostile.registry import Form
from tests.hostile.stage import Stage

CSRF = "c" * 32
FORM = "application/x-www-form-urlencoded"
SCRIPT = "<script>alert(1)</script>\"'>"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;"
RAW = "<script>alert(1)"
#: Read by machines alone.
UNSEEN = {"/healthz", "/readyz", "/metrics"}
MEGABYTE = "x" * 2**20
_ALWAYS = {"nul": "a\x00b", "words": "twelve"}
#: By the kind of field; what a field is not named for is text.
ODD = {
    "number": {"huge": "9" * 40, "negative": "-1", "not a number": "NaN", "exponent": "1e400"},
    "hidden": {"huge": "9" * 40, "negative": "-1"},
    "date": {"no such day": "2027-02-30", "year 0": "0000-00-00"},
    "time": {"no such time": "25:61"},
    "select": {"a list": ["a", "b"]},
    "radio": {"a list": ["a", "b"]},
    "checkbox": {"a list": ["a", "b"]},
}
_ODD_TEXT = {"lone surrogate": "\udcff", "direction": "\u202e\u0007\u200f", "a list": ["a", "b"], "nothing": ""}


@dataclass
class Sender:
    """Somebody at a form, who sends it in whatever shape; with the page's token unless told otherwise."""

    case: Form
    stage: Stage
    person: str = ""
    business: Business | None = None

    @cached_property
    def client(self) -> Client:
        client = self.stage.client(self.person, self.business, enforce_csrf_checks=True)
        client.cookies[settings.CSRF_COOKIE_NAME] = CSRF
        client.defaults["HTTP_X_CSRFTOKEN"] = CSRF
        return client

    def send(self, data: Any, content_type: str = FORM, path: str = "") -> Any:
        path = path or self.case.path(self.stage)
        if content_type == MULTIPART_CONTENT and isinstance(data, dict):
            return self.client.post(path, data)
        body = urlencode(data, doseq=True, errors="surrogateescape") if isinstance(data, dict) else data
        return self.client.generic("POST", path, body, content_type=content_type)


@dataclass
class Attack:
    """One form under attack by one kind."""

    case: Form
    stage: Stage
    baseline: dict[str, Any] = field(default_factory=dict)

    @property
    def root(self) -> bool:
        return self.case.url.startswith("root:")

    @property
    def business(self) -> Business | None:
        return None if self.root else ALPHA

    @cached_property
    def sender(self) -> Sender:
        """Who may send it."""
        person = self.case.person if self.root else ("alice" if Role.OWNER in self.case.by else "")
        if self.root and self.case.public and self.case.person == "alice":
            person = ""
        return Sender(self.case, self.stage, person, self.business)

    def ready(self) -> Attack:
        """What must be there before it can be sent; call once, inside the test."""
        if self.case.prepare:
            self.case.prepare(self.stage, self.sender.client)
        drawn = self.drawn
        given = self._given()
        self.data = {**(drawn.data() if drawn else {}), **given}
        if drawn and drawn.fields:
            unknown = set(given) - set(drawn.fields)
            assert not unknown, f"the case sends what the form does not have: {unknown}"
        self.baseline = self.stage.fingerprint()
        return self

    def _given(self) -> dict[str, Any]:
        given = self.case.data
        return given(self.stage, self.sender.client) if callable(given) else given

    @cached_property
    def drawn(self) -> DrawnForm | None:
        if self.case.drawn is None:
            return None
        here = self.case.drawn(self.stage)
        answer = self.sender.client.get(here)
        assert answer.status_code == 200, f"{here} gave {answer.status_code}"
        found = form_of(text_of(answer), self.case.path(self.stage), here)
        assert found, f"there is no form for {self.case.path(self.stage)} on {here}"
        return found

    def fields(self, *kinds: str) -> Iterator[Field]:
        """Fields of these kinds, lines of a table once."""
        seen: set[Any] = set()
        found = self.drawn.fields if self.drawn else {name: [Field(name, "text")] for name in self.data}
        for name, drawn in found.items():
            one = drawn[0] if drawn else Field(name, "checkbox")
            # Seven days with two stretches each are one kind of field.
            shape = re.sub(r"\d+", "#", name) if one.kind != "time" else name[-4:]
            if name == "csrfmiddlewaretoken" or shape in seen:
                continue
            if not kinds or one.kind in kinds:
                seen.add(shape)
                yield one

    # -- what must hold ------------------------------------------------------------------------------------------------

    def unchanged(self, what: str) -> None:
        now = self.stage.fingerprint()
        assert now == self.baseline, f"{what} changed {[t for t in now if now[t] != self.baseline[t]]}"

    def refused(self, answer: Any, what: str, *statuses: int) -> str:
        """The answer says no in words, and no row is another. What it says."""
        status = answer.status_code
        assert status < 500, f"{what}: {status}"
        if statuses:
            assert status in statuses, f"{what}: {status} instead of {statuses}"
        said = message(answer)
        assert status in (301, 302) or said, f"{what}: {status} without a word"
        self.unchanged(what)
        return said

    def judged(self, answer: Any, what: str) -> bool:
        """Whether it was accepted; where it was not, as `refused`. allauth's forms refuse with status 200."""
        status = answer.status_code
        assert status < 500, f"{what}: {status}"
        again = status == 200 and b"errorlist" in answer.content
        if status >= 400 or again:
            assert message(answer), f"{what}: {status} without a word"
            self.unchanged(what)
            return False
        return True

    def drawn_again(self, answer: Any) -> DrawnForm | None:
        path = self.case.path(self.stage)
        return form_of(text_of(answer), path, path)

    def kept(self, answer: Any, sent: dict[str, Any], what: str) -> None:
        """What was typed is in the form that came back."""
        form = self.drawn_again(answer)
        assert form is not None, f"{what}: the form did not come back"
        for one in self.fields(*(TYPED - {"password"})):
            if one.name not in sent or one.kind == "hidden":
                continue
            shown = [found.value for found in form.fields.get(one.name, [])]
            wanted = str(sent[one.name])
            assert shown and _plain(shown[0]) == _plain(wanted), f"{what}: {one.name} is lost"


def _plain(text: str) -> str:
    return " ".join(unescape(text).replace("\r\n", "\n").split())


def text_of(answer: Any) -> str:
    """The answer as text, sound included."""
    return str(answer.content, "utf-8", "replace")


def message(answer: Any) -> str:
    """What a person reads: the page's words, or the message a script shows."""
    kind = answer.headers.get("Content-Type", "")
    if "json" in kind:
        told = json.loads(answer.content)
        # allauth answers JSON with the errors of each field.
        return str(told.get("error") or told.get("message") or told.get("form") or "")
    text = text_of(answer)
    if "html" in kind:
        said = words(text)
        return said if len(said) > 20 else ""
    return text if "text/plain" in kind else answer.headers.get("HX-Trigger", "")


# -- the kinds ---------------------------------------------------------------------------------------------------------


def accepted(attack: Attack) -> None:
    """As it is meant: else the refusals prove nothing."""
    answer = attack.sender.send(attack.data)
    assert attack.judged(answer, "what a person would send"), message(answer)
    if attack.case.changes:
        assert attack.stage.fingerprint() != attack.baseline, "accepted, and nothing changed"


def without_token(attack: Attack) -> None:
    """A form that another site sends in somebody's name."""
    sender = attack.sender
    del sender.client.defaults["HTTP_X_CSRFTOKEN"]
    made_up = {**attack.data, "csrfmiddlewaretoken": "x" * 64}
    for what, data in {"no token": attack.data, "a made-up token": made_up, "no fields": {}}.items():
        said = attack.refused(sender.send(data), what, 403)
        assert "send that again" in said and "Nothing was changed" in said, said


def strangers(attack: Attack) -> None:
    """Nobody, another business's owner here, and she on her own host with alpha's ids."""
    if attack.case.public:
        return
    case, stage = attack.case, attack.stage
    answer = Sender(case, stage, "", attack.business).send(attack.data)
    if case.url == "tenant:logout":
        return
    attack.refused(answer, "nobody", 302)
    assert "/login" in answer["Location"], f"nobody was led to {answer['Location']}"
    if attack.root:
        return
    attack.refused(Sender(case, stage, "mallory", ALPHA).send(attack.data), "mallory on alpha's host", 404)
    if "<" in case.url and "<slug:step>" not in case.url:
        answer = Sender(case, stage, "mallory", BETA).send(attack.data)
        # A question's name is made of its words, which beta has, too: then it is beta's own.
        statuses = (404, 422) if "<str:ref>" in case.url else (404,)
        attack.refused(answer, "alpha's ids on beta's host", *statuses)


def lesser_roles(attack: Attack) -> None:
    """Everybody whose role does not reach."""
    if attack.root:
        return
    for role in Role:
        answer = Sender(attack.case, attack.stage, role.value, ALPHA)
        if role in attack.case.by:
            continue
        said = attack.refused(answer.send(attack.data), role.value, 403)
        assert "not open to you" in said or "Only" in said, said


def too_long(attack: Attack) -> None:
    """A megabyte in each field, and one character too many where the form says how many there may be."""
    for one in attack.fields(*TYPED, "hidden", "select", "radio", "checkbox"):
        sent = {**attack.data, one.name: MEGABYTE}
        with attack.stage.undone():
            answer = attack.sender.send(sent)
            what = f"a megabyte in {one.name}"
            if attack.judged(answer, what):
                assert one.name in attack.case.lenient or one.kind in ("checkbox", "hidden"), f"{what} was accepted"
            elif one.kind in TEXTUAL - {"password"} and answer.status_code == 422 and attack.drawn:
                attack.kept(answer, sent, what)
        if not one.longest or one.kind not in TEXTUAL:
            continue
        many = "x" * (one.longest + 1) if one.kind != "email" else f"{'x' * 60}@{'d' * (one.longest - 67)}.example"
        many = many if len(many) > one.longest else many.ljust(one.longest + 1, "e")
        sent = {**attack.data, one.name: many}
        with attack.stage.undone():
            answer = attack.sender.send(sent)
            what = f"{one.longest + 1} characters in {one.name}"
            assert not attack.judged(answer, what), f"{what} were accepted"
            assert str(one.longest) in message(answer), f"{what}: the limit is not named"
            if one.kind != "password":
                attack.kept(answer, sent, what)


def too_much(attack: Attack) -> None:
    """More than is read at all: of bytes, of fields, of files."""
    limit, most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE, settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
    files = {f"f{n}": SimpleUploadedFile("a.txt", b"x") for n in range(settings.DATA_UPLOAD_MAX_NUMBER_FILES + 1)}
    bodies = {
        "too many bytes": (urlencode({**attack.data, "more": "x" * limit}, doseq=True), FORM),
        "too many fields": (urlencode([(f"f{n}", "1") for n in range(most + 1)]), FORM),
        "too many files": (files, MULTIPART_CONTENT),
    }
    for what, (body, kind) in bodies.items():
        with attack.stage.undone():
            said = attack.refused(attack.sender.send(body, kind), what, 413, 302)
            assert not said or ("too much" in said and "Nothing was changed" in said), said


def odd_values(attack: Attack) -> None:
    """Words for numbers, days that do not exist, characters that can't be kept, choices that aren't offered."""
    for one in attack.fields(*TYPED, "hidden", "select", "radio", "checkbox"):
        for name, value in {**_ALWAYS, **ODD.get(one.kind, _ODD_TEXT)}.items():
            what = f"{name} in {one.name}"
            with attack.stage.undone():
                answer = attack.sender.send({**attack.data, one.name: value})
                if not attack.judged(answer, what):
                    if one.kind in ("text", "textarea") and answer.status_code == 422 and name == "words":
                        attack.kept(answer, {one.name: value}, what)
                    continue
                assert name != "nul" or one.kind not in TEXTUAL or one.name in attack.case.lenient, f"{what} accepted"
                assert one.kind not in ("select", "radio"), f"{what}: a choice that is not offered was accepted"
                assert one.kind != "number" or name not in ("words", *ODD["number"]), f"{what} was accepted"
                assert one.kind != "date" or name not in ("words", "no such day", "year 0"), f"{what} was accepted"
        with attack.stage.undone():
            rest = {name: value for name, value in attack.data.items() if name != one.name}
            attack.judged(attack.sender.send(rest), f"without {one.name}")


def odd_bodies(attack: Attack) -> None:
    """Not what a form sends at all."""
    token = urlencode(attack.data, doseq=True)
    bodies: dict[str, tuple[Any, str]] = {
        "invalid UTF-8": (token.encode() + b"&" + b"&".join(quote(n).encode() + b"=%ff%fe" for n in attack.data), FORM),
        "JSON": (json.dumps(attack.data), "application/json"),
        "half of a JSON": (b'{"a": [', "application/json"),
        "multipart without its boundary": (b"--x\r\n\r\n", "multipart/form-data"),
        "multipart that ends early": (f"--{BOUNDARY}\r\nContent-Dispo".encode(), MULTIPART_CONTENT),
        "multipart with odd names": (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="\x00"; filename="../../x"\r\n\r\nx\r\n'
            f"--{BOUNDARY}--\r\n".encode(),
            MULTIPART_CONTENT,
        ),
        "an unknown charset": (token, f"{FORM}; charset=klingon"),
        "no kind": (token, ""),
        "nothing": (b"", FORM),
    }
    for what, (body, kind) in bodies.items():
        with attack.stage.undone():
            attack.judged(attack.sender.send(body, kind), what)


def odd_ids(attack: Attack) -> None:
    """Ids that aren't ids, or of nothing."""
    route = attack.case.url.partition(":")[2]
    if "<" not in route or route.startswith("^"):
        return
    values = [
        "0",
        "-1",
        "99999999",
        str(2**31),
        str(2**63),
        "9" * 40,
        "abc",
        "1.5",
        "%00",
        "a%00b",
        "%ff",
        "..%2f..",
        "x" * 3000,
    ]
    values += ["00000000-0000-0000-0000-000000000000", quote(SCRIPT), "' OR 1=1--"]
    parts = re.findall(r"<[^>]+>", route)
    own = re.fullmatch(re.sub(r"<[^>]+>", "([^/]+)", route), attack.case.path(attack.stage).lstrip("/"))
    assert own
    for place, part in enumerate(parts):
        for value in values:
            path = "/" + route
            for number, other in enumerate(parts):
                path = path.replace(other, value if number == place else own[number + 1], 1)
            with attack.stage.undone():
                answer = attack.sender.send(attack.data, path=path)
                said = attack.refused(answer, f"{part} {value[:40]}", 400, 403, 404, 422, 409)
                assert RAW not in text_of(answer), said


def scripts(attack: Attack) -> None:
    """A script is text: kept as it was typed where text is taken, and never raw on any page."""
    for one in attack.fields(*TYPED, "hidden", "select", "radio", "checkbox"):
        with attack.stage.undone():
            sent = {**attack.data, one.name: SCRIPT}
            answer = attack.sender.send(sent)
            what = f"a script in {one.name}"
            taken = attack.judged(answer, what)
            assert RAW not in text_of(answer), f"{what} came back raw"
            if not taken or one.kind not in TEXTUAL:
                continue
            shown = list(everything_shown(attack.sender.client, attack.root, answer.headers.get("Location", "")))
            for path, page in shown:
                assert RAW not in page, f"{what} is raw on {path}"
            if one.name not in attack.case.unseen:
                assert any(ESCAPED in page for _, page in shown), f"{what} is accepted, and no page shows it"


def everything_shown(client: Client, root: bool, *more: str) -> Iterator[tuple[str, str]]:
    """The pages somebody can read."""
    for path in {*discovery.readable("root" if root else "tenant"), *more} - {""}:
        if not path.startswith("/") or path in UNSEEN:
            continue
        answer = client.get(path)
        assert answer.status_code < 500, f"{path}: {answer.status_code}"
        if "html" in answer.headers.get("Content-Type", ""):
            yield path, text_of(answer)
        else:
            assert answer.headers.get("X-Content-Type-Options") == "nosniff" or answer.status_code != 200, path


def files(attack: Attack) -> None:
    """Files that are too big, no text, or named oddly."""
    fields = list(attack.fields("file"))
    sent = {name: value for name, value in attack.data.items() if name != "text"}
    odd = {
        "a big file": ("a.txt", b"x" * 1_000_001),
        "more than is read of a form": ("a.txt", b"x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)),
        "no text": ("a.txt", b"\x89PNG\r\n\x1a\n\xff\xfe"),
        "half a letter": ("a.txt", b"\xff\xfea\x00b"),
        "a NUL": ("a.txt", b"a\x00b"),
        "empty": ("a.txt", b""),
        "another kind": ("a.exe", b"MZ"),
    }
    named = {"script": f"{SCRIPT}.txt", "path": "../../../etc/passwd.txt", "long": "x" * 5000 + ".txt"}
    for one in fields:
        for what, (name, content) in odd.items():
            with attack.stage.undone():
                body = {**sent, one.name: SimpleUploadedFile(name, content)}
                answer = attack.sender.send(body, MULTIPART_CONTENT)
                assert not attack.judged(answer, what), f"{what} was accepted"
                attack.kept(answer, {name: value for name, value in sent.items() if name != "file"}, what)
        for what, name in named.items():
            with attack.stage.undone():
                body = {**sent, "title": "", one.name: SimpleUploadedFile(name, b"Dogs may wait.")}
                answer = attack.sender.send(body, MULTIPART_CONTENT)
                attack.judged(answer, f"a file with a {what} for a name")
                for path, page in everything_shown(
                    attack.sender.client, attack.root, answer.headers.get("Location", "")
                ):
                    assert RAW not in page, f"the file's name is raw on {path}"


KINDS = {
    fn.__name__: fn
    for fn in (
        accepted,
        without_token,
        strangers,
        lesser_roles,
        too_long,
        too_much,
        odd_values,
        odd_bodies,
        odd_ids,
        scripts,
        files,
    )
}

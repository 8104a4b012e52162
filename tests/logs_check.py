"""No secret in a log: what the suite makes or sends is remembered, and whatever a test writes is searched for it.

`watch()` comes before the application is imported: it listens where secrets are made, and to every request and answer
that passes the guard. `judge(report)` fails a test whose logs or standard error hold one that is known by then.
Standard output is left out: commands that make a secret say it there.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from starlette.types import Message, Receive, Scope, Send

from app import secrets

TAIL = 16  # letters of its end by which a long secret is known, so that one which was cut off is found too
SECRET_PARAMETER = re.compile(
    r"(?!.*(challenge|type|method|post)).*(secret|assertion|code|verifier|token|password|hint)"
)
SHAPE = re.compile(r"gh_[a-z]{2}_[\w-]{36,}|eyJ[\w-]{10,}\.[\w-]{2,}\.[\w-]{10,}")  # of other processes too
WORD = re.compile(r"[A-Za-z0-9_-]+")


class Known:
    """Every secret so far, by what it is. Plain words are none: nobody could tell them from the words of a log."""

    def __init__(self) -> None:
        self.tails: dict[str, str] = {}
        self.short: dict[str, str] = {}

    def note(self, what: str, secret: str) -> None:
        if len(secret) < 6 or re.fullmatch(r"[a-z_]+", secret):
            return
        if len(secret) >= TAIL:
            self.tails[secret[-TAIL:]] = what
        elif WORD.fullmatch(secret):
            self.short[secret] = what

    def note_seed(self, seed: Any) -> None:
        """The passwords, seeds and secrets of a demo, wherever they stand in what it says of itself."""
        for name, value in seed.items() if isinstance(seed, dict) else enumerate(seed):
            if isinstance(value, dict | list):
                self.note_seed(value)
            elif isinstance(value, str) and SECRET_PARAMETER.fullmatch(str(name)):
                self.note(f"a seeded {name}", value)

    def found_in(self, text: str) -> set[str]:
        """What kinds of secret stand in the text, in the clear or encoded for an address."""
        found = {"something of the shape of our secrets"} if SHAPE.search(text) else set()
        for spelling in {text, unquote(text)}:
            starts = range(len(spelling) - TAIL + 1)
            found |= {self.tails[tail] for start in starts if (tail := spelling[start : start + TAIL]) in self.tails}
            found |= {self.short[word] for word in WORD.findall(spelling) if word in self.short}
        return found


known = Known()


def judge(report: pytest.TestReport) -> None:
    """Fail the test if what it wrote holds a secret; without saying which, because this is a log too."""
    for where, text in report.sections:
        if "stdout" not in where and (found := known.found_in(text)):
            report.outcome = "failed"
            report.longrepr = f"{where} holds a secret: {', '.join(sorted(found))}"


def watch() -> None:
    """Listen where secrets are made, typed and handed out."""
    _listen("with_checksum", lambda made, _body: [("a secret of ours", made)])
    _listen("hash_password", lambda _made, password: [("a password", password)])
    _listen("seal", _sealed)
    _listen_to_guard()


def _sealed(_made: str, text: str, purpose: str) -> list[tuple[str, str]]:
    if purpose == "signing key":
        return [("a private key", json.loads(text)["d"])]
    return [(f"what is sealed as {purpose}", text)] if purpose in ("totp", "readback") else []


def _listen(name: str, heard: Callable[..., list[tuple[str, str]]]) -> None:
    original = getattr(secrets, name)

    def listening(*given: Any, **named: Any) -> Any:
        made = original(*given, **named)
        for what, secret in heard(made, *given, **named):
            known.note(what, secret)
        return made

    setattr(secrets, name, listening)


def _listen_to_guard() -> None:
    from app.web.guard import Guard

    original = Guard.__call__

    async def listening(self: Guard, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await original(self, scope, receive, send)
        bodies: dict[str, bytes] = {"sent": b"", "answered": b""}

        async def heard() -> Message:
            message = await receive()
            bodies["sent"] += message.get("body", b"")
            return message

        async def told(message: Message) -> None:
            for name, value in message.get("headers", ()):
                _note_header(name.decode("latin-1"), value.decode("latin-1"))
            bodies["answered"] += message.get("body", b"")
            await send(message)

        for name, value in scope["headers"]:
            _note_header(name.decode("latin-1"), value.decode("latin-1"))
        _note_form(scope["query_string"])
        try:
            await original(self, scope, heard, told)
        finally:
            _note_form(bodies["sent"])
            _note_json(bodies["answered"])

    Guard.__call__ = listening  # type: ignore[method-assign]


def _note_header(name: str, value: str) -> None:
    if name == "authorization":
        scheme, _, credentials = value.partition(" ")
        known.note(f"credentials ({scheme[:6]})", credentials.strip())
        known.note("a client secret", _basic(credentials))
    elif name == "dpop":
        known.note("a DPoP proof", value)
    elif name in ("cookie", "set-cookie"):
        for pair in value.split(";" if name == "cookie" else ";;"):
            known.note("a cookie", pair.partition("=")[2].partition(";")[0].strip('" '))
    elif name == "location":
        _note_form(value.partition("?")[2].encode())


def _basic(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except (ValueError, binascii.Error):
        return ""


def _note_form(raw: bytes) -> None:
    if len(raw) < 200_000:
        for name, value in parse_qsl(raw.decode("latin-1"), max_num_fields=None):
            if SECRET_PARAMETER.fullmatch(name):
                known.note(name, value)


def _note_json(raw: bytes) -> None:
    if raw[:1] == b"{":
        for name, value in json.loads(raw).items():
            if isinstance(value, str) and (SECRET_PARAMETER.fullmatch(name) or name == "request_uri"):
                known.note(name, value)

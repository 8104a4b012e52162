"""One endpoint under load: `wrk` with `bench/oauth.lua`, or one single request to see that it works at all."""

import base64
import dataclasses
import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

from app.errors import Problem
from app.settings import ROOT

SCRIPT = ROOT / "bench/oauth.lua"
GET, READ, POST, ROTATE, ONCE = "get", "read", "post", "rotate", "once"
ROTATING = 512  # refresh tokens that go round in one run


class NoWrk(Problem):
    title = "wrk is not installed"


def need_wrk() -> None:
    if shutil.which("wrk") is None:
        raise NoWrk("On Debian or Ubuntu: apt-get install wrk")


@dataclasses.dataclass
class Call:
    """A request to repeat.

    `items`: a file of tokens or codes, one a line, the next of which goes into the body; when data is read, the header.
    """

    url: str
    kind: str
    auth: str = ""
    body: str = ""
    tail: str = ""
    items: Path | None = None
    skipped: int = 0

    def next_share(self, shares: int) -> tuple[int, int]:
        """Which lines of the file the next run takes, when it is divided between so many runs: skip and take."""
        if self.items is None or self.kind in (READ, POST):
            return 0, ROTATING
        lines = self.items.read_bytes().count(b"\n")
        take = min(lines // shares, lines - self.skipped)
        if self.kind == ROTATE:
            take = min(take, ROTATING)
        skip, self.skipped = self.skipped, self.skipped + take
        return skip, take

    def fault(self) -> str:
        """What a single request is answered with if not 200; empty when all is well, or when trying would cost."""
        if self.kind in (ROTATE, ONCE):
            return ""
        item = self.items.read_text().partition("\n")[0] if self.items else ""
        if self.items and not item:
            return "there is no token to ask about"
        try:
            auth = f"Bearer {item}" if self.kind == READ else self.auth
            answer = ask(self.url, auth, self.body + quote(item) + self.tail if self.kind == POST else None)
        except Unanswered as wrong:
            return str(wrong)
        if self.items and json.loads(answer).get("active") is False:
            return "200, but the token is not active"
        return ""


@dataclasses.dataclass(frozen=True)
class Run:
    """What one run measured, times in milliseconds; with a fault, no figure counts."""

    rate: float = 0
    p50: float = 0
    p99: float = 0
    requests: int = 0
    fault: str = ""


def run(call: Call, connections: int, seconds: float, shares: int) -> Run:
    skip, take = call.next_share(shares)
    if call.kind in (ROTATE, ONCE) and take < connections:
        return Run(fault=f"{take} unused tokens or codes are too few for {connections} connections: mint more")
    given = {
        "KIND": call.kind,
        "AUTH": call.auth,
        "BODY": call.body,
        "TAIL": call.tail,
        "ITEMS": str(call.items or ""),
        "SKIP": str(skip),
        "TAKE": str(take),
    }
    length = f"{max(1, round(seconds))}s"
    command = ["wrk", "-t1", f"-c{connections}", f"-d{length}", "--timeout", "10s", "-s", str(SCRIPT), call.url]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, env=os.environ | given)
    last = (ran.stdout.splitlines() or [""])[-1]
    if not last.startswith("{"):
        return Run(fault=f"wrk ended with {ran.returncode}: {(ran.stderr or last).strip()}")
    counted = json.loads(last)
    if wrong := counted["refused"] + counted["broken"]:
        return Run(fault=f"{wrong} of {counted['requests']} requests failed: {ran.stderr.strip() or 'not answered'}")
    if not counted["requests"]:
        return Run(fault="no answer at all")
    rate = counted["requests"] / counted["microseconds"] * 1e6
    return Run(rate, counted["p50"] / 1000, counted["p99"] / 1000, counted["requests"])


class Unanswered(Exception):
    """Not answered with 200; the text says with what."""


def ask(url: str, auth: str = "", form: str | None = None) -> str:
    """The body of the answer to a GET, or to a POST of a form. Raises Unanswered."""
    headers = {"Accept": "application/json"} | ({"Authorization": auth} if auth else {})
    request = urllib.request.Request(url, form.encode() if form is not None else None, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as wrong:
        raise Unanswered(f"{wrong.code} {wrong.read(200).decode(errors='replace')}") from wrong
    except OSError as wrong:
        raise Unanswered(str(wrong)) from wrong


def basic(name: str, secret: str) -> str:
    """The Authorization header of RFC 7617, each part form-encoded first (RFC 6749 section 2.3.1)."""
    return "Basic " + base64.b64encode(f"{quote(name, safe='')}:{quote(secret, safe='')}".encode()).decode()

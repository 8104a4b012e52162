"""A small server of `/agent/v1` and of the device flow, over real HTTP: strict, forgetful of nothing, and able to fail.

`before` and `after` are told of every call, before it has an effect and after it, before it is answered. They may
raise `Drop` (the connection breaks) or `Say` (this is answered in its place), or end whoever calls.
"""

import base64
import dataclasses
import email.utils
import hashlib
import json
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

SCHOOL = {"urn": 100001, "name": "Elm Park School", "status": "Verified"}
PAST, FUTURE = 120, 60  # seconds that a proof may be old, or ahead


class Drop(Exception):
    """The connection breaks."""


class Say(Exception):
    """An answer. A text in place of the body is sent as a page."""

    def __init__(self, status: int, told: Any = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.status, self.told, self.headers = status, told, headers or {}


@dataclasses.dataclass
class Batch:
    """`parts` by position."""

    name: str
    sha256: str
    size: int
    id: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))
    parts: dict[int, bytes] = dataclasses.field(default_factory=dict)
    state: str = "receiving"
    faults: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    @property
    def content(self) -> bytes:
        return b"".join(self.parts[position] for position in sorted(self.parts))


def problem(status: int, code: str, detail: str = "Something is wrong.", **headers: str) -> Say:
    told = {"type": f"https://gatehouse.example/developers/errors#{code}", "title": "No", "detail": detail}
    return Say(status, told | {"status": status}, {name.replace("_", "-"): value for name, value in headers.items()})


def refusal(code: str, description: str = "No.") -> Say:
    return Say(400, {"error": code, "error_description": description})


def faults(*outcomes: Exception | None, within: str = "") -> Callable[[str, str], None]:
    """For `before` or `after`: what befalls the next calls of that kind, in turn; None lets one through."""
    left = list(outcomes)

    def befall(_method: str, path: str) -> None:
        if left and within in path and (fault := left.pop(0)):
            raise fault

    return befall


class Fake:
    """`answers` is what polls for a device code hear in turn, until the last, which is True: approved."""

    def __init__(self) -> None:
        self.address = ""
        self.calls: list[tuple[str, str]] = []
        self.before: Callable[[str, str], None] = lambda method, path: None
        self.after: Callable[[str, str], None] = lambda method, path: None
        self.batches: list[Batch] = []
        self.beats: list[dict[str, Any]] = []
        self.answers: list[Any] = [True]
        self.interval = 0
        self.chunk_bytes = 1000
        self.skew = 0.0  # of the server's clock against the machine's, in seconds
        self.nonce: str | None = None
        self.removed, self.why = False, "The school has removed this agent."
        self.jwk: dict[str, str] = {}
        self.machine = ""
        self.device_code, self.refresh_token = (
            "gh_dc_" + secrets.token_urlsafe(32),
            "gh_rt_" + secrets.token_urlsafe(32),
        )
        self.tokens: set[str] = set()
        self._jtis: set[str] = set()
        self._lock = threading.Lock()

    def complete(self) -> list[Batch]:
        return [batch for batch in self.batches if batch.state not in ("receiving", "cancelled")]

    def answer(self, method: str, path: str, headers: Any, content: bytes) -> Say:
        with self._lock:
            self.calls.append((method, path))
            try:
                self.before(method, path)
                said = self._route(method, path, headers, content)
            except Say as early:
                said = early
            else:
                self.after(method, path)
        said.headers.setdefault("Date", email.utils.formatdate(time.time() + self.skew, usegmt=True))
        if self.nonce:
            said.headers["DPoP-Nonce"] = self.nonce
        return said

    def _route(self, method: str, path: str, headers: Any, content: bytes) -> Say:
        if path == "/oauth/device_authorization":
            return self._ask(content)
        if path == "/oauth/token":
            return self._token(headers, content)
        self._prove(method, path, headers, token=headers.get("Authorization", "").removeprefix("DPoP "))
        match [method, *path.split("/")[3:]]:
            case ["POST", "batches"]:
                return self._begin(json.loads(content))
            case ["PUT", "batches", batch_id, "chunks", position]:
                return self._put(self._own(batch_id), int(position), headers, content)
            case ["POST", "batches", batch_id, "complete"]:
                return self._complete(self._own(batch_id))
            case ["GET", "batches", batch_id]:
                batch = self._own(batch_id)
                told = {"id": batch.id, "name": batch.name, "state": batch.state, "faults": batch.faults}
                return Say(200, told | {"counts": {}, "held": []})
            case ["POST", "heartbeat"]:
                self.beats.append(json.loads(content))
                return Say(200, {"interval_seconds": 300, "server_time": "", "school": SCHOOL})
            case ["DELETE", "endpoint"]:
                self.removed = True
                return Say(204)
        raise problem(404, "404")

    def _ask(self, content: bytes) -> Say:
        sent = _form(content)
        self.jwk, self.machine, self.removed = json.loads(sent["jwk"]), sent["machine"], False
        told = {"device_code": self.device_code, "user_code": "BCDF-GHJK", "interval": self.interval}
        return Say(200, told | {"verification_uri": f"{self.address}/device", "expires_in": 900})

    def _token(self, headers: Any, content: bytes) -> Say:
        sent = _form(content)
        self._prove("POST", "/oauth/token", headers)
        if self.removed:
            raise refusal("invalid_grant", self.why)
        token = "gh_at_" + secrets.token_urlsafe(32)
        told: dict[str, Any] = {"access_token": token, "token_type": "DPoP", "expires_in": 600}
        if sent["grant_type"] != "refresh_token":
            assert sent["device_code"] == self.device_code
            answered = self.answers.pop(0)
            if answered is not True:
                raise refusal(answered)
            told |= {"refresh_token": self.refresh_token, "endpoint_id": str(uuid.uuid4()), "school": SCHOOL}
        elif sent["refresh_token"] != self.refresh_token:
            raise refusal("invalid_grant", "This refresh token is not known, or is not an agent's.")
        self.tokens.add(token)
        return Say(200, told)

    def _prove(self, method: str, path: str, headers: Any, token: str | None = None) -> None:
        """Everything that RFC 9449 section 4.3 asks for."""
        status = 401 if token is not None else 400
        proof = headers["DPoP"]
        head, claims, signature = proof.split(".")
        header, told, raw = json.loads(_raw(head)), json.loads(_raw(claims)), _raw(signature)
        assert (header["typ"], header["alg"], header["jwk"]) == ("dpop+jwt", "ES256", self.jwk)
        x, y = (int.from_bytes(_raw(self.jwk[name])) for name in ("x", "y"))
        r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
        key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        key.verify(encode_dss_signature(r, s), f"{head}.{claims}".encode(), ec.ECDSA(SHA256()))
        assert (told["htm"], told["htu"]) == (method, self.address + path)
        assert told["jti"] not in self._jtis
        self._jtis.add(told["jti"])
        if token is not None:
            assert _raw(told["ath"]) == hashlib.sha256(token.encode()).digest()
        if self.nonce and told.get("nonce") != self.nonce:
            raise _refused(status, "use_dpop_nonce")
        if not -FUTURE <= time.time() + self.skew - told["iat"] <= PAST:
            raise _refused(status, "invalid_dpop_proof")
        if token is not None and (self.removed or token not in self.tokens):
            raise problem(401, "invalid_token")

    def _begin(self, told: dict[str, Any]) -> Say:
        assert set(told) == {"name", "sha256", "size"}
        for batch in self.batches:
            if batch.sha256 == told["sha256"] and batch.state in ("receiving", "received"):
                return self._shape(200, batch)
        self.batches.append(Batch(**told))
        return self._shape(201, self.batches[-1])

    def _shape(self, status: int, batch: Batch) -> Say:
        told = {"id": batch.id, "state": batch.state, "have": sorted(batch.parts)}
        return Say(status, told | {"chunk_bytes": self.chunk_bytes, "chunks": self._count(batch)})

    def _count(self, batch: Batch) -> int:
        return max(1, -(-batch.size // self.chunk_bytes))

    def _put(self, batch: Batch, position: int, headers: Any, content: bytes) -> Say:
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        if headers["Content-Digest"] != f"sha-256=:{digest}:":
            raise problem(400, "wrong_digest")
        if batch.state != "receiving":
            raise problem(409, "409")
        assert len(content) == min(self.chunk_bytes, batch.size - position * self.chunk_bytes)
        batch.parts[position] = content
        return Say(204)

    def _complete(self, batch: Batch) -> Say:
        if batch.state == "receiving":
            if len(batch.parts) < self._count(batch):
                raise problem(409, "missing_chunks")
            if hashlib.sha256(batch.content).hexdigest() != batch.sha256:
                batch.parts.clear()
                raise problem(422, "altered_content", "Begin anew.")
            batch.state = "received"
        return Say(202, {"id": batch.id, "state": batch.state})

    def _own(self, batch_id: str) -> Batch:
        found = [batch for batch in self.batches if batch.id == batch_id]
        if not found:
            raise problem(404, "404")
        return found[0]


@contextmanager
def serving(fake: Fake, port: int = 0) -> Iterator[Fake]:
    """The fake at an address of its own, or at this port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                said = fake.answer(self.command, self.path, self.headers, content)
            except Drop:
                self.close_connection = True
                return
            body = b"" if said.told is None else json.dumps(said.told).encode()
            self.send_response_only(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            if said.status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_DELETE = do_POST

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # whoever called was killed

    server = Server(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    fake.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _refused(status: int, code: str) -> Say:
    return problem(401, code) if status == 401 else refusal(code)


def _form(content: bytes) -> dict[str, str]:
    sent = {name: values[0] for name, values in parse_qs(content.decode()).items()}
    assert sent["client_id"] == "gatehouse-agent"
    return sent


def _raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

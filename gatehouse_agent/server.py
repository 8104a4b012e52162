"""Calls to Gatehouse: each with the agent's token and a proof made with its key (RFC 9449).

What a repeat can heal at once is healed here: a nonce that the server asks for, a clock that is wrong, a token that
has run out. What needs time is raised as Unreachable.
"""

from __future__ import annotations

import email.utils
import json
import time
from typing import Any, Callable
from urllib.parse import urlencode

from gatehouse_agent import web
from gatehouse_agent.errors import Refused, Removed, Unreachable
from gatehouse_agent.key import Key

CLIENT_ID = "gatehouse-agent"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
REPEATS = 4  # of one call, for a nonce, for the clock and for a token
PASSING = "The school is "  # Suspended, say: the one end of a refresh token that may be taken back
SKEW = 5  # seconds that a clock may be wrong without that being the reason of a refusal


class Server:
    """`address` is https://host, `offset` how many seconds the server's clock is ahead of ours, once it mattered."""

    def __init__(self, address: str, key: Key, refresh_token: str = "", clock: Callable[[], float] = time.time) -> None:
        self.address = address
        self.offset = 0.0
        self._key = key
        self._refresh_token = refresh_token
        self._access_token = ""
        self._nonce: str | None = None
        self._clock = clock

    def ask(self, machine: str) -> dict[str, Any]:
        """Begin the device flow (RFC 8628 section 3.1)."""
        sent = {"client_id": CLIENT_ID, "machine": machine, "jwk": json.dumps(self._key.jwk)}
        return self._form("/oauth/device_authorization", sent, proven=False)

    def collect(self, device_code: str) -> dict[str, Any]:
        """Tokens, once somebody has said yes. Raises Refused with the code of RFC 8628 section 3.5."""
        told = self._form("/oauth/token", {"grant_type": DEVICE_GRANT, "device_code": device_code})
        self._refresh_token, self._access_token = told["refresh_token"], told["access_token"]
        return told

    def call(
        self,
        method: str,
        path: str,
        told: dict[str, Any] | None = None,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """One call of /agent/v1: `told` is sent as JSON, `content` as it is. Raises Unreachable, Removed or Refused."""
        url, more = f"{self.address}/agent/v1{path}", dict(headers or {})
        if told is not None:
            content, more["Content-Type"] = json.dumps(told).encode(), "application/json"
        elif content is not None:
            more["Content-Type"] = "application/octet-stream"
        refreshed = False
        for _ in range(REPEATS):
            if not self._access_token:
                self._refresh()
                refreshed = True
            proof = self._proof(method, url, self._access_token)
            authorization = {"Authorization": f"DPoP {self._access_token}", "DPoP": proof}
            answer = web.send(method, url, {**more, **authorization}, content)
            wrong = self._heard(answer)
            if wrong is None:
                return answer.json()
            if wrong.status == 401 and wrong.code == "invalid_token" and not refreshed:
                self._access_token = ""
            elif not self._is_healed(wrong, answer):
                raise wrong
        raise Unreachable("Gatehouse goes on refusing our proof. Check the clock of this machine.")

    def _refresh(self) -> None:
        try:
            told = self._form("/oauth/token", {"grant_type": "refresh_token", "refresh_token": self._refresh_token})
        except Refused as wrong:
            if wrong.code != "invalid_grant" or str(wrong).startswith(PASSING):
                raise
            words = f"Gatehouse does not let this agent in any more. {wrong}"
            raise Removed(f'{words} To send data again, run "gatehouse-agent enrol".') from None
        self._access_token = told["access_token"]

    def _form(self, path: str, sent: dict[str, str], proven: bool = True) -> dict[str, Any]:
        url = self.address + path
        content = urlencode({"client_id": CLIENT_ID, **sent}).encode()
        for _ in range(REPEATS):
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            if proven:
                headers["DPoP"] = self._proof("POST", url)
            answer = web.send("POST", url, headers, content)
            wrong = self._heard(answer)
            if wrong is None:
                return answer.json()
            if not self._is_healed(wrong, answer):
                raise wrong
        raise Unreachable("Gatehouse goes on refusing our proof. Check the clock of this machine.")

    def _proof(self, method: str, url: str, token: str | None = None) -> str:
        return self._key.proof(method, url, self._clock() + self.offset, token, self._nonce)

    def _heard(self, answer: web.Answer) -> Refused | None:
        """What is wrong with an answer, or None. Raises Unreachable for what passes by itself."""
        self._nonce = answer.headers.get("dpop-nonce", self._nonce)
        told = answer.json()
        if answer.status == 204 or (200 <= answer.status < 300 and told):
            return None
        code = str(told.get("error") or told.get("type", "")).rpartition("#")[2]
        text = str(told.get("error_description") or told.get("detail") or told.get("title") or "")
        seconds = _seconds(answer.headers.get("retry-after", ""))
        if answer.status == 429 or answer.status >= 500 or (answer.status == 409 and seconds is not None):
            words = text or "It says no more."
            raise Unreachable(f"Gatehouse cannot take this now (HTTP {answer.status}). {words}", seconds)
        if not text:
            raise Unreachable(
                f"Something between here and {self.address} answered in its place (HTTP {answer.status}). Ask whoever"
                " looks after the proxy or web filter to let this machine through to it."
            )
        return Refused(answer.status, code, text)

    def _is_healed(self, wrong: Refused, answer: web.Answer) -> bool:
        """Whether to try again at once, with a nonce or a time that the refusal brought."""
        if wrong.code == "use_dpop_nonce":
            return "dpop-nonce" in answer.headers
        if wrong.code != "invalid_dpop_proof":
            return False
        try:
            theirs = email.utils.parsedate_to_datetime(answer.headers["date"]).timestamp()
        except (KeyError, TypeError, ValueError):
            return False
        before, self.offset = self.offset, theirs - self._clock()
        return abs(self.offset - before) > SKEW


def _seconds(told: str) -> float | None:
    """Retry-After (RFC 9110 section 10.2.3) in its form of seconds; None for anything else."""
    return float(told) if told.isdigit() else None

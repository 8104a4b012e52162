"""Enrolment: an Estab Admin lets this machine in by typing the code that it shows (RFC 8628)."""

from __future__ import annotations

import socket
import time
from typing import Any, Callable

from gatehouse_agent import key, patience
from gatehouse_agent.errors import AgentError, Refused
from gatehouse_agent.home import Enrolment, Home
from gatehouse_agent.patience import Wait
from gatehouse_agent.server import Server

SLOWER = 5  # seconds more between two polls after slow_down (RFC 8628 section 3.5)
LONGEST_MACHINE = 100
SHOWN = {"device_code", "user_code", "verification_uri", "expires_in"}


def enrol(home: Home, address: str, wait: Wait, say: Callable[[str], None]) -> Enrolment:
    """Make a key, show the code, wait for the answer, and keep the tokens. Raises AgentError."""
    home.forget()
    made = key.made(home.key)
    server = Server(address, made)
    try:
        asked = server.ask(machine())
    except Refused as wrong:
        raise AgentError(f"{address} does not let this machine enrol: {wrong} Check the address.") from wrong
    if SHOWN - asked.keys():
        raise AgentError(f"{address} does not answer like Gatehouse. Check the address.")
    say(
        f"\n  Open    {asked['verification_uri']}\n  Type    {asked['user_code']}\n\n"
        "An Estab Admin of the school does this, signed in. The page shows these; compare them before you approve:\n"
        f"  Server            {machine()}\n  Key fingerprint   {made.fingerprint}\n\n"
        f"Waiting, at most {asked['expires_in'] // 60} minutes. Ctrl+C ends it."
    )
    told = _collected(server, asked, wait)
    enrolment = Enrolment(address, told["refresh_token"], told["endpoint_id"], told["school"])
    home.keep_enrolment(enrolment)
    return enrolment


def machine() -> str:
    return socket.gethostname()[:LONGEST_MACHINE] or "unnamed"


def _collected(server: Server, asked: dict[str, Any], wait: Wait) -> dict[str, Any]:
    interval = float(asked.get("interval", 5))
    until = time.monotonic() + asked["expires_in"]
    while time.monotonic() < until:
        wait(interval)
        try:
            return patience.patiently(lambda: server.collect(asked["device_code"]), wait)
        except Refused as wrong:
            if wrong.code == "slow_down":
                interval += SLOWER
            elif wrong.code == "access_denied":
                raise AgentError(
                    f"{wrong} If that was a mistake, run the same command again for another code."
                ) from None
            elif wrong.code == "expired_token":
                break
            elif wrong.code != "authorization_pending":
                raise AgentError(f"{wrong} Run the same command again for another code.") from None
    raise AgentError("Nobody has typed the code in time. Run the same command again for another one.")

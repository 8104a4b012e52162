"""Sending the packed content in parts; what the server has already is never sent again."""

from __future__ import annotations

import base64
import hashlib
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gatehouse_agent.errors import Refused, Unreachable
from gatehouse_agent.home import Home, Memory, Outgoing
from gatehouse_agent.patience import Wait, patiently
from gatehouse_agent.server import Server

RECEIVING, GIVEN_UP = "receiving", "cancelled"
ROUNDS = 3  # of asking what is missing and sending that


def send(server: Server, home: Home, memory: Memory, outgoing: Outgoing, wait: Wait) -> tuple[str, str]:
    """Its batch and the batch's state, once the server has all of it. Raises AgentError.

    Killed anywhere, it goes on where it stopped when it is called again with what `home` remembers.
    """
    if outgoing.batch:
        state = follow(server, outgoing.batch, wait).get("state", GIVEN_UP)
        if state not in (RECEIVING, GIVEN_UP):
            return outgoing.batch, state
    announced = {"name": outgoing.name, "sha256": outgoing.sha256, "size": outgoing.size}
    for _ in range(ROUNDS):
        begun = patiently(partial(server.call, "POST", "/batches", announced), wait)
        if outgoing.batch != begun["id"]:
            outgoing.batch = begun["id"]
            home.keep_memory(memory)
        if begun["state"] != RECEIVING:
            return begun["id"], begun["state"]
        try:
            _send_missing(server, home.outgoing, begun, wait)
            path = f"/batches/{quote(begun['id'])}/complete"
            return begun["id"], patiently(partial(server.call, "POST", path), wait)["state"]
        except Refused as wrong:
            if wrong.status not in (404, 409):  # given up by somebody at the school, or parts are missing
                raise
    raise Unreachable("Gatehouse did not keep what was sent. The agent tries again later.")


def follow(server: Server, batch: str, wait: Wait) -> dict[str, Any]:
    """What has become of a batch; empty when the server does not know it any more."""
    try:
        return patiently(lambda: server.call("GET", f"/batches/{quote(batch)}"), wait)
    except Refused as wrong:
        if wrong.status == 404:
            return {}
        raise


def _send_missing(server: Server, path: Path, begun: dict[str, Any], wait: Wait) -> None:
    have, length = set(begun["have"]), int(begun["chunk_bytes"])
    with open(path, "rb") as file:
        for position in range(begun["chunks"]):
            if position not in have:
                wait(0)
                file.seek(position * length)
                part = file.read(length)
                patiently(partial(_put, server, begun["id"], position, part), wait)


def _put(server: Server, batch: str, position: int, part: bytes) -> None:
    digest = base64.b64encode(hashlib.sha256(part).digest()).decode()
    headers = {"Content-Digest": f"sha-256=:{digest}:"}
    try:
        server.call("PUT", f"/batches/{quote(batch)}/chunks/{position}", content=part, headers=headers)
    except Refused as wrong:
        if wrong.code == "wrong_digest":
            raise Unreachable(str(wrong)) from None
        raise

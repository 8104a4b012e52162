"""What an agent on a school's server sends, call by call."""

import base64
import hashlib
from typing import Any

from app.models.roster.batch import CHUNK_BYTES
from app.settings import settings
from tests.oauth.agents import Agent


class Machine:
    """An agent that has its tokens. `agent.browser` is the Admin's, signed in."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.token = agent.tokens()["access_token"]

    def calls(self, method: str, path: str, **sent: Any) -> Any:
        address = f"/agent/v1{path}"
        proof = self.agent.signer.proves(self.token, htm=method, htu=settings.issuer + address)
        headers = proof | sent.pop("headers", {})
        return self.agent.programs.request(method, address, headers=headers, **sent)

    def begins(self, content: bytes, name: str = "school.zip", **changed: Any) -> Any:
        told = {"name": name, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)} | changed
        return self.calls("POST", "/batches", json=told)

    def puts(self, batch: str, position: int, part: bytes, digest: str = "") -> Any:
        told = digest or f"sha-256=:{base64.b64encode(hashlib.sha256(part).digest()).decode()}:"
        path = f"/batches/{batch}/chunks/{position}"
        return self.calls("PUT", path, content=part, headers={"content-digest": told})

    def completes(self, batch: str) -> Any:
        return self.calls("POST", f"/batches/{batch}/complete")

    def sends(self, content: bytes, name: str = "school.zip") -> str:
        """All of it; the batch's id."""
        begun = self.begins(content, name).json()
        for position in range(begun["chunks"]):
            part = content[position * CHUNK_BYTES : (position + 1) * CHUNK_BYTES]
            assert self.puts(begun["id"], position, part).status_code == 204
        assert self.completes(begun["id"]).status_code == 202
        return str(begun["id"])

    def beats(self, **changed: Any) -> Any:
        usual: dict[str, Any] = {"version": "0.1.0", "platform": "Windows Server 2016", "clock": "2026-12-01T09:00:00Z"}
        usual |= {"state": "working", "source": {"kind": "folder", "where": "D:/Export"}}
        return self.calls("POST", "/heartbeat", json=usual | changed)

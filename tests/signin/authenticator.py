"""A passkey in software (WebAuthn level 3, ES256): it makes credentials with attestation `none`, and signs."""

import hashlib
import json
import secrets
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.encode_cbor import encode_cbor

from tests.pages import Browser

ORIGIN, RP_ID = "http://localhost:8000", "localhost"
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


class Device:
    """Holds one key pair. What it says of itself can be made wrong by keyword."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.credential_id = secrets.token_bytes(32)
        self.count = 0
        self.owner = b""

    def makes(self, options: dict[str, Any], **wrong: Any) -> str:
        """The answer to navigator.credentials.create, as the page's script sends it."""
        self.owner = base64url_to_bytes(options["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        attested = bytes(16) + len(self.credential_id).to_bytes(2) + self.credential_id + encode_cbor(cose)
        data = self._data(ATTESTED, **wrong) + attested
        client = self._client("webauthn.create", options, **wrong)
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer(clientDataJSON=client, attestationObject=attestation)

    def signs(self, options: dict[str, Any], **wrong: Any) -> str:
        """The answer to navigator.credentials.get."""
        self.count = wrong.get("count", self.count + 1)
        data = self._data(0, **wrong)
        client = self._client("webauthn.get", options, **wrong)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        handle = wrong.get("owner", self.owner)
        return self._answer(clientDataJSON=client, authenticatorData=data, signature=signature, userHandle=handle)

    def _data(self, flags: int, rp_id: str = RP_ID, verified: bool = True, **_: Any) -> bytes:
        said = flags | PRESENT | (VERIFIED if verified else 0)
        return hashlib.sha256(rp_id.encode()).digest() + bytes([said]) + self.count.to_bytes(4)

    def _client(self, kind: str, options: dict[str, Any], origin: str = ORIGIN, **_: Any) -> bytes:
        return json.dumps({"type": kind, "challenge": options["challenge"], "origin": origin}).encode()

    def _answer(self, **response: bytes) -> str:
        name = bytes_to_base64url(self.credential_id)
        parts = {key: bytes_to_base64url(value) for key, value in response.items()}
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": parts})


def options(browser: Browser, purpose: str) -> dict[str, Any]:
    """What the page's script would be told to ask a device for."""
    answer = browser.client.post("/passkeys/options", data={"purpose": purpose})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, Any] = answer.json()
    return found

"""What an app signs: DPoP proofs and client assertions, and every way to get them wrong.

key = Signer()
dance.redeems(code, headers=key.proves())
"""

import base64
import hashlib
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from app.settings import settings
from tests.oauth.dance import Dance

KEYS: dict[str, Callable[[], Any]] = {
    "ES256": lambda: ECKey.generate_key("P-256"),
    "PS256": lambda: RSAKey.generate_key(2048),
    "RS256": lambda: RSAKey.generate_key(2048),
    "EdDSA": lambda: OKPKey.generate_key("Ed25519"),
    "Ed25519": lambda: OKPKey.generate_key("Ed25519"),
}
ASSERTED = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def part(value: Any) -> str:
    return b64(json.dumps(value).encode())


class Signer:
    """A key pair of an app. A member or claim that is None is left out."""

    def __init__(self, algorithm: str = "ES256") -> None:
        self.algorithm = algorithm
        self.key = KEYS[algorithm]()

    @property
    def public(self) -> dict[str, Any]:
        return dict(self.key.as_dict(private=False))

    @property
    def thumbprint(self) -> str:
        return str(self.key.thumbprint())

    @property
    def jwks(self) -> dict[str, Any]:
        return {"keys": [self.public | {"kid": "key-1", "alg": self.algorithm}]}

    def signs(self, header: dict[str, Any], claims: dict[str, Any] | bytes, algorithm: str = "") -> str:
        """A compact JWS, whatever its header says."""
        payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
        signed = f"{part(header)}.{b64(payload)}"
        model = JWSRegistry.algorithms[algorithm or self.algorithm]
        return f"{signed}.{b64(model.sign(signed.encode(), self.key))}"

    def proof(self, token: str | None = None, header: dict[str, Any] | None = None, **changed: Any) -> str:
        """A DPoP proof for the token endpoint; with a token, for `GET /data`."""
        usual: dict[str, Any] = {
            "jti": uuid.uuid4().hex,
            "htm": "GET" if token else "POST",
            "htu": settings.issuer + ("/data" if token else "/oauth/token"),
            "iat": int(time.time()),
            "ath": b64(hashlib.sha256(token.encode()).digest()) if token else None,
        }
        head = {"typ": "dpop+jwt", "alg": self.algorithm, "jwk": self.public} | (header or {})
        return self.signs(present(head), present(usual | changed))

    def proves(self, token: str | None = None, header: dict[str, Any] | None = None, **changed: Any) -> dict[str, str]:
        """The headers of a call: the proof, and the token with it."""
        proof = {"dpop": self.proof(token, header, **changed)}
        return proof | ({"authorization": f"DPoP {token}"} if token else {})

    def assertion(self, client_id: str, header: dict[str, Any] | None = None, **changed: Any) -> str:
        usual = {
            "iss": client_id,
            "sub": client_id,
            "aud": settings.issuer,
            "jti": uuid.uuid4().hex,
            "iat": int(time.time()),
            "exp": int(time.time()) + 60,
        }
        head = {"typ": "JWT", "alg": self.algorithm, "kid": "key-1"} | (header or {})
        return self.signs(present(head), present(usual | changed))

    def asserts(self, client_id: str, header: dict[str, Any] | None = None, **changed: Any) -> dict[str, str]:
        """The parameters that authenticate an app."""
        made = self.assertion(client_id, header, **changed)
        return {"client_assertion_type": ASSERTED, "client_assertion": made}


class Keyed(Dance):
    """A dance of an app that authenticates by private_key_jwt: every call of its own is signed anew."""

    def __init__(self, server: Any, browser: Any, signer: Signer | None = None, **app: Any) -> None:
        self.signer = signer or Signer()
        super().__init__(server, browser, **{"auth_method": "private_key_jwt", "jwks": self.signer.jwks} | app)

    def posts(self, usual: dict[str, str], **changed: Any) -> Any:
        if "client_assertion" not in changed and changed.get("auth", ...) is ...:
            changed = self.signer.asserts(self.app.client_id) | changed
        return super().posts(usual, **changed)


def present(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def pushes(dance: Dance, **changed: Any) -> Any:
    """Push an authorization request; `auth=`, `headers=` as everywhere."""
    how = {name: changed.pop(name) for name in ("auth", "headers") if name in changed}
    known = {"client_assertion", "client_assertion_type", "client_secret"}
    extra = {name: changed.pop(name) for name in known & changed.keys()}
    return dance.posts(dance.request(**changed), path="/oauth/par", **how, **extra)


def pushed(dance: Dance, **changed: Any) -> str:
    """The `request_uri` of a request that was pushed as it should be."""
    answered = pushes(dance, **changed)
    assert answered.status_code == 201, answered.text
    return str(answered.json()["request_uri"])


def brings(dance: Dance, request_uri: str, **changed: Any) -> dict[str, str]:
    """The parameters of a browser that carries a reference."""
    return present({"client_id": dance.app.client_id, "request_uri": request_uri} | changed)

"""Every way to get a DPoP proof wrong (protocol.md 49), by name; `token` is None for the token endpoint."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc.jwk import ECKey, OctKey

from app.settings import settings
from tests.oauth.proofs import Signer, b64, part

TOKEN = settings.issuer + "/oauth/token"


def hmac_signed(key: Signer, claims: dict[str, Any], secret: bytes, **header: Any) -> str:
    signed = f"{part({'typ': 'dpop+jwt', 'alg': 'HS256', 'jwk': key.public} | header)}.{part(claims)}"
    return f"{signed}.{b64(hmac.digest(secret, signed.encode(), 'sha256'))}"


def claims(proof: str) -> dict[str, Any]:
    payload = proof.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def _unsigned(key: Signer, token: str | None) -> str:
    return f"{part({'typ': 'dpop+jwt', 'alg': 'none', 'jwk': key.public})}.{part(claims(key.proof(token)))}."


def _by_hmac(key: Signer, token: str | None) -> str:
    return hmac_signed(key, claims(key.proof(token)), json.dumps(key.public).encode())


def _by_shared_key(key: Signer, token: str | None) -> str:
    shared = OctKey.generate_key(256)
    return hmac_signed(key, claims(key.proof(token)), shared.raw_value, jwk=shared.as_dict())


def _by_another(key: Signer, token: str | None) -> str:
    return Signer().proof(token, {"jwk": key.public})


def _changed(key: Signer, token: str | None) -> str:
    head, payload, signature = key.proof(token).split(".")
    flipped = ("B" if signature[10] == "A" else "A").join((signature[:10], signature[11:]))
    return f"{head}.{payload}.{flipped}"


def _der(key: Signer, token: str | None) -> str:
    head, payload, signature = key.proof(token).split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    return f"{head}.{payload}.{b64(encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:])))}"


def _twice_a_claim(key: Signer, token: str | None) -> str:
    text = json.dumps(claims(key.proof(token)))
    head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.public}
    return key.signs(head, f'{{"htm": "PUT", {text[1:]}'.encode())


def _deep(key: Signer, token: str | None) -> str:
    head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.public}
    return key.signs(head, b"[" * 3000)


def _as_json(key: Signer, token: str | None) -> str:
    head, payload, signature = key.proof(token).split(".")
    return json.dumps({"payload": payload, "protected": head, "signature": signature})


def _header(**header: Any) -> Callable[[Signer, str | None], str]:
    return lambda key, token: key.proof(token, header)


def _claim(**changed: Any) -> Callable[[Signer, str | None], str]:
    return lambda key, token: key.proof(token, **changed)


def _seconds(offset: float) -> Callable[[Signer, str | None], str]:
    return lambda key, token: key.proof(token, iat=int(time.time() + offset))


NOT_ON_CURVE = {"kty": "EC", "crv": "P-256", "x": b64(b"\1" * 32), "y": b64(b"\1" * 32)}
MUTATIONS: dict[str, Callable[[Signer, str | None], str]] = {
    "typ missing": _header(typ=None),
    "typ JWT": _header(typ="JWT"),
    "typ no text": _header(typ=["dpop+jwt"]),
    "alg missing": _header(alg=None),
    "alg none": _unsigned,
    "alg none in the header alone": _header(alg="none"),
    "alg HS256 with the public key": _by_hmac,
    "alg HS256 with a shared key": _by_shared_key,
    "alg ES384": _header(alg="ES384"),
    "alg RS256": lambda _key, token: Signer("RS256").proof(token),
    "alg of another key type": _header(alg="EdDSA"),
    "alg a list": _header(alg=["ES256"]),
    "jwk missing": _header(jwk=None),
    "jwk private": lambda key, token: key.proof(token, {"jwk": key.key.as_dict(private=True)}),
    "jwk another's": _by_another,
    "jwk not on the curve": _header(jwk=NOT_ON_CURVE),
    "jwk without members": _header(jwk={"kty": "EC", "crv": "P-256"}),
    "jwk of a weak curve": lambda key, token: key.proof(
        token, {"jwk": ECKey.generate_key("secp256k1").as_dict(private=False)}
    ),
    "jwk a text": _header(jwk="x"),
    "jwk for encryption": lambda key, token: key.proof(token, {"jwk": key.public | {"use": "enc"}}),
    "jwk registered for another alg": lambda key, token: key.proof(token, {"jwk": key.public | {"alg": "ES512"}}),
    "key by address": _header(jwk=None, jku="https://evil.example/jwks"),
    "key by certificate": _header(x5c=["MIIB"]),
    "crit": _header(crit=["exp"]),
    "b64 false": _header(b64=False),
    "jti missing": _claim(jti=None),
    "jti empty": _claim(jti=""),
    "jti a number": _claim(jti=7),
    "jti too long": _claim(jti="x" * 257),
    "jti half a character": _claim(jti="\ud800"),
    "htm missing": _claim(htm=None),
    "htm another": _claim(htm="PATCH"),
    "htm in small letters": lambda key, token: key.proof(token, htm="get" if token else "post"),
    "htu missing": _claim(htu=None),
    "htu another path": _claim(htu=settings.issuer + "/oauth/other"),
    "htu another host": lambda key, token: key.proof(token, htu=address("https://evil.example", token)),
    "htu another scheme": lambda key, token: key.proof(token, htu=address("ftp://127.0.0.1:8000", token)),
    "htu another port": lambda key, token: key.proof(token, htu=address("http://127.0.0.1:8002", token)),
    "htu with a user": lambda key, token: key.proof(token, htu=address("http://me@127.0.0.1:8000", token)),
    "htu without host": lambda key, token: key.proof(token, htu=address("", token)),
    "htu no address": _claim(htu="http://[::1"),
    "htu a list": _claim(htu=[TOKEN]),
    "iat missing": _claim(iat=None),
    "iat a text": lambda key, token: key.proof(token, iat=str(int(time.time()))),
    "iat true": _claim(iat=True),
    "iat without end": lambda key, token: key.signs(
        {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.public},
        json.dumps(claims(key.proof(token)) | {"iat": 0}).replace('"iat": 0', '"iat": 1e999').encode(),
    ),
    "iat an hour ago": _seconds(-3600),
    "iat in an hour": _seconds(3600),
    "iat 130 s ago": _seconds(-130),
    "iat in 70 s": _seconds(70),
    "signature changed": _changed,
    "signature as DER": _der,
    "signature empty": lambda key, token: key.proof(token).rpartition(".")[0] + ".",
    "a claim twice": _twice_a_claim,
    "no JSON": lambda key, token: key.signs({"typ": "dpop+jwt", "alg": "ES256", "jwk": key.public}, b"{"),
    "a JSON list": lambda key, token: key.signs({"typ": "dpop+jwt", "alg": "ES256", "jwk": key.public}, b"[]"),
    "JSON in UTF-16": lambda key, token: key.signs(
        {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.public}, json.dumps(claims(key.proof(token))).encode("utf-16")
    ),
    "JSON too deep": _deep,
    "JSON serialisation": _as_json,
    "padded": lambda key, token: key.proof(token) + "=",
    "four parts": lambda key, token: key.proof(token) + ".x",
    "two parts": lambda key, token: key.proof(token).rpartition(".")[0],
    "empty": lambda key, token: "",
    "too long": lambda key, token: key.proof(token, more="x" * 9000),
    "not ASCII": lambda key, token: "é.é.é",
}
AT_API_ALONE: dict[str, Callable[[Signer, str | None], str]] = {
    "ath missing": _claim(ath=None),
    "ath of another token": _claim(ath=b64(hashlib.sha256(b"another").digest())),
    "ath in hexadecimal": lambda key, token: key.proof(token, ath=hashlib.sha256((token or "").encode()).hexdigest()),
}


def address(origin: str, token: str | None) -> str:
    return origin + ("/data" if token else "/oauth/token")

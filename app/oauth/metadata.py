"""What a client library needs to find its way: RFC 8414 and OpenID Connect Discovery, RFC 9728. Only what is on."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.models.scope import SCOPES
from app.oauth import client_auth, pkce
from app.oauth.token import GRANTS
from app.settings import settings

PROTECTED_RESOURCE = f"{settings.issuer}/.well-known/oauth-protected-resource"
OFFERED = [scope.name for scope in SCOPES.values() if not scope.identity]


def server() -> dict[str, Any]:
    """The authorization server's metadata. A public app's method, `none`, is never advertised."""
    issuer = settings.issuer
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "jwks_uri": f"{issuer}/oauth/jwks",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANTS),
        "code_challenge_methods_supported": [pkce.METHOD],
        "token_endpoint_auth_methods_supported": list(client_auth.METHODS),
        "introspection_endpoint_auth_methods_supported": list(client_auth.METHODS),
        "revocation_endpoint_auth_methods_supported": list(client_auth.METHODS),
        "authorization_response_iss_parameter_supported": True,
        "scopes_supported": OFFERED,
        "ui_locales_supported": ["en-GB"],
        "protected_resources": [issuer],
    }


def protected_resource() -> dict[str, Any]:
    """The data API's metadata: whose tokens it takes, and how they are sent."""
    return {
        "resource": settings.issuer,
        "resource_name": "Gatehouse school data",
        "authorization_servers": [settings.issuer],
        "scopes_supported": OFFERED,
        "bearer_methods_supported": ["header"],
    }


_SERVER = bytes(JSONResponse(server()).body)
_RESOURCE = bytes(JSONResponse(protected_resource()).body)
_HEADERS = {"Cache-Control": "public, max-age=300"}


async def of_server(_request: Request) -> Response:
    return Response(_SERVER, media_type="application/json", headers=_HEADERS)


async def of_resource(_request: Request) -> Response:
    return Response(_RESOURCE, media_type="application/json", headers=_HEADERS)

"""What a client library needs to find its way: RFC 8414 and OpenID Connect Discovery, RFC 9728. Only what is on."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.models.scope import PARTNER_SCOPES, SCOPES
from app.oauth import assertion, client_auth, details, dpop, grants, id_token, pkce
from app.oauth.token import GRANTS
from app.settings import settings

AUTHENTICATED = ("token", "introspection", "revocation")
PROTECTED_RESOURCE = f"{settings.issuer}/.well-known/oauth-protected-resource"
OFFERED = list(SCOPES)
USERINFO_CLAIMS = [field for scope in SCOPES.values() if scope.identity for field in scope.fields]
PROMPTS = ("none", "login", "consent", "select_account")


def server() -> dict[str, Any]:
    """The authorization server's metadata. A public app's method, `none`, is never advertised."""
    issuer = settings.issuer
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "device_authorization_endpoint": f"{issuer}/oauth/device_authorization",
        "grant_management_endpoint": f"{issuer}{grants.PATH}",
        "grant_management_actions_supported": [*grants.ACTIONS, "query", "revoke"],
        "grant_management_action_required": False,
        "authorization_details_types_supported": [details.TYPE],
        "pushed_authorization_request_endpoint": f"{issuer}/oauth/par",
        "request_uri_parameter_supported": False,  # of an app's own; only references of ours are taken
        "require_pushed_authorization_requests": False,  # of all apps; profile fapi2 requires it of its own
        "token_endpoint": f"{issuer}/oauth/token",
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "userinfo_endpoint": f"{issuer}/oauth/userinfo",
        "end_session_endpoint": f"{issuer}/oauth/logout",
        "jwks_uri": f"{issuer}/oauth/jwks",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANTS),
        "code_challenge_methods_supported": [pkce.METHOD],
        **{f"{name}_endpoint_auth_methods_supported": list(client_auth.METHODS) for name in AUTHENTICATED},
        **{f"{name}_endpoint_auth_signing_alg_values_supported": list(assertion.ALGORITHMS) for name in AUTHENTICATED},
        "dpop_signing_alg_values_supported": list(dpop.ALGORITHMS),
        "authorization_response_iss_parameter_supported": True,
        "scopes_supported": [*OFFERED, *PARTNER_SCOPES],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": list(id_token.ALGORITHMS),
        "acr_values_supported": [id_token.PASSWORD_ALONE, id_token.TWO_STEPS],
        "claims_supported": list(dict.fromkeys((*id_token.CLAIMS, *USERINFO_CLAIMS))),
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "prompt_values_supported": list(PROMPTS),
        "ui_locales_supported": ["en-GB"],
        "protected_resources": [issuer],
    }


def protected_resource() -> dict[str, Any]:
    """The data API's metadata: whose tokens it takes, and how they are sent."""
    return {
        "resource": settings.issuer,
        "resource_name": "Gatehouse school data",
        "authorization_servers": [settings.issuer],
        "scopes_supported": [name for name in OFFERED if not SCOPES[name].identity],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(dpop.ALGORITHMS),
    }


# Made once: an answer that has been sent can be sent again.
_KEEP = {"Cache-Control": "public, max-age=300"}
_SERVER = JSONResponse(server(), headers=_KEEP)
_RESOURCE = JSONResponse(protected_resource(), headers=_KEEP)


async def of_server(_request: Request) -> Response:
    return _SERVER


async def of_resource(_request: Request) -> Response:
    return _RESOURCE

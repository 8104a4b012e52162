"""Resource indicators (RFC 8707): our data API is the one resource that a token can be for."""

from app.errors import OAuthError
from app.oauth.request import Parameters
from app.settings import settings


def check(sent: Parameters) -> None:
    """Raises OAuthError invalid_target for a resource that is not ours."""
    if any(resource.rstrip("/") != settings.issuer for resource in sent.resources):
        raise OAuthError("invalid_target", f"The resource here is {settings.issuer}")

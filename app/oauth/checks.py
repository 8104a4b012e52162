"""What an authorization request must be (RFC 6749 section 4.1.1, OpenID Connect Core section 3.1.2.1): checks in a row.

`identified` comes first: until app and redirect URI are known to belong together, no error may leave our site. Both
run again when the request is completed, which may be a day later.
"""

import re
from collections.abc import Callable

from app.db import Session
from app.errors import OAuthError
from app.models.base import ago
from app.models.partner import FAPI2, OIDC, App
from app.models.scope import ONEROSTER
from app.models.token import AuthorizationRequest
from app.oauth import details, grants, id_token, metadata, pkce, resource
from app.oauth.request import Parameters
from app.oauth.store import Client
from app.signin.session import Person

PUSHED = "urn:ietf:params:oauth:request_uri:gh_pr_"  # what starts so was pushed to us (RFC 9126 section 2.2)
KEPT = (
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
    "id_token_hint",
    "dpop_jkt",
    details.PARAMETER,
    *grants.PARAMETERS,
)


def identified(db: Session, sent: Parameters) -> App:
    """The app that asks, once the redirect URI is its own. Raises OAuthError: for a page, never for a redirect."""
    for name in ("", "client_id", "redirect_uri"):
        if name in sent.faults:
            raise OAuthError("invalid_request", sent.faults[name])
    app = App.by_client_id(db, sent.required("client_id"))
    if app is None:
        raise OAuthError("invalid_client", "No app with this client_id is registered.")
    if sent.get("request_uri") and sent.get("redirect_uri") is None:
        words = "This request_uri is not known, has expired, or is another app's. Push the request again."
        raise OAuthError("invalid_request_uri", words)
    check_redirect_uri(app, sent)
    if app.is_suspended:
        raise OAuthError("unauthorized_client", "This app is suspended.")
    return app


def check_redirect_uri(app: App | Client, sent: Parameters) -> None:
    """Raises OAuthError for an address that is not the app's own."""
    if sent.required("redirect_uri") not in app.redirect_uris:
        raise OAuthError("invalid_request", "This redirect_uri is not registered for the app, character by character.")


def check(app: App | Client, sent: Parameters) -> None:
    """Raises OAuthError with the first thing that is wrong. `grants.named` comes after it, once it is sound."""
    for passes in CHECKS:
        passes(app, sent)


def scopes(sent: Parameters) -> list[str]:
    """The scopes asked for, in a word or in detail, each once and in the order of the request.

    A name of OneRoster's stands for its whole set here; what of it the app has not registered is offered nowhere.
    """
    words = [name for word in _words(sent) for name in ONEROSTER.get(word, (word,))]
    return list(dict.fromkeys([*words, *details.datatypes(sent)]))


def _words(sent: Parameters) -> list[str]:
    return list(filter(None, (sent.get("scope") or "").split(" ")))


def prompts(sent: Parameters) -> set[str]:
    """Some of `metadata.PROMPTS` (OpenID Connect Core section 3.1.2.1)."""
    return set((sent.get("prompt") or "").split())


def kept(sent: Parameters) -> dict[str, object]:
    """What of the request is remembered until it is completed: the keyword arguments of its `Parameters`."""
    values = {name: sent.values[name] for name in KEPT if name in sent.values}
    return {"values": values, "resources": sent.resources, "pushed": sent.pushed}


def is_fresh(person: Person, sent: Parameters, waiting: AuthorizationRequest | None = None) -> bool:
    """Whether the person signed in as lately as the app demands; having done so since the request began is enough."""
    signed_in_at, max_age = person.session.signed_in_at, sent.get("max_age")
    if waiting and signed_in_at >= waiting.created_at:
        return True
    wants_sign_in = prompts(sent) & {"login", "select_account"}
    return not wants_sign_in and (max_age is None or signed_in_at >= ago(int(max_age)))


def is_expected(db: Session, app: App, sent: Parameters, person: Person | None) -> bool:
    """Whether whoever is signed in is the person that the app hints at. Raises OAuthError for a false hint."""
    sub = id_token.hinted_person(db, app, sent)
    return person is None or sub in (None, app.partner.pairwise("account", person.account.id))


def _readable(_app: App | Client, sent: Parameters) -> None:
    sent.check()


def _by_value(_app: App | Client, sent: Parameters) -> None:
    if sent.get("request"):
        raise OAuthError("request_not_supported", "Send the parameters themselves, not a request object.")
    if (sent.get("request_uri") or "").startswith(PUSHED):
        raise OAuthError("invalid_request_uri", "This request_uri is not the app's, has expired or was used before.")
    if sent.get("request_uri"):
        raise OAuthError("request_uri_not_supported", "This request_uri is not one of ours. We fetch none.")


def _pushed(app: App | Client, sent: Parameters) -> None:
    if app.profile == FAPI2 and not sent.pushed:
        raise OAuthError("invalid_request", "This app must push its request first (RFC 9126).")


def _for_a_code(_app: App | Client, sent: Parameters) -> None:
    if sent.required("response_type") != "code":
        raise OAuthError("unsupported_response_type", "Send response_type=code.")


def _by_query(_app: App | Client, sent: Parameters) -> None:
    if sent.get("response_mode") not in (None, "query"):
        raise OAuthError("invalid_request", "Leave response_mode out, or send response_mode=query.")


def _known_scopes(app: App | Client, sent: Parameters) -> None:
    allowed = {scope for scope in app.asks if scope in metadata.OFFERED}
    sets = [set(ONEROSTER[word]) for word in _words(sent) if word in ONEROSTER]
    beyond = {scope for one in sets if one & allowed for scope in one - allowed} - set(_words(sent))
    asked = set(scopes(sent)) - beyond
    if not asked:
        raise OAuthError("invalid_scope", "Say in scope what the app asks for.")
    if not asked <= allowed:
        raise OAuthError("invalid_scope", f"This app may ask for: {' '.join(sorted(allowed))}")


def _challenged(app: App | Client, sent: Parameters) -> None:
    pkce.check_challenge(sent, needed=app.profile != OIDC)


def _known_prompts(_app: App | Client, sent: Parameters) -> None:
    if not prompts(sent) <= set(metadata.PROMPTS):
        raise OAuthError("invalid_request", f"prompt is one of {', '.join(metadata.PROMPTS)}.")


def _one_prompt(_app: App | Client, sent: Parameters) -> None:
    if "none" in prompts(sent) and len(prompts(sent)) > 1:
        raise OAuthError("invalid_request", "prompt=none stands alone.")


def _sound_age(_app: App | Client, sent: Parameters) -> None:
    max_age = sent.get("max_age") or "0"
    if not (max_age.isascii() and max_age.isdecimal() and len(max_age) < 10):
        raise OAuthError("invalid_request", "max_age is a number of seconds.")


def _sound_key(_app: App | Client, sent: Parameters) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_-]{43}", sent.get("dpop_jkt") or "A" * 43):
        raise OAuthError("invalid_request", "dpop_jkt is the RFC 7638 thumbprint of a key: 43 characters.")


def _our_resource(_app: App | Client, sent: Parameters) -> None:
    resource.check(sent)


CHECKS: tuple[Callable[[App | Client, Parameters], None], ...] = (
    _readable,
    _by_value,
    _pushed,
    _for_a_code,
    _by_query,
    details.check,
    _known_scopes,
    _challenged,
    _known_prompts,
    _one_prompt,
    _sound_age,
    _sound_key,
    _our_resource,
    grants.check,
)

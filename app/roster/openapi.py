"""How `/openapi.json` describes the OneRoster routes: their parameters, answers and refusals."""

from typing import Any

from fastapi.security import OAuth2AuthorizationCodeBearer

from app.models.scope import SCOPES
from app.roster.query import LIMIT, MOST
from app.settings import settings

# Said, not enforced: `oauth/bearer.py` does that, with the answers of its RFC.
BEARER = OAuth2AuthorizationCodeBearer(
    authorizationUrl=f"{settings.issuer}/oauth/authorize",
    tokenUrl=f"{settings.issuer}/oauth/token",
    scopes={scope.name: scope.title for scope in SCOPES.values() if not scope.identity},
    scheme_name="oauth2",
    auto_error=False,
)

_TEXT = {"type": "string"}
_ORG = {
    "type": "object",
    "required": ["sourcedId", "status", "dateLastModified", "name", "type"],
    "properties": {
        "sourcedId": _TEXT
        | {"description": "Your own id for this school: it never changes, and no other partner has it"},
        "status": _TEXT | {"enum": ["active", "tobedeleted"]},
        "dateLastModified": _TEXT | {"format": "date-time"},
        "name": _TEXT,
        "type": _TEXT | {"enum": ["school"]},
        "identifier": _TEXT | {"description": "The URN"},
        "metadata": {
            "type": "object",
            "description": "UK items; one that the register does not give is absent",
            "properties": {
                "LAESTAB": _TEXT | {"description": "DfE number, seven digits"},
                "UKPRN": _TEXT,
                "establishmentType": _TEXT,
                "phase": _TEXT,
                "address": {"type": "array", "items": _TEXT, "description": "Line by line, the postcode last"},
                "telephone": _TEXT,
                "website": _TEXT,
            },
        },
    },
}
_STATUS_INFO = {
    "type": "object",
    "properties": {
        "imsx_codeMajor": _TEXT,
        "imsx_severity": _TEXT,
        "imsx_description": _TEXT,
        "imsx_CodeMinor": {
            "type": "object",
            "properties": {
                "imsx_codeMinorField": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"imsx_codeMinorFieldName": _TEXT, "imsx_codeMinorFieldValue": _TEXT},
                    },
                }
            },
        },
    },
}
_FIELDS = ("fields", "Only these fields, separated by commas", _TEXT)
_PARAMETERS = (
    ("limit", "How many at most", {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT}),
    ("offset", "How many to pass over", {"type": "integer", "minimum": 0, "default": 0}),
    ("sort", "The field to sort by", _TEXT),
    ("orderBy", "The direction of sort", _TEXT | {"enum": ["asc", "desc"]}),
    ("filter", "Such as name~'oak' AND status='active'; signs: = != > >= < <= ~", _TEXT),
    _FIELDS,
)
_HEADERS = {
    "X-Total-Count": {"description": "How many there are on all pages", "schema": {"type": "integer"}},
    "Link": {"description": "next, last, first and prev (RFC 8288)", "schema": _TEXT},
}


def listed(key: str) -> dict[str, Any]:
    """The keyword arguments of a route that answers `{key: [org, …]}`."""
    schema = {"type": "object", "properties": {key: {"type": "array", "items": _ORG}}}
    answers = {200: _json("The page that was asked for", schema) | {"headers": _HEADERS}} | _refusals()
    return _route("The query cannot be served: invaliddata, invalid_filter_field, …", _PARAMETERS, answers)


def single(key: str) -> dict[str, Any]:
    """The keyword arguments of a route that answers `{key: org}`."""
    schema = {"type": "object", "properties": {key: _ORG}}
    answers = {200: _json("The object", schema), 404: _json("unknownobject", _STATUS_INFO)} | _refusals()
    return _route("The query cannot be served: invalid_selection_field", (_FIELDS,), answers)


def _route(
    bad_query: str, parameters: tuple[tuple[str, str, dict[str, Any]], ...], answers: dict[int, Any]
) -> dict[str, Any]:
    described = [
        {"name": name, "in": "query", "required": False, "description": words, "schema": schema}
        for name, words, schema in parameters
    ]
    return {
        "responses": {400: _json(bad_query, _STATUS_INFO)} | answers,
        "openapi_extra": {"parameters": described},
    }


def _refusals() -> dict[int, Any]:
    return {
        401: _json("No token, or one that opens nothing any more; WWW-Authenticate says which", _STATUS_INFO),
        403: _json("insufficient_scope, school_unverified or authorisation_paused (WWW-Authenticate)", _STATUS_INFO),
        503: _json("server_busy: try again", _STATUS_INFO),
    }


def _json(words: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": words, "content": {"application/json": {"schema": schema}}}

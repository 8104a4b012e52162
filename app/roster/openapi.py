"""How `/openapi.json` describes the OneRoster routes: their parameters, answers and refusals."""

import re
from typing import Any

from fastapi import Security
from fastapi.security import OAuth2AuthorizationCodeBearer

from app.models.scope import SCOPES
from app.roster import shapes
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


def listed(operation: str, key: str, scope: str, path: str = "") -> dict[str, Any]:
    """The keyword arguments of a route that answers `{key: [record, …]}`."""
    schema = {"type": "object", "properties": {key: {"type": "array", "items": _schema(key)}}}
    answers = {200: _json("The page that was asked for", schema) | {"headers": _HEADERS}} | _refusals()
    if path:
        answers[404] = _json("unknownobject: one of the ids of the path", _STATUS_INFO)
    return _route(
        operation, scope, "invaliddata, invalid_filter_field or invalid_selection_field", _PARAMETERS, answers
    )


def single(operation: str, key: str, plural: str, scope: str) -> dict[str, Any]:
    """The keyword arguments of a route that answers `{key: record}`."""
    schema = {"type": "object", "properties": {key: _schema(plural)}}
    answers = {200: _json("The object", schema), 404: _json("unknownobject", _STATUS_INFO)} | _refusals()
    return _route(operation, scope, "The query cannot be served: invalid_selection_field", (_FIELDS,), answers)


def _schema(plural: str) -> dict[str, Any]:
    """A record. Which of its properties are there is a matter of scopes; all but the first three may be absent."""
    if plural == "orgs":
        return _ORG
    every = {field for scope in SCOPES.values() for field in scope.fields}
    known = {
        "classes": shapes.KNOWN_OF_CLASSES,
        "courses": shapes.KNOWN_OF_COURSES,
        "enrollments": shapes.KNOWN_OF_ENROLLMENTS,
        "demographics": frozenset((*shapes.ALWAYS, *shapes.DEMOGRAPHICS)),
        "users": shapes.known_of_users(every),
        "students": shapes.known_of_users(every),
        "teachers": shapes.known_of_users(every),
    }.get(plural, shapes.KNOWN_OF_SESSIONS)
    properties: dict[str, Any] = {name: {} for name in sorted(known) if "." not in name}
    inner: dict[str, Any] = {name.partition(".")[2]: {} for name in sorted(known) if name.startswith("metadata.")}
    if inner:
        properties["metadata"] = {"type": "object", "properties": inner}
    required = ["sourcedId", "status", "dateLastModified"]
    return {"type": "object", "required": required, "properties": properties}


def _summary(operation: str) -> str:
    """'getClassesForTerm' → 'Classes for term'."""
    words = re.findall("[A-Z][a-z]*", operation.removeprefix("get"))
    return " ".join(words).capitalize()


def _route(
    operation: str,
    scope: str,
    bad_query: str,
    parameters: tuple[tuple[str, str, dict[str, Any]], ...],
    answers: dict[int, Any],
) -> dict[str, Any]:
    described = [
        {"name": name, "in": "query", "required": False, "description": words, "schema": schema}
        for name, words, schema in parameters
    ]
    return {
        "operation_id": operation,
        "summary": _summary(operation),
        "methods": ["GET"],
        "dependencies": [Security(BEARER, scopes=[scope])],
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

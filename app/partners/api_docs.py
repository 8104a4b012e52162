"""How `/openapi.json` describes the partner API: keyword arguments of its routes."""

from typing import Any

from fastapi.security import OAuth2
from pydantic import BaseModel

from app.partners.api import LIMIT, MOST, SCOPE
from app.settings import settings

# Said, not enforced: `oauth/bearer.py` does that.
TOKEN = OAuth2(
    flows={
        "clientCredentials": {
            "tokenUrl": f"{settings.issuer}/oauth/token",
            "scopes": {SCOPE: "What your company does about its own app"},
        }
    },
    scheme_name="partner",
    auto_error=False,
)

_PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "What it is, and what to do about it"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "The X-Request-Id"},
        "errors": {"type": "array", "items": {"type": "object"}, "description": "Members of the body: field, detail"},
    },
}
_PAGING = [
    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT}},
    {"name": "after", "in": "query", "description": "The `next` of the page before", "schema": {"type": "string"}},
]


def listed(what: str, kind: str, **query: str) -> dict[str, Any]:
    """A route that answers a page of a list; `query` are further parameters, each with its values."""
    more = [
        {"name": name, "in": "query", "schema": {"type": "string"}, "description": told} for name, told in query.items()
    ]
    items = {"type": "array", "items": {"type": "object", "title": kind}}
    page = {"type": "object", "properties": {"items": items, "next": {"type": ["string", "null"]}}}
    return _route({200: _json(f"A page of {what}", page)}, parameters=[*_PAGING, *more])


def one(kind: str) -> dict[str, Any]:
    return _route({200: _json(kind, {"type": "object", "title": kind})})


def made(kind: str, sent: type[BaseModel]) -> dict[str, Any]:
    return _route({201: _json(f"The new {kind.lower()}", {"type": "object", "title": kind})}, requestBody=_body(sent))


def changed(kind: str, sent: type[BaseModel]) -> dict[str, Any]:
    return _route({200: _json(kind, {"type": "object", "title": kind})}, requestBody=_body(sent))


def accepted() -> dict[str, Any]:
    return _route({202: _json("It will be done", {"type": "object"})})


def done() -> dict[str, Any]:
    return _route({204: {"description": "Done"}})


def _route(answers: dict[int | str, Any], **extra: Any) -> dict[str, Any]:
    refusal = {"description": "Refused", "content": {"application/problem+json": {"schema": _PROBLEM}}}
    return {"responses": answers | {"default": refusal}, "openapi_extra": extra}


def _body(sent: type[BaseModel]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": sent.model_json_schema()}}}


def _json(words: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": words, "content": {"application/json": {"schema": schema}}}

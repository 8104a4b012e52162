"""Every statement of the protocol, 1 to 71, has a test that carries its number; and 71 itself."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp

from app.settings import ROOT
from tests import factories
from tests.oauth.dance import Dance, refusal
from tests.pages import Browser

STATEMENTS = set(range(1, 72))


def numbers(path: Path) -> set[int]:
    """The statements that the tests of a file are named after: `test_34_…`, `test_5_7_43_…`."""
    tests = (node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef))
    named = (re.match(r"test_((?:\d+_)+)", name) for name in tests)
    return {int(number) for found in named if found for number in found[1].strip("_").split("_")}


def test_every_statement_has_a_test_and_no_test_has_another_number() -> None:
    covered = set().union(*(numbers(path) for path in (ROOT / "tests").rglob("test_*.py")))
    assert covered == STATEMENTS


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_71_nobody_gets_a_token_for_a_persons_password(server: ASGIApp, browser: Browser, method: str) -> None:
    """Until an operator can enable the Groupcall face for an app, there is no password grant at all."""
    dance = Dance(server, browser, auth_method=method)
    known = {"grant_type": "password", "username": dance.admin.email, "password": factories.PASSWORD}
    assert refusal(dance.posts(known)) == (400, "unsupported_grant_type")
    assert refusal(dance.posts(known, scope="school", totp=factories.code())) == (400, "unsupported_grant_type")
    for name in ("openid-configuration", "oauth-authorization-server"):
        assert "password" not in dance.programs.get(f"/.well-known/{name}").json()["grant_types_supported"]
    assert dance.redeems(dance.code()).status_code == 200


@pytest.mark.parametrize("path", ["/api/oauth/GetToken/8881234", "/api/oauth/gettoken"])
def test_71_get_token_is_not_served(dance: Dance, path: str) -> None:
    sent = {"grant_type": "password", "username": dance.admin.email, "password": factories.PASSWORD}
    basic = (dance.app.client_id, dance.secret)
    ways: tuple[dict[str, Any], ...] = ({"data": sent}, {"json": sent}, {"params": sent})
    for how in ways:
        assert dance.programs.post(path, auth=basic, **how).status_code == 404
    for method in ("GET", "PUT", "DELETE"):
        assert dance.programs.request(method, path, auth=basic).status_code == 404
    assert dance.posts({"grant_type": "client_credentials"}).status_code == 200

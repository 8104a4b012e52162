"""`gatehouse partner` and `gatehouse app`; protocol.md 8: what must not be registered is refused in words."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import ECKey, OctKey, RSAKey
from sqlalchemy import func, select
from starlette.types import ASGIApp
from typer.testing import CliRunner, Result

from app import audit
from app.cli import app as command
from app.db import sessions
from app.models.partner import App, AppSecret, Partner
from app.models.scope import SCOPES
from app.secrets import digest
from tests.oauth.dance import Dance
from tests.pages import Browser

GOOD = "https://partner.example/callback"


def run(*words: str, fails: int = 0) -> Result:
    done = CliRunner().invoke(command, words)
    assert done.exit_code == fails, (done.exit_code, done.output)
    return done


def add(*words: str, fails: int = 0, uri: str = GOOD) -> Any:
    """Add an app of Acme, and what was printed: JSON, or the sentence of the refusal."""
    usual = ["app", "add", "Acme", "--redirect-uri", uri, "--json"]
    usual += [] if "--scope" in words else ["--scope", "school"]
    done = run(*usual, *words, fails=fails)
    return done.stderr if fails else json.loads(done.stdout)


@pytest.fixture(autouse=True)
def _acme() -> None:
    run("partner", "add", "Acme", "--ico", "ZA1", "--breach-contact", "dpo@acme.example")


def apps() -> int:
    with sessions.read() as db:
        return db.scalar(select(func.count()).select_from(App)) or 0


def test_a_partner_is_added_once() -> None:
    assert json.loads(run("partner", "add", "Acme", "--ico", "ZA2", "--json").stdout)["added"] is False
    with sessions.read() as db:
        acme = Partner.by_name(db, "Acme")
        assert acme and (acme.ico_number, acme.breach_contact) == ("ZA1", "dpo@acme.example")
        assert [row["action"] for row in audit.exported(db)] == ["partner.added"]


def test_an_app_gets_an_id_and_a_secret_that_is_stored_as_a_digest_only(more_scopes: None) -> None:
    made = add("--name", "Reader", "--scope", "school=To show its name", "--scope", "students:optional=To make classes")
    assert (made["name"], made["partner"], made["live"]) == ("Reader", "Acme", True)
    assert (made["profile"], made["auth_method"]) == ("standard", "client_secret_basic")
    with sessions.read() as db:
        app = App.by_client_id(db, made["client_id"])
        assert app is not None
        asked = [(row.scope, row.required, row.purpose) for row in app.scopes]
        assert asked == [("school", True, "To show its name"), ("students", False, "To make classes")]
        assert AppSecret.active(db, [app.id]) == {app.id: {digest(made["client_secret"]): None}}
        assert [row["action"] for row in audit.exported(db)] == ["partner.added", "app.added"]


def test_the_words_for_people_hold_the_id_and_the_secret_once() -> None:
    said = run("app", "add", "Acme", "--redirect-uri", GOOD, "--scope", "school").stdout
    assert said.count("app_") == 1 and said.count("gh_cs_") == 1


def test_a_public_app_has_no_secret_and_a_test_app_is_not_live() -> None:
    assert add("--public")["client_secret"] is None
    assert add("--test")["live"] is False


def test_an_app_that_was_added_works(server: ASGIApp, browser: Browser) -> None:
    dance = Dance(server, browser)
    made = add()
    with sessions.read() as db:
        found = App.by_client_id(db, made["client_id"])
    assert found
    dance.app, dance.secret = found, made["client_secret"]
    assert dance.tokens()["scope"] == "school"


@pytest.mark.parametrize(
    "uri",
    [
        "https://partner.example/callback#fragment",
        "https://partner.example/callback#",
        "http://partner.example/callback",
        "http://127.0.0.1.evil.example/callback",
        "http://localhost@evil.example/callback",
        "javascript:alert(1)",
        "javascript://partner.example/%0aalert(1)",
        "data:text/html,x",
        "https://*.partner.example/callback",
        "https://partner.example/*",
        "https://user@partner.example/callback",
        "https://user:word@partner.example/callback",
        "https://partner.example/a\nb",
        "https://partner.example/a b",
        "https://partner.example\\@evil.example/",
        "https:///callback",
        "https:partner.example",
        "//partner.example/callback",
        "/callback",
        "partner.example/callback",
        "https://partner.example:99999/",
        "https://partner.example:x/",
        "https://partner.example/a/../b",
        "https://pärtner.example/",
        "myapp://callback",
        "",
    ],
)
def test_8_an_unsafe_redirect_uri_cannot_be_registered(uri: str) -> None:
    assert add(uri=uri, fails=1).startswith("That redirect address cannot be registered. ")
    assert add("--post-logout-redirect-uri", uri, fails=1)
    assert apps() == 0
    add()
    assert apps() == 1


@pytest.mark.parametrize(
    "uri",
    [
        "https://partner.example",
        "https://partner.example:8443/a/b?tenant=1",
        "http://localhost:3000/callback",
        "http://127.0.0.1:8001/callback",
        "http://[::1]/callback",
    ],
)
def test_8_https_anywhere_and_http_on_loopback_can(uri: str) -> None:
    assert add(uri=uri)["redirect_uris"] == [uri]


def key_file(folder: Path, *keys: Any) -> str:
    path = folder / "jwks.json"
    path.write_text(json.dumps({"keys": list(keys)}))
    return str(path)


def short_key() -> dict[str, Any]:
    """An RSA key that joserfc would warn of."""
    numbers = rsa.generate_private_key(65537, 1024).public_key().public_numbers()
    n = base64.urlsafe_b64encode(numbers.n.to_bytes(128, "big")).rstrip(b"=").decode()
    return {"kty": "RSA", "n": n, "e": "AQAB"}


def ec_for_encryption() -> dict[str, Any]:
    return dict(ECKey.generate_key("P-256").as_dict(private=False)) | {"use": "enc"}


def test_a_key_of_its_own_is_needed_for_private_key_jwt_and_by_fapi2(tmp_path: Path) -> None:
    assert "JWKS" in add("--auth-method", "private_key_jwt", fails=1)
    assert "JWKS" in add("--profile", "fapi2", fails=1)
    public = key_file(tmp_path, ECKey.generate_key("P-256").as_dict(private=False))
    assert "private_key_jwt" in add(
        "--profile", "fapi2", "--auth-method", "client_secret_post", "--jwks", public, fails=1
    )
    assert "private_key_jwt" in add("--profile", "fapi2", "--public", "--jwks", public, fails=1)
    made = add("--profile", "fapi2", "--jwks", public)
    assert (made["auth_method"], made["client_secret"]) == ("private_key_jwt", None)


def test_no_key_that_could_leak_or_break_is_taken(tmp_path: Path) -> None:
    ours = ("--auth-method", "private_key_jwt", "--jwks")
    for key in (
        ECKey.generate_key("P-256").as_dict(private=True),
        RSAKey.generate_key(2048).as_dict(private=True),
        OctKey.generate_key(256).as_dict(private=True),
        short_key(),
        {"kty": "EC"},
        {},
        1,
    ):
        assert add(*ours, key_file(tmp_path, key), fails=1).startswith("That app cannot be registered. ")
    for unfit in (ECKey.generate_key("P-384").as_dict(private=False), ec_for_encryption()):
        assert "None of the keys" in add(*ours, key_file(tmp_path, unfit), fails=1)
    rs256 = RSAKey.generate_key(2048).as_dict(private=False) | {"alg": "RS256"}
    assert "RS256" in add("--profile", "fapi2", "--jwks", key_file(tmp_path, rs256), fails=1)
    assert apps() == 0
    add(*ours, key_file(tmp_path, rs256))


@pytest.mark.parametrize("scope", ["timetable", "phone", "offline_access:optional", "school timetable"])
def test_a_scope_that_is_not_offered_yet_is_refused_with_those_that_are(scope: str) -> None:
    assert f"An app may ask for: {', '.join(SCOPES)}." in add("--scope", scope, fails=1)
    assert apps() == 0
    assert add("--scope", "school")["scopes"] == ["school"]
    assert add("--scope", "openid", "--scope", "email:optional")["scopes"] == ["openid", "email"]


def test_what_makes_no_sense_is_refused_in_words() -> None:
    run("app", "add", "Nobody", "--redirect-uri", GOOD, "--scope", "school", fails=1)
    assert "everything" in add("--scope", "everything", fails=1)
    assert "named twice" in add("--scope", "school", "--scope", "school:optional", fails=1)
    assert "standard" in add("--profile", "strong", fails=1)
    assert "client_secret_basic" in add("--auth-method", "password", fails=1)
    add("--public", "--auth-method", "client_secret_post", fails=2)
    add("--jwks", "/nowhere/at/all.json", fails=2)
    run("app", "add", "Acme", fails=2)
    assert apps() == 0

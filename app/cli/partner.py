"""`gatehouse partner` and `gatehouse app`: companies, and their apps that ask schools for data."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.output import AsJson, failures, say

if TYPE_CHECKING:
    from app.partners.service import Asking

partners = typer.Typer(no_args_is_help=True, help="Companies whose apps ask schools for data.")
apps = typer.Typer(no_args_is_help=True, help="The apps (OAuth clients) of a partner.")


@partners.callback()
def _partners() -> None:
    """Companies whose apps ask schools for data."""


@apps.callback()
def _apps() -> None:
    """The apps (OAuth clients) of a partner."""


@partners.command("add")
def add_partner(
    name: str,
    *,
    ico: Annotated[str | None, typer.Option(help="Registration number at the ICO.")] = None,
    website: Annotated[str | None, typer.Option()] = None,
    agreement_url: Annotated[str | None, typer.Option(help="Where the data sharing agreement is.")] = None,
    breach_contact: Annotated[str | None, typer.Option(help="Whom a school writes to if data is lost.")] = None,
    as_json: AsJson = False,
) -> None:
    """Add a partner. Safe to repeat: one that is there already stays as it is."""
    from app.db import sessions
    from app.partners import service

    card = {"ico_number": ico, "website": website, "agreement_url": agreement_url, "breach_contact": breach_contact}
    with failures(), sessions.begin() as db:
        partner, is_new = service.add_partner(db, name, actor=None, **card)
    sentence = f"{partner.name} is a partner now." if is_new else f"{partner.name} was a partner already."
    say(as_json, sentence, id=partner.id, name=partner.name, added=is_new)


@apps.command("add")
def add_app(
    partner: str,
    *,
    redirect_uri: Annotated[list[str], typer.Option(help="Exact address; may be given several times.")],
    scope: Annotated[
        list[str], typer.Option(help="NAME, NAME:optional, NAME=purpose or NAME:optional=purpose; several times.")
    ],
    name: Annotated[str, typer.Option(help="What schools read; the partner's name when left out.")] = "",
    profile: Annotated[str, typer.Option(help="standard, fapi2 or oidc.")] = "standard",
    auth_method: Annotated[
        str, typer.Option(help="client_secret_basic (the usual), client_secret_post or private_key_jwt.")
    ] = "",
    jwks: Annotated[Path | None, typer.Option(help="File with the app's public keys (JWK Set).")] = None,
    public: Annotated[bool, typer.Option("--public", help="An app that cannot keep a secret.")] = False,
    post_logout_redirect_uri: Annotated[list[str] | None, typer.Option()] = None,
    retention: Annotated[str | None, typer.Option(help="How long the partner keeps data, in words.")] = None,
    test: Annotated[bool, typer.Option("--test", help="Sees only seeded test schools.")] = False,
    groupcall: Annotated[bool, typer.Option("--groupcall", help="May use the Groupcall-style API.")] = False,
    as_json: AsJson = False,
) -> None:
    """Add an app and print its client_id and, this once, its secret. Each call adds another app."""
    from app.db import sessions
    from app.partners import service
    from app.partners.groupcall import allow

    if public and auth_method not in ("", service.PUBLIC):
        raise typer.BadParameter("a public app authenticates by nothing", param_hint="--public")
    with failures():
        draft = service.Draft(
            name=name,
            redirect_uris=redirect_uri,
            scopes=[asking for text in scope for asking in _asked(text)],
            profile=profile,
            auth_method=service.PUBLIC if public else auth_method,
            jwks=_keys(jwks) if jwks else None,
            post_logout_redirect_uris=post_logout_redirect_uri or [],
            is_live=not test,
            retention=retention,
        )
        with sessions.begin() as db:
            app, secret = service.add_app(db, partner, draft)
            if groupcall:
                allow(db, app, None, allowed=True)
    lines = [f"{app.name} is an app of {app.partner.name} now ({'Live' if app.is_live else 'Test'})."]
    lines += [f"client_id      {app.client_id}"]
    lines += [f"client_secret  {secret}   (shown this once)"] if secret else []
    say(
        as_json,
        "\n".join(lines),
        client_id=app.client_id,
        client_secret=secret,
        name=app.name,
        partner=app.partner.name,
        redirect_uris=app.redirect_uris,
        profile=app.profile,
        auth_method=app.auth_method,
        scopes=[row.scope for row in app.scopes],
        live=app.is_live,
    )


def _asked(text: str) -> list["Asking"]:
    """One `--scope`: a name with `:optional` and `=purpose`, or several bare names with blanks between them."""
    from app.partners.service import Asking

    names, _, purpose = text.partition("=")
    return [
        Asking(name.removesuffix(":optional"), not name.endswith(":optional"), purpose.strip())
        for name in names.split()
    ]


def _keys(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as wrong:
        raise typer.BadParameter(f"{path} cannot be read as JSON", param_hint="--jwks") from wrong
    return found if isinstance(found, dict) else {"keys": found}

"""`gatehouse db`: the schema."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from app.cli.output import AsJson, say

if TYPE_CHECKING:
    from alembic.config import Config

app = typer.Typer(no_args_is_help=True, help="Upgrade or downgrade the database schema.")


@app.command()
def upgrade(revision: Annotated[str, typer.Argument()] = "head", as_json: AsJson = False) -> None:
    """Bring the schema up to date. Safe to repeat."""
    _migrate("upgrade", revision, as_json)


@app.command()
def downgrade(revision: str, as_json: AsJson = False) -> None:
    """Take the schema back to a revision; each migration says what that loses."""
    _migrate("downgrade", revision, as_json)


def _migrate(direction: Literal["upgrade", "downgrade"], revision: str, as_json: bool) -> None:
    from alembic import command
    from alembic.util import CommandError

    try:
        getattr(command, direction)(configuration(), revision)
    except CommandError as wrong:
        typer.echo(f"Nothing was changed. {wrong}", err=True)
        raise typer.Exit(1) from wrong
    say(as_json, f"The database is at {revision}.", revision=revision)


def configuration() -> "Config":
    """Alembic's configuration of this project."""
    from alembic.config import Config

    from app.settings import ROOT

    return Config(str(ROOT / "alembic.ini"))

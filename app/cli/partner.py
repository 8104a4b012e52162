"""`gatehouse partner` and `gatehouse app`."""

import typer

partners = typer.Typer(no_args_is_help=True)
apps = typer.Typer(no_args_is_help=True)

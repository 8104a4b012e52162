"""What a command prints: a sentence for people, JSON for programs; and how it fails."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from app.errors import Problem

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def say(as_json: bool, sentence: str, **facts: Any) -> None:
    """One sentence, or the facts behind it as one line of JSON."""
    typer.echo(json.dumps(facts, default=str) if as_json else sentence)


@contextmanager
def failures() -> Iterator[None]:
    """Turn a `Problem` into its sentence on standard error and exit code 1."""
    try:
        yield
    except Problem as wrong:
        typer.echo(wrong.text, err=True)
        raise typer.Exit(1) from wrong

"""`gatehouse keys`: what our tokens are signed with."""

import typer

from app.cli.output import AsJson, say

app = typer.Typer(no_args_is_help=True, help="List or replace the keys that sign tokens.")


@app.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """Every key that there ever was, newest first. Changes nothing."""
    from app import keys
    from app.db import sessions

    with sessions.read() as db:
        ring = keys.load(db)
    listed = [
        {
            "kid": key.kid,
            "algorithm": key.algorithm,
            "state": ring.state(key),
            "starts": key.starts_at,
            "ends": key.ends_at,
        }
        for key in ring.keys
    ]
    lines = [f"{row['algorithm']}  {row['kid']}  {row['state']}" for row in listed]
    say(as_json, "\n".join(lines) or "No keys yet: the first start of the server makes them.", keys=listed)


@app.command()
def rotate(as_json: AsJson = False) -> None:
    """Replace the signing keys, while servers run. Repeating it replaces the new ones as well."""
    from app import keys
    from app.audit import record
    from app.db import sessions

    with sessions.begin() as db:
        fresh = keys.rotate(db)
        kids = [row.kid for row in fresh]
        record(db, "keys.rotated", actor=None, kids=kids)
        until = max((key.ends_at for key in keys.load(db).keys if key.ends_at), default=None)
    sentence = (
        f"New keys are published now and sign in {keys.LEAD_SECONDS} seconds: {' and '.join(kids)}.\n"
        "What the old ones have signed stays good; they are published until the last of it has expired."
    )
    say(as_json, sentence, kids=kids, signs_at=fresh[0].starts_at, old_published_until=until)

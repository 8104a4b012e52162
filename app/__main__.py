"""`python -m app` is the `gatehouse` command."""

from app.cli import app

if __name__ == "__main__":
    app(prog_name="gatehouse")

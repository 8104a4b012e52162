"""Writing messages and looking at their rows."""

from sqlalchemy import select

from app.db import sessions
from app.models.base import now
from app.models.outbox import Message
from app.notify.outbox import EMAIL, enqueue


def write(to: str = "ada@school.example", subject: str = "Hello", text: str = "Hello Ada,\n\nGood morning.\n") -> None:
    with sessions.begin() as db:
        enqueue(db, EMAIL, to, subject, text, links=["https://gatehouse.example/sign-in"])


def rows() -> list[Message]:
    """Every message, as the database has it, in the order of writing."""
    with sessions.read() as db:
        return list(db.scalars(select(Message).order_by(Message.created_at)))


def make_due(message: Message) -> None:
    with sessions.begin() as db:
        found = db.get(Message, message.id)
        assert found is not None
        found.next_try_at = now()

"""The users that a school's people have in partners' apps, as far as Gatehouse made them or was told of them."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from typing import Any, Self, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session
from app.models.base import ago, among, now, rows_changed
from app.models.roster.rostered import OfRoster, new_key

PUPIL, STAFF = "pupil", "staff"
FOUND, SYNC, HAND = "found", "sync", "hand"
NAMES_REST_SECONDS = 365 * 86_400
"""For so long nobody gets the username of somebody who left."""


class AppUser(OfRoster):
    """Somebody's user in one app. It is archived when they leave, and never deleted.

    Its username is compared by `username_key`, which is empty once a leaver's name may be given to somebody else.
    A first password is kept sealed until it was printed, again until the app was told, and then as a digest alone.
    """

    __tablename__ = "app_user"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, default=new_key, sort_order=-1)
    app_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app.id"))
    kind: Mapped[str] = mapped_column(String(10), doc="PUPIL or STAFF")
    origin: Mapped[str] = mapped_column(String(10), doc="FOUND in the app, made by a SYNC, or added by HAND")
    person_id: Mapped[int | None] = mapped_column(BigInteger, doc="Whose it is, once that is known")
    outside_id: Mapped[str] = mapped_column(Text, default="", doc="What the app calls it")
    username: Mapped[str] = mapped_column(Text, doc="As it is shown")
    username_key: Mapped[str | None] = mapped_column(Text)
    given_name: Mapped[str] = mapped_column(Text, default="")
    family_name: Mapped[str] = mapped_column(Text, default="")
    email: Mapped[str] = mapped_column(Text, default="")
    upn: Mapped[str] = mapped_column(String(13), default="")
    year: Mapped[str] = mapped_column(Text, default="", doc="As the app calls it, such as 'Year 6'")
    classes: Mapped[list[str]] = mapped_column(JSON, default=list, doc="Titles, sorted")
    password_form: Mapped[str] = mapped_column(String(20), default="", doc="A key of `app/sync/passwords.FORMS`")
    password_digest: Mapped[str | None] = mapped_column(
        Text, doc="A digest, sealed: a few digits could be guessed from a plain one"
    )
    password_sealed: Mapped[str | None] = mapped_column(Text, doc="Sealed 'first password', until it was handed out")
    password_for_app: Mapped[str | None] = mapped_column(Text, doc="Sealed likewise, until the app has been told")
    password_at: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    archived_at: Mapped[dt.datetime | None]

    @classmethod
    def parts(cls) -> tuple[object, ...]:
        return (
            UniqueConstraint("school_id", "app_id", "username_key", name="app_user_username_key"),
            UniqueConstraint("school_id", "app_id", "person_id", name="app_user_person_key"),
            ForeignKeyConstraint(
                ("school_id", "person_id"), ("person.school_id", "person.id"), name="app_user_person_id_fkey"
            ),
        )

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None

    @classmethod
    def of_app(cls, db: Session, school_id: uuid.UUID, app_id: uuid.UUID) -> list[Self]:
        """Every user of a school in one app, archived ones too, in order of id."""
        found = select(cls).where(cls.school_id == school_id, cls.app_id == app_id)
        return list(db.scalars(found.order_by(cls.id)))

    @classmethod
    def some(cls, db: Session, school_id: uuid.UUID, app_id: uuid.UUID, ids: Collection[int]) -> list[Self]:
        """These of them, whichever there are, in order of id."""
        found = select(cls).where(cls.school_id == school_id, cls.app_id == app_id, among(cls.id, "ids"))
        return list(db.scalars(found.order_by(cls.id), {"ids": list(ids)}))

    @classmethod
    def named(cls, db: Session, school_id: uuid.UUID, app_id: uuid.UUID, username_key: str) -> Self | None:
        """The one with this username now."""
        return db.scalars(
            select(cls).where(cls.school_id == school_id, cls.app_id == app_id, cls.username_key == username_key)
        ).first()

    @classmethod
    def add_all(cls, db: Session, rows: Sequence[dict[str, Any]]) -> None:
        """Insert many, each with the same columns."""
        if rows:
            db.connection().execute(insert(cast(Table, cls.__table__)), list(rows))

    @classmethod
    def hand_out(cls, db: Session, school_id: uuid.UUID, app_id: uuid.UUID, ids: Collection[int]) -> dict[int, str]:
        """Take the sealed first passwords of these, once: {id: sealed} of those that nobody took before."""
        wanted = (cls.school_id == school_id, cls.app_id == app_id, cls.id.in_(ids), cls.password_sealed.is_not(None))
        found = select(cls.id, cls.password_sealed).where(*wanted).order_by(cls.id).with_for_update()
        told = {row[0]: row[1] or "" for row in db.execute(found)}
        spent = update(cls).where(*wanted).values(password_sealed=None).returning(cls.id)
        won = set(db.scalars(spent, execution_options={"synchronize_session": False}))
        return {own: sealed for own, sealed in told.items() if own in won}

    @classmethod
    def forget_passwords(cls, db: Session, school_id: uuid.UUID, before: dt.datetime) -> int:
        """Let first passwords that nobody took until then be gone; how many."""
        old = (cls.school_id == school_id, cls.password_at < before)
        kept = or_(cls.password_sealed.is_not(None), cls.password_for_app.is_not(None))
        return rows_changed(db, update(cls).where(*old, kept).values(password_sealed=None, password_for_app=None))

    @classmethod
    def free_names(cls, db: Session, school_id: uuid.UUID, app_id: uuid.UUID) -> None:
        """Let the names of those who left long enough ago be given to others."""
        rested = (cls.school_id == school_id, cls.app_id == app_id, cls.archived_at < ago(NAMES_REST_SECONDS))
        db.execute(update(cls).where(*rested).values(username_key=None))


class AppGroup(OfRoster):
    """A class that there is in one app, by its title; `outside_id` is what the app calls it."""

    __tablename__ = "app_group"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, default=new_key, sort_order=-1)
    app_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app.id"))
    title: Mapped[str] = mapped_column(Text)
    outside_id: Mapped[str] = mapped_column(Text, default="")

    @classmethod
    def parts(cls) -> tuple[object, ...]:
        return (UniqueConstraint("school_id", "app_id", "title", name="app_group_title_key"),)

    @classmethod
    def of_app(cls, db: Session, school_id: uuid.UUID, app_id: uuid.UUID) -> list[Self]:
        """The classes of a school in one app, by title."""
        found = select(cls).where(cls.school_id == school_id, cls.app_id == app_id)
        return list(db.scalars(found.order_by(cls.title)))

    @classmethod
    def keep(
        cls, db: Session, school_id: uuid.UUID, app_id: uuid.UUID, *, title: str, outside_id: str, before: str = ""
    ) -> None:
        """Note what the app calls a class; one that was called `before` is that class under its new title."""
        known = {group.title: group for group in cls.of_app(db, school_id, app_id)}
        group = known.get(title) or known.get(before)
        if group is None:
            group = cls(school_id=school_id, app_id=app_id, title=title)
            db.add(group)
        group.title, group.outside_id = title, outside_id
        db.flush()

"""`/school/sync/…/users`: the users of one app, one more by hand, new passwords, and what is handed out on paper."""

import uuid
from collections.abc import Callable, Iterable
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.audit import record
from app.db import Session, sessions
from app.errors import NotFound, Problem
from app.models import spelling
from app.models.account import DECIDING
from app.models.app_user import PUPIL, AppUser
from app.models.authorisation import Authorisation
from app.models.base import now, today
from app.secrets import unseal
from app.signin.reauth import proven_lately
from app.signin.session import Person, at_school
from app.sync import allowed, byhand, cards, choices, passwords, service
from app.sync.byhand import NewUser
from app.web import spreadsheet
from app.web.forms import Fault, Posted, shown
from app.web.pages import page, see_other

router = APIRouter(prefix="/school/sync/{app_id}", include_in_schema=False)

SHOWN = 100
NOBODY = Fault("Nobody in this class has a password that was not handed out yet. Reset their passwords first", "class")


class HandedOut(Problem):
    """Somebody else was faster."""

    status = 409
    title = "Some of these passwords were handed out, or made anew, a moment ago"

    def __init__(self) -> None:
        super().__init__("Look at who has them. To print them again, reset them first.")


DONE = {
    "added": "Added. Print their login card below",
    "reset": "New passwords were made. Print the login cards below",
    "archived": "Archived: nobody signs in as that user any more",
}
HEADING = ("Username", "First password", "Forename", "Surname", "Year group", "Classes", "Type", "Email")


@router.get("/users")
def listed(request: Request, app_id: uuid.UUID, q: str = "", done: str = "") -> Response:
    """Everybody, and what is handed out: for somebody who has just proved who they are."""
    with sessions.read() as db:
        person, _ = at_school(request, db, *DECIDING)
    if proof := proven_lately(request, person):
        return proof
    return _page(request, app_id, q, notice=DONE.get(done, ""))


def _page(request: Request, app_id: uuid.UUID, q: str = "", status: int = 200, **context: Any) -> Response:
    with sessions.read(school=_school_of(request)) as db:
        _, school = at_school(request, db, *DECIDING)
        given = allowed.authorised(db, school.id, app_id)
        users = AppUser.of_app(db, school.id, app_id)
    words = spelling.plain(q).split()
    found = [one for one in users if all(word in _searched(one) for word in words)]
    found.sort(key=lambda one: (one.is_archived, one.kind, one.family_name.casefold(), one.given_name.casefold()))
    classes = sorted({title for one in users if not one.is_archived for title in one.classes}, key=str.casefold)
    waiting = sum(one.password_sealed is not None for one in users)
    return page(
        request,
        "sync/users.html",
        status,
        given=given,
        q=q.strip(),
        found=found[:SHOWN],
        more=max(0, len(found) - SHOWN),
        all=len(users),
        classes=classes,
        waiting=waiting,
        layouts=cards.LAYOUTS,
        **context,
    )


def _searched(one: AppUser) -> str:
    return spelling.plain(f"{one.username} {one.given_name} {one.family_name} {' '.join(one.classes)}")


@router.post("/users/cards")
def print_cards(request: Request, app_id: uuid.UUID, sent: Posted) -> Response:
    """The login cards of one class, or of everybody, as a PDF: each password is on paper once and then forgotten."""
    return _hand_out(request, app_id, sent, lambda given, users: cards.download(given.app.name, users, sent))


@router.post("/users/csv")
def download(request: Request, app_id: uuid.UUID, sent: Posted) -> Response:
    """Everybody as a table, with the passwords that were not handed out yet."""
    return _hand_out(request, app_id, sent, lambda _given, users: _table(users))


def _table(users: list[tuple[AppUser, str]]) -> Response:
    rows = (
        (
            user.username,
            password,
            user.given_name,
            user.family_name,
            user.year,
            ", ".join(user.classes),
            "Pupil" if user.kind == PUPIL else "Staff",
            user.email,
        )
        for user, password in users
    )
    return spreadsheet.download(f"users-{today().isoformat()}", HEADING, rows)


def _hand_out(
    request: Request,
    app_id: uuid.UUID,
    sent: dict[str, str],
    made: Callable[[Authorisation, list[tuple[AppUser, str]]], Response],
) -> Response:
    """Give out the sealed passwords of a class, once: of two who press at the same time, one gets them.

    Cards take a while to make. So they are made first, and given only to whoever then takes all of their passwords.
    """
    title = sent.get("class", "")
    with sessions.read() as db:
        person, _ = at_school(request, db, *DECIDING)
    if proof := proven_lately(request, person, f"/school/sync/{app_id}/users"):
        return proof
    school_id = _school_of(request)
    with sessions.read(school=school_id) as db:
        given = allowed.authorised(db, school_id, app_id)
        users = [one for one in AppUser.of_app(db, school_id, app_id) if one.password_sealed and not one.is_archived]
    users = [one for one in users if not title or title in one.classes]
    users.sort(key=lambda one: (one.classes, one.family_name.casefold(), one.given_name.casefold()))
    if not users:
        return _page(request, app_id, status=422, problems=[NOBODY])
    answer = made(given, [(one, unseal(one.password_sealed or "", passwords.PURPOSE)) for one in users])
    sealed = {one.id: one.password_sealed for one in users}
    try:
        with sessions.begin(school=school_id) as db:
            person, _ = at_school(request, db, *DECIDING)
            if AppUser.hand_out(db, school_id, app_id, list(sealed)) != sealed:
                raise HandedOut
            _record(db, "passwords.handed_out", person, app_id, len(users))
    except HandedOut as wrong:
        return _page(request, app_id, status=wrong.status, problems=shown(wrong))
    return answer


@router.post("/users/reset")
def reset_class(request: Request, app_id: uuid.UUID, sent: Posted) -> Response:
    """New first passwords for the pupils of one class."""
    title = sent.get("class", "")

    def chosen(users: Iterable[AppUser]) -> list[AppUser]:
        return [one for one in users if title and title in one.classes]

    return _reset(request, app_id, chosen)


@router.post("/users/{user_id}/reset")
def reset(request: Request, app_id: uuid.UUID, user_id: str) -> Response:
    """A new first password for one pupil."""
    return _reset(request, app_id, lambda users: [one for one in users if str(one.id) == user_id])


def _reset(request: Request, app_id: uuid.UUID, chosen: Callable[[Iterable[AppUser]], list[AppUser]]) -> Response:
    with sessions.read() as db:
        person, _ = at_school(request, db, *DECIDING)
    if proof := proven_lately(request, person, f"/school/sync/{app_id}/users"):
        return proof
    with sessions.begin(school=_school_of(request)) as db:
        person, school = at_school(request, db, *DECIDING)
        allowed.authorised(db, school.id, app_id)
        answers = service.answers_of(db, school.id, app_id)
        users = [one for one in chosen(AppUser.of_app(db, school.id, app_id)) if one.kind == PUPIL]
        if not users:
            raise NotFound
        for user in users:
            form = user.password_form or answers.password_form(choices.nc_year(user.year))
            for name, value in service.first_password(user.id, form).items():
                setattr(user, name, value)
        service.push(db, school, app_id, person.account, [one.id for one in users])
        _record(db, "passwords.reset", person, app_id, len(users))
    return see_other(f"/school/sync/{app_id}/users?done=reset")


@router.get("/users/add")
def ask_user(request: Request, app_id: uuid.UUID) -> Response:
    return _add_page(request, app_id)


@router.post("/users/add")
def add(request: Request, app_id: uuid.UUID, sent: Posted) -> Response:
    """A pupil who is not in the MIS (yet)."""
    school_id = _school_of(request)
    with sessions.begin(school=school_id) as db:
        person, school = at_school(request, db, *DECIDING)
        allowed.authorised(db, school.id, app_id)
        new = NewUser.read(sent)
        if not new.faults:
            user = byhand.add(db, school, app_id, new)
            service.push(db, school, app_id, person.account, [user.id])
            _record(db, "user.added", person, app_id, 1)
    if new.faults:
        return _add_page(request, app_id, 422, sent=sent, problems=new.faults)
    return see_other(f"/school/sync/{app_id}/users?q={user.username}&done=added")


@router.post("/users/{user_id}/archive")
def archive(request: Request, app_id: uuid.UUID, user_id: str) -> Response:
    """Let nobody sign in as a user any more who is not in the MIS."""
    with sessions.begin(school=_school_of(request)) as db:
        person, school = at_school(request, db, *DECIDING)
        allowed.authorised(db, school.id, app_id)
        user = next((one for one in AppUser.of_app(db, school.id, app_id) if str(one.id) == user_id), None)
        if user is None or user.person_id is not None:
            raise NotFound
        if not user.is_archived:
            user.archived_at = now()
            service.push(db, school, app_id, person.account, [user.id])
            _record(db, "user.archived", person, app_id, 1)
    return see_other(f"/school/sync/{app_id}/users?done=archived")


def _record(db: Session, action: str, person: Person, app_id: uuid.UUID, users: int) -> None:
    by, school = person.account.id, person.school_id
    record(db, action, actor=by, school=school, subject=school, app=str(app_id), users=users)


def _add_page(request: Request, app_id: uuid.UUID, status: int = 200, **context: Any) -> Response:
    with sessions.read(school=_school_of(request)) as db:
        _, school = at_school(request, db, *DECIDING)
        given = allowed.authorised(db, school.id, app_id)
        users = AppUser.of_app(db, school.id, app_id)
    classes = sorted({title for one in users for title in one.classes}, key=str.casefold)
    forms = [(key, f"{form.title}, such as {form.example}") for key, form in passwords.FORMS.items()]
    return page(request, "sync/add.html", status, given=given, classes=classes, forms=forms, **context)


def _school_of(request: Request) -> uuid.UUID:
    with sessions.read() as db:
        return at_school(request, db, *DECIDING)[1].id

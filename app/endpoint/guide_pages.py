"""`/school/endpoint/integris`: how a school makes the account that Integris G2's web service needs, step by step."""

import uuid
from collections.abc import Sequence

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from app import fetch
from app.db import sessions
from app.endpoint import guide
from app.endpoint.guide_steps import steps, user_id
from app.errors import NotFound, Problem
from app.models.account import TECHNICAL, Account
from app.models.establishment import Establishment
from app.models.mis_guide import MisGuide
from app.signin.passwords import NotGoodEnough
from app.signin.session import at_school
from app.web.forms import Fault, Posted, shown
from app.web.pages import page, see_other

router = APIRouter(prefix="/school/endpoint/integris", include_in_schema=False)

PATH = "/school/endpoint/integris"
DONE = {
    "ticked": "Saved",
    "password": "The password is kept, sealed. Nobody sees it again",
    "leaving": "Saved: we write to every Admin and IT of your school 30 days before",
    "tested": "It works: the account opens the data of your school",
}
NO_TEST = Problem(
    title="There is nothing to test yet", hint="Enter the password and the address of the web service first."
)


@router.get("")
def ask(request: Request, done: str = "") -> Response:
    """Every step with the school's own values, and how far it has come."""
    return _shown(request, notice=DONE.get(done, ""))


@router.post("/steps/{step}")
def tick(request: Request, step: str, sent: Posted) -> Response:
    """Note that a step is done, or that it is not done after all."""
    with sessions.begin() as db:
        person, school = at_school(request, db, *TECHNICAL)
        if step not in {one.name for one in steps(None)}:
            raise NotFound
        MisGuide.locked(db, school.id).tick(step, person.account.id if sent.get("done") == "yes" else None)
    return see_other(f"{PATH}?done=ticked#{step}")


@router.post("/password")
def keep_password(request: Request, sent: Posted) -> Response:
    """Take the account's password, and where its web service is."""
    with sessions.read() as db:
        at_school(request, db, *TECHNICAL)
    address = sent.get("address", "")
    if address:
        try:
            fetch.check(address)
        except (fetch.Refused, fetch.Failed) as away:
            return _shown(request, 422, [Fault(f"{away}. Check the address with RM", "address")], sent)
    try:
        with sessions.begin() as db:
            person, school = at_school(request, db, *TECHNICAL)
            guide.set_password(db, school, person.account.id, sent.get("new_password", ""), address)
    except NotGoodEnough as wrong:
        return _shown(request, 422, shown(wrong), sent)
    return see_other(f"{PATH}?done=password#given")


@router.post("/leaving")
def leaving(request: Request, sent: Posted) -> Response:
    """Keep the day on which the account ends."""
    try:
        form = guide.LeavingForm.model_validate(sent)
    except ValidationError as wrong:
        return _shown(request, 422, shown(wrong, guide.LeavingForm), sent)
    with sessions.begin() as db:
        _, school = at_school(request, db, *TECHNICAL)
        guide.set_leaving_date(db, school.id, form.leaving_date)
    return see_other(f"{PATH}?done=leaving")


@router.post("/test")
def test(request: Request) -> Response:
    """Ask Integris whether the account works."""
    with sessions.read() as db:
        _, school = at_school(request, db, *TECHNICAL)
        kept, establishment = MisGuide.of_school(db, school.id), Establishment.by_urn(db, school.urn)
    sealed = kept.password_sealed if kept else None
    if not sealed or not guide.address_of(kept) or not establishment or not establishment.dfe_number:
        return _shown(request, 409, shown(NO_TEST))
    result = guide.ask_integris(sealed, establishment)  # outside of any unit: it may take a minute
    with sessions.begin() as db:
        MisGuide.locked(db, school.id).tested(db, sealed, result)
    return see_other(f"{PATH}{'' if result else '?done=tested'}#given")


def _shown(
    request: Request,
    status: int = 200,
    problems: Sequence[Fault] = (),
    sent: dict[str, str] | None = None,
    notice: str = "",
) -> Response:
    with sessions.read() as db:
        _, school = at_school(request, db, *TECHNICAL)
        kept, establishment = MisGuide.of_school(db, school.id), Establishment.by_urn(db, school.urn)
        ticks = kept.ticks if kept else {}
        names = Account.names(db, [uuid.UUID(told["by"]) for told in ticks.values()])
    number = establishment.establishment_number if establishment else None
    return page(
        request,
        "endpoint/guide.html",
        status,
        school=school,
        kept=kept,
        steps=steps(number),
        ticks={name: guide.Tick.of(told, names) for name, told in ticks.items()},
        user_id=user_id(number),
        number=number,
        address=guide.address_of(kept),
        problems=list(problems),
        sent=sent or {},
        notice=notice,
    )

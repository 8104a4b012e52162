"""What every act of an operator on a partner has in common: who may, the proof once more, and one write unit."""

import uuid
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import NotAllowed, NotFound, Problem, SignInNeeded
from app.models.account import OPERATOR_ADMIN, Account
from app.models.partner import Partner
from app.partners.forms import Reason
from app.signin.proof import lacking
from app.signin.reauth import proven_lately
from app.signin.session import Person, operator
from app.web.forms import shown, status_of
from app.web.pages import page, see_other

HOME = "/onboarding/partners"
Work = Callable[[Session, Partner, Account, Any], None]


class Bare(BaseModel):
    """A button alone."""


def find(db: Session, partner_id: uuid.UUID) -> Partner:
    """A partner. Raises NotFound."""
    found = db.get(Partner, partner_id)
    if found is None:
        raise NotFound
    return found


def act(
    request: Request,
    partner_id: uuid.UUID,
    sent: dict[str, str],
    work: Work,
    *,
    done: str,
    again: Callable[..., Response],
    form: type[BaseModel] = Reason,
) -> Response:
    """Do one thing about a partner, for an admin who has just proved who they are, and go on to `done`.

    What is wrong is shown by `again(status, sent=…, problems=…)`, on a page that asks for the password by `prove`.
    """
    with sessions.read() as db:
        person = operator(request, db, OPERATOR_ADMIN)
        find(db, partner_id)
    if late := lacking(request, person, sent):
        return again(422, sent=sent, problems=late)
    try:
        with sessions.begin() as db:
            by = operator(request, db, OPERATOR_ADMIN).account
            work(db, find(db, partner_id), by, form.model_validate(sent))
    except (SignInNeeded, NotAllowed, NotFound):
        raise
    except (Problem, ValidationError) as wrong:
        return again(status_of(wrong), sent=sent, problems=shown(wrong, form))
    return see_other(done)


def form_page(request: Request, person: Person, template: str, status: int = 200, **context: Any) -> Response:
    """A page with a form, after the proof; one that is shown again (no 200) asks for the proof in the form itself."""
    proof = proven_lately(request, person) if status == 200 else None
    return proof or page(request, template, status, **context)

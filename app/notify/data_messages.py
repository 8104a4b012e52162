"""What Gatehouse writes to a school about its agents, its data and their installation; see `messages.py`."""

from typing import Any

from app.db import Session
from app.models.account import ADMIN, IT, Account
from app.models.endpoint import Endpoint
from app.models.school import School
from app.notify.wording import mail
from app.settings import settings


def endpoint_approved(db: Session, school: School, endpoint: Endpoint, by: Account) -> None:
    """To every Admin and IT: an agent was let in. The machine chose its own name."""
    _tell(db, school, "endpoint_approved", endpoint=endpoint, by=by)


def endpoint_removed(db: Session, school: School, endpoint: Endpoint, by: Account | None) -> None:
    """To every Admin and IT: an agent was let go, by somebody or (None) by the agent itself."""
    _tell(db, school, "endpoint_removed", endpoint=endpoint, by=by)


def endpoint_silent(db: Session, school: School, endpoint: Endpoint) -> None:
    """To every Admin and IT: an agent has not been heard for a day."""
    _tell(db, school, "endpoint_silent", endpoint=endpoint)


def data_late(db: Session, school: School, accepted_at: Any) -> None:
    """To every Admin and IT: the data is older than the school means it to be."""
    _tell(db, school, "data_late", accepted_at=accepted_at)


def _tell(db: Session, school: School, template: str, **facts: Any) -> None:
    link = f"{settings.issuer}/school/endpoint"
    told = Account.of_school(db, school.id, ADMIN) + Account.of_school(db, school.id, IT)
    for account in {account.email: account for account in told}.values():
        mail(db, template, account.email, [link], account=account, school=school, link=link, **facts)

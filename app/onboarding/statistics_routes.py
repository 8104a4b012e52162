"""How well the team keeps its promise: checked within two working days."""

import datetime as dt

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.db import sessions
from app.models import queue
from app.models.base import now
from app.models.verification import OUR_STATES
from app.onboarding.cases import TEAM
from app.settings import settings
from app.signin.session import operator
from app.web.pages import page

router = APIRouter(prefix="/onboarding/statistics", include_in_schema=False)

DAYS = 366


@router.get("")
def ask(request: Request) -> Response:
    """The last twelve months, by the month in which a school registered."""
    moment = now()
    since = (moment - dt.timedelta(days=DAYS)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    with sessions.read() as db:
        operator(request, db, *TEAM)
        months = queue.months(db, since)
        overdue, counts = queue.overdue(db, moment), queue.counts(db)
    registered = {month.first: month.registered for month in months}
    decided, in_time = sum(month.decided for month in months), sum(month.in_time for month in months)
    return page(
        request,
        "onboarding/statistics.html",
        months=months,
        overdue=overdue,
        waiting=sum(counts.get(state, 0) for state in OUR_STATES),
        kept=round(100 * in_time / decided) if decided else None,
        target=settings.verification_target_days,
        points=[(f"{first:%B %Y}", registered.get(first, 0)) for first in months_between(since, moment)],
    )


def months_between(since: dt.datetime, until: dt.datetime) -> list[dt.date]:
    """The first day of each month of that time, also of those in which nobody registered."""
    first, last = (12 * at.year + at.month - 1 for at in (since, until))
    return [dt.date(number // 12, number % 12 + 1, 1) for number in range(first, last + 1)]

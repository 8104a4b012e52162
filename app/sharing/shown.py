"""A school agrees to exactly what it has read: what a decision page shows, in short."""

import hashlib
from typing import Any

from app.disclosure import preview
from app.models.school import School
from app.sharing import years
from app.sharing.service import Offer
from app.web.forms import Fault

UNDECIDED = Fault("Choose at least one kind of data, then Authorise; or Decline")
CHANGED = Fault("What the app asks for has changed since you opened this page. Read it again, then decide")


def fingerprint(school: School, terms: Offer) -> str:
    """Differs as soon as anything differs that the school would have read."""
    read = [
        school.id,
        *((line.scope, line.description, line.purpose, line.required, line.grounds) for line in terms.lines),
    ]
    read += [[line.scope for line in lines] for lines in (terms.kept, terms.ends)]
    return hashlib.sha256(repr(read).encode()).hexdigest()


def seen(school: School, terms: Offer) -> dict[str, Any]:
    """For a decision page: `previews` of what each scope would open today, and the year groups to choose from."""
    before = terms.active.years if terms.active else None
    scopes = [line.scope for line in (*terms.lines, *terms.kept)]
    return {"previews": preview.of(school.id, terms.app.id, scopes, before), **years.shown(school.id, scopes, before)}

"""A school agrees to exactly what it has read: what a decision page shows, in short."""

import hashlib

from app.models.school import School
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

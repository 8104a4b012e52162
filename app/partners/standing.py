"""When a partner or an app was suspended and resumed, by whom and why: read from the audit, which holds every one."""

import dataclasses
import datetime as dt

from app.db import Session
from app.models import event
from app.models.account import Account
from app.models.partner import App, Partner


@dataclasses.dataclass(frozen=True)
class Change:
    """One suspension, or the end of one. `who` is empty where no person did it: the command line, us."""

    at: dt.datetime
    suspended: bool
    who: str
    reason: str

    @property
    def what(self) -> str:
        said = "Suspended" if self.suspended else "Resumed"
        return f"{said}: {self.reason}" if self.reason else said


def history(db: Session, of: Partner | App) -> list[Change]:
    """Every suspension and resumption, newest first: of a suspended one, the first says since when."""
    kind = "app" if isinstance(of, App) else "partner"
    rows = event.of_subject(db, of.id, (f"{kind}.suspended", f"{kind}.resumed"))
    names = Account.names(db, [row.actor_id for row in rows])
    return [
        Change(
            at=row.happened_at,
            suspended=row.action == f"{kind}.suspended",
            who=names.get(row.actor_id, "") if row.actor_id else "",
            reason=row.detail.get("reason") or "",
        )
        for row in rows
    ]

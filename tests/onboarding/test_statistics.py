"""What the demo's cases and apps look like to the team, and how fast it checks schools."""

import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy import select

from app import samples
from app.db import sessions
from app.directory import gias
from app.models.account import Account
from app.models.base import now
from app.models.partner import App
from app.models.verification import APPROVED, Verification
from app.onboarding.statistics_routes import months_between
from app.settings import ROOT
from tests.onboarding.people import Opens, registered
from tests.partners.people import company


@pytest.fixture
def seeded() -> None:
    gias.import_files(ROOT / "seed/edubase_sample.csv", links=Path(ROOT / "seed/edubase_sample_links.csv"))
    with sessions.begin() as db:
        samples.seed(db)


def test_the_demos_decided_cases_say_by_whom_and_when(seeded: None, as_: Opens, chief: Account) -> None:
    with sessions.read() as db:
        cases = list(db.scalars(select(Verification).order_by(Verification.id)))
    decided = [case for case in cases if case.state == APPROVED]
    assert decided and all(case.opened_at < case.decided_at < case.due_at for case in decided if case.decided_at)
    assert all(bool(case.decided_at) == (case.state == APPROVED) for case in cases)

    browser = as_(chief)
    browser.opens(f"/onboarding/cases/{decided[0].id}")
    assert "By Aidan Price" in browser.text
    browser.opens("/onboarding/statistics")
    assert "100% in the last twelve months" in browser.text


def test_the_demos_live_apps_say_since_when_and_each_scope_its_lawful_basis(
    seeded: None, as_: Opens, chief: Account
) -> None:
    with sessions.read() as db:
        apps = list(db.scalars(select(App)))
    assert {bool(app.live_at) == app.is_live for app in apps} == {True}
    browser = as_(chief)
    for app in apps:
        browser.opens(f"/onboarding/partners/{app.partner_id}/apps/{app.id}")
        assert ("Live since" in browser.text) == app.is_live
        assert "Public task (UK GDPR Article 6(1)(e))" in browser.text

    here = company("Old App", is_live=True)
    browser.opens(f"/onboarding/partners/{here.partner.id}/apps/{here.app.id}")
    assert "Live since" not in browser.text and "State Live" in browser.text


def test_the_chart_has_every_month_though_schools_registered_in_one(as_: Opens, chief: Account) -> None:
    registered()
    browser, before = as_(chief), now()
    browser.opens("/onboarding/statistics")

    bars = [bar for bar in browser.document.iter() if bar.tag == "rect"]
    assert len(bars) == 1 and float(bars[0].get("width")) < 60
    labels = [text.text for text in browser.document.iter() if text.tag == "text"]
    assert labels[-1] in {f"{moment:%B %Y}" for moment in (before, now())} and labels[-2] != labels[-1]


def test_months_are_those_of_the_calendar() -> None:
    def at(year: int, month: int) -> dt.datetime:
        return dt.datetime(year, month, 1, tzinfo=dt.UTC)

    found = months_between(at(2025, 11), at(2026, 2))
    assert [f"{first:%Y-%m-%d}" for first in found] == ["2025-11-01", "2025-12-01", "2026-01-01", "2026-02-01"]
    assert months_between(at(2026, 12), at(2026, 12)) == [dt.date(2026, 12, 1)]

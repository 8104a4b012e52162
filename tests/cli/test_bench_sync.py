"""`gatehouse bench sync`: the plan, Finish and the cards of a small school."""

import json

import pytest

from tests.cli.test_commands import gatehouse

pytestmark = pytest.mark.once


def test_a_sync_is_planned_finished_and_printed() -> None:
    ran = gatehouse("bench", "sync", "--pupils", "20", "--json")

    assert ran.returncode == 0, ran.stderr
    figures = json.loads(ran.stdout)
    assert figures.pop("users") > 20
    assert figures.keys() >= {"plan", "finish", "plan_again", "cards_8_on_a_page"}
    assert all(value >= 0 for value in figures.values())

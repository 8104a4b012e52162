"""The service: looks, heartbeats and what it logs, by a clock that the test moves."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from gatehouse_agent import patience, running
from gatehouse_agent.errors import Removed, Stopped, Unreachable
from gatehouse_agent.home import Disabled, Home
from gatehouse_agent.work import Agent
from tests.agent.fake import Drop, Fake, faults

pytestmark = pytest.mark.once


class Clock:
    """Waiting moves it. `events`: what happens when so many seconds have gone by; at the end of them it stops."""

    def __init__(self, **events: Callable[[], object]) -> None:
        self.now = 0.0
        self.events = sorted((float(name[1:]), event) for name, event in events.items())

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds
        while self.events and self.events[0][0] <= self.now:
            self.events.pop(0)[1]()


def stop() -> None:
    raise Stopped


def runs(agent: Agent, clock: Clock) -> None:
    agent.wait = clock.wait
    running.run(agent, clock)


def test_it_looks_every_minute_and_says_how_it_does_every_five(
    enrolled: Callable[[], Agent], fake: Fake, folder: Path
) -> None:
    def export() -> None:
        (folder / "users.csv").write_text("sourcedId\nanother\n")

    runs(enrolled(), Clock(s130=export, s200=lambda: None, s1000=stop))
    assert len(fake.complete()) == 2
    assert [beat["state"] for beat in fake.beats] == ["working"] * 4


def test_a_network_that_is_away_is_logged_once_and_again_when_it_is_back(
    enrolled: Callable[[], Agent], fake: Fake, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gatehouse_agent")
    fake.before = faults(*[Drop()] * 9999)

    def back() -> None:
        fake.before = faults()

    runs(enrolled(), Clock(s1500=back, s3000=stop))
    assert len(fake.complete()) == 1
    said = [record.getMessage() for record in caplog.records if record.name == "gatehouse_agent.running"]
    assert [text for text in said if "cannot be reached" in text] and "All is well again." in said
    assert len([text for text in said if "cannot be reached" in text]) == 1


def test_switched_off_and_on_again_it_says_so_at_once(enrolled: Callable[[], Agent], fake: Fake, home: Home) -> None:
    off = Disabled("9999-12-31", "The server moves")
    runs(
        enrolled(),
        Clock(s70=lambda: home.keep_disabled(off), s200=lambda: home.keep_disabled(None), s250=stop),
    )
    assert [beat["state"] for beat in fake.beats] == ["working", "disabled", "working"]


def test_it_stops_when_the_school_removes_it_and_survives_everything_else(
    enrolled: Callable[[], Agent], fake: Fake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    agent = enrolled()

    def fails() -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(agent, "_send_what_is_new", fails)
        runs(agent, Clock(s100=stop))
    assert "ZeroDivisionError" in caplog.text
    agent = enrolled()
    with pytest.raises(Removed):
        runs(agent, Clock(s400=lambda: setattr(fake, "removed", True), s9000=stop))
    assert len(fake.complete()) == 1


def test_waits_grow_have_an_end_and_are_never_shorter_than_asked() -> None:
    waited: list[float] = []

    def away() -> None:
        raise Unreachable("away", 3)

    with pytest.raises(Unreachable):
        patience.patiently(away, waited.append)
    assert len(waited) == patience.TRIES - 1
    assert all(3 <= wait <= 60 for wait in waited) and waited[-1] >= 30
    assert patience.delay(99, None) <= 60 and patience.delay(0, 1e9) == patience.LONGEST_ASKED
    assert patience.patiently(lambda: "well", waited.append) == "well"


def test_a_pause_ends_when_it_is_asked_to() -> None:
    pause = patience.Pause()
    pause.wait(0)
    pause.stop()
    with pytest.raises(Stopped):
        pause.wait(600)

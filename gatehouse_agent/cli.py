"""`gatehouse-agent`: the command line. Exit codes: 0 done, 1 failed, 2 used wrongly or not enrolled."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import datetime as dt
import io
import json
import logging
import logging.handlers
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from gatehouse_agent import __version__, enrolling, files, lock, running, status, web, workstation
from gatehouse_agent.errors import AgentError, NotEnrolled, Removed, Stopped, unexpected
from gatehouse_agent.home import Disabled, Home, usual_folder
from gatehouse_agent.patience import Pause
from gatehouse_agent.work import Agent

DONE, FAILED, MISUSED = 0, 1, 2
LOG_BYTES, LOG_FILES = 1_000_000, 3

log = logging.getLogger("gatehouse_agent")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    asked = _parser().parse_args(arguments)
    logging.raiseExceptions = False  # a full disk must not stop the agent from saying so
    log.setLevel(logging.INFO)
    _log_to(logging.StreamHandler())
    if isinstance(sys.stdout, io.TextIOWrapper):  # not every console knows every letter of a school's name
        sys.stdout.reconfigure(errors="replace")
    try:
        code: int = asked.command(asked, Home(asked.home))
    except NotEnrolled as wrong:
        log.error("%s", wrong)
        return MISUSED
    except AgentError as wrong:
        log.error("%s", wrong)
        return FAILED
    except Stopped:
        log.info("Stopped. What was under way goes on next time.")
        return FAILED
    except Exception as wrong:
        log.error("%s", unexpected(wrong))
        return FAILED
    finally:
        for handler in log.handlers[:]:
            log.removeHandler(handler)
            handler.close()
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gatehouse-agent", description="Sends a school's MIS export from a server of the school to Gatehouse."
    )
    parser.add_argument("--version", action="version", version=__version__)
    usual = argparse.ArgumentParser(add_help=False)
    usual.add_argument("--home", type=Path, default=usual_folder(), help="the state folder (default: %(default)s)")
    usual.add_argument("--allow-workstation", action="store_true", help="run although this is no server")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    made = commands.add_parser("enrol", parents=[usual], help="let this machine in: shows a code for an Estab Admin")
    made.add_argument("--server", required=True, help="the address of Gatehouse, such as https://gatehouse.example.org")
    made.add_argument("--folder", help="where the MIS puts its export")
    made.add_argument("--stable-seconds", type=_seconds, help="without change until a file counts as whole (10)")
    made.set_defaults(command=_enrol)
    for name, command, words in (
        ("run", _run, "watch the folder and send what is new, until stopped: for a service"),
        ("once", _once, "send what is new, once"),
        ("enable", _enable, "switch it on again"),
        ("unenrol", _unenrol, "end this agent, and delete its key and tokens"),
    ):
        commands.add_parser(name, parents=[usual], help=words).set_defaults(command=command)
    made = commands.add_parser("status", parents=[usual], help="how it does, and what to do")
    made.add_argument("--json", action="store_true", help="for programs")
    made.set_defaults(command=_status)
    made = commands.add_parser("disable", parents=[usual], help="switch it off on purpose, which is not a failure")
    made.add_argument("--until", required=True, type=_day, metavar="DATE", help="the last day, such as 2027-01-31")
    made.add_argument("--why", required=True, metavar="TEXT", help="for the school and for support")
    made.set_defaults(command=_disable)
    return parser


def _enrol(asked: argparse.Namespace, home: Home) -> int:
    address = web.checked(asked.server)
    with _at_work(asked, home) as pause:
        settings = home.settings()
        if asked.folder is not None:
            settings = dataclasses.replace(settings, folder=os.path.abspath(asked.folder))
        if asked.stable_seconds is not None:
            settings = dataclasses.replace(settings, stable_seconds=asked.stable_seconds)
        home.keep_settings(settings)
        try:
            enrolment = home.enrolment()
        except NotEnrolled:
            enrolment = enrolling.enrol(home, address, pause.wait, _say)
            log.info("Enrolled for %s.", enrolment.school.get("name"))
        else:
            if enrolment.server != address:
                raise AgentError(
                    f'This machine is enrolled at {enrolment.server}. Run "gatehouse-agent unenrol" first, then this'
                    " again."
                )
            log.info("This machine is enrolled already for %s.", enrolment.school.get("name"))
    _say(f"Folder: {settings.folder or 'not set. Run this again with --folder.'}")
    _say('Try it with "gatehouse-agent once", then start the service.')
    return DONE


def _run(asked: argparse.Namespace, home: Home) -> int:
    with _at_work(asked, home) as pause:
        running.run(Agent(home, pause.wait))
    return DONE


def _once(asked: argparse.Namespace, home: Home) -> int:
    with _at_work(asked, home) as pause:
        agent = Agent(home, pause.wait)
        if off := agent.disabled():
            log.info("Switched off until %s, so nothing is sent. gatehouse-agent enable ends that.", off.until)
        try:
            agent.work()
        except Removed:
            raise
        except AgentError:
            with contextlib.suppress(AgentError):
                agent.beat()
            raise
        agent.beat()
        if not off:
            _say("Gatehouse has the current export." if agent.memory.sent else "Nothing was sent.")
    return DONE


def _status(asked: argparse.Namespace, home: Home) -> int:
    said = status.told(home, time.time())
    _say(json.dumps(said) if asked.json else "\n".join(status.lines(said)))
    return DONE if said["state"] in (status.WORKING, status.DISABLED) else FAILED


def _disable(asked: argparse.Namespace, home: Home) -> int:
    home.enrolment()
    home.keep_disabled(Disabled(asked.until, asked.why.strip()))
    _say(f"Switched off until {asked.until}. The service says so at its next round; gatehouse-agent enable ends it.")
    return DONE


def _enable(_asked: argparse.Namespace, home: Home) -> int:
    home.enrolment()
    home.keep_disabled(None)
    _say("Switched on. The service goes on at its next round.")
    return DONE


def _unenrol(asked: argparse.Namespace, home: Home) -> int:
    with _at_work(asked, home) as pause:
        try:
            agent = Agent(home, pause.wait)
            agent.server.call("DELETE", "/endpoint")
        except (NotEnrolled, Removed):
            log.info("Gatehouse does not know this agent any more.")
        except AgentError as wrong:
            raise AgentError(
                f"{wrong} Nothing was deleted. Try again; or delete {home.folder}, and ask an Admin of the school to"
                " remove the agent on the school's page."
            ) from wrong
        home.forget()
    _say(f"Unenrolled: the key and the tokens are deleted. Settings and log are still in {home.folder}.")
    return DONE


@contextlib.contextmanager
def _at_work(asked: argparse.Namespace, home: Home) -> Iterator[Pause]:
    """The one agent of this machine that works; signals let it stop. Raises AgentError."""
    if not asked.allow_workstation:
        workstation.check()
    files.make_private(home.folder)
    with lock.held(home.lock):
        _log_to(logging.handlers.RotatingFileHandler(home.log, "a", LOG_BYTES, LOG_FILES, "utf-8", delay=True))
        pause = Pause()
        names = ("SIGINT", "SIGTERM", "SIGBREAK")
        before = [(one, signal.signal(one, pause.stop)) for name in names if (one := getattr(signal, name, None))]
        try:
            yield pause
        finally:
            for one, handler in before:
                signal.signal(one, handler)


def _log_to(handler: logging.Handler) -> None:
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= 3600:
        raise argparse.ArgumentTypeError("a number of seconds from 0 to 3600")
    return seconds


def _day(text: str) -> str:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a day, such as 2027-01-31") from None
    if day < dt.datetime.now().astimezone().date():
        raise argparse.ArgumentTypeError("a day that is not over yet")
    return day.isoformat()

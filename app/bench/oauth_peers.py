"""Other authorization servers to measure beside ours: started by a script of theirs, or found running at an address.

A start script leaves its server running and prints lines KEY=VALUE: CLIENT_ID, CLIENT_SECRET, TOKEN_URL,
INTROSPECT_URL, DISCOVERY_URL, JWKS_URL, the bodies CC_BODY and CC_OPAQUE_BODY of client_credentials (a JWT, a token to
introspect), the files REFRESH_TOKENS and CODES, CODE_EXTRA (what follows a code in the body), PIDS and DB_PIDS,
STARTUP_MS, and STOP, the command that ends it. What does not exist is left out.
"""

import contextlib
import json
import os
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from app.bench import processes
from app.bench.oauth_load import GET, POST, ROTATING, Call, Unanswered, ask, basic
from app.bench.oauth_servers import (
    CODE,
    CREDENTIALS,
    DISCOVERY,
    JWKS,
    REFRESH,
    DidNotStart,
    Server,
    code,
    discovery,
    introspections,
    refresh,
)

LONGEST_ASKING = 10
PLAIN_BODY = "grant_type=client_credentials"


@contextlib.contextmanager
def peer(named: str, mint: int) -> Iterator[Server]:
    """`named`: a start script or its folder, arguments behind it; or `http://id:secret@host/`. Raises DidNotStart."""
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as made:
        folder = Path(made)
        if named.startswith(("http://", "https://")):
            facts = _found(named)
            yield Server(facts["NAME"], False, _calls(facts, folder))
            return
        with _started(named, mint, folder) as facts:
            roots, database_roots = ([int(pid) for pid in facts.get(key, "").split()] for key in ("PIDS", "DB_PIDS"))
            if not all(processes.memory_mb([root]) for root in roots + database_roots):
                # Whatever answers at its address is another, started before.
                raise DidNotStart(f"{facts['NAME']} has ended already. Is one running on its port?")
            started = facts.get("STARTUP_MS")
            seconds = int(started) / 1000 if started else None
            yield Server(facts["NAME"], False, _calls(facts, folder), roots, database_roots, seconds)


@contextlib.contextmanager
def _started(named: str, mint: int, folder: Path) -> Iterator[dict[str, str]]:
    """What the script printed. The server ends with us, and also when we are stopped while it starts."""
    words = shlex.split(named)
    script = Path(words[0]).resolve()
    script = script / "start.sh" if script.is_dir() else script
    if not script.is_file():
        raise DidNotStart(f"There is no script {script}.")
    stop = [str(script.with_name("stop.sh")), *words[1:]]
    # Into a file: a server that the script leaves behind would hold a pipe open.
    printed = folder / "printed"
    with printed.open("w") as out:
        starting = subprocess.Popen(
            [str(script), *words[1:]],
            cwd=script.parent,
            env={"MINT": str(mint)} | os.environ,
            stdin=subprocess.DEVNULL,
            stdout=out,
            start_new_session=True,
        )
    try:
        if starting.wait():
            raise DidNotStart(f"{script} ended with {starting.returncode}; the reason stands above.")
        lines = (line.partition("=") for line in printed.read_text().splitlines())
        facts = {key: value for key, _, value in lines if value}
        stop = shlex.split(facts["STOP"]) if "STOP" in facts else stop
        yield {"NAME": script.parent.name} | facts
    finally:
        if starting.poll() is None:
            os.killpg(starting.pid, signal.SIGTERM)
            starting.wait()
        if Path(stop[0]).is_file():
            subprocess.run(stop, cwd=script.parent, check=False, start_new_session=True)


def _found(url: str) -> dict[str, str]:
    """The same facts, as far as the discovery document of a running server gives them."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    base = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
    for address in (discovery(base), f"{base}/.well-known/oauth-authorization-server"):
        with contextlib.suppress(Unanswered):
            said = json.loads(ask(address))
            break
    else:
        raise DidNotStart(f"{base} has no discovery document.")
    facts = {
        "NAME": base,
        "CLIENT_ID": unquote(parts.username or ""),
        "CLIENT_SECRET": unquote(parts.password or ""),
        "TOKEN_URL": said["token_endpoint"],
        "INTROSPECT_URL": said.get("introspection_endpoint"),
        "DISCOVERY_URL": address,
        "JWKS_URL": said.get("jwks_uri"),
        "CC_BODY": PLAIN_BODY,
    }
    return {key: value for key, value in facts.items() if value}


def _calls(facts: dict[str, str], folder: Path) -> dict[str, Call]:
    auth = basic(facts["CLIENT_ID"], facts["CLIENT_SECRET"])
    # An app of its own where one app may not use every grant.
    auth_of_people = basic(facts.get("REFRESH_ID", facts["CLIENT_ID"]), facts["CLIENT_SECRET"])
    token = facts["TOKEN_URL"]
    calls = {}
    if "DISCOVERY_URL" in facts:
        calls[DISCOVERY] = Call(facts["DISCOVERY_URL"], GET)
    if "JWKS_URL" in facts:
        calls[JWKS] = Call(facts["JWKS_URL"], GET)
    if body := facts.get("CC_BODY", facts.get("CC_OPAQUE_BODY")):
        calls[CREDENTIALS] = Call(token, POST, auth, body)
    if "INTROSPECT_URL" in facts:
        tokens = folder / "access.txt"
        tokens.write_text(_tokens(token, auth, facts))
        calls |= introspections(facts["INTROSPECT_URL"], auth, folder)
    if "REFRESH_TOKENS" in facts:
        calls[REFRESH] = refresh(token, auth_of_people, Path(facts["REFRESH_TOKENS"]))
    if "CODES" in facts:
        calls[CODE] = code(token, auth_of_people, facts.get("CODE_EXTRA", ""), Path(facts["CODES"]))
    return calls


def _tokens(url: str, auth: str, facts: dict[str, str]) -> str:
    """Access tokens to introspect, one a line: as many as ours are, or fewer where the server is slow, or none."""
    body = facts.get("CC_OPAQUE_BODY", facts.get("CC_BODY", PLAIN_BODY))
    given = [facts["INTROSPECT_TOKEN"]] if "INTROSPECT_TOKEN" in facts else []
    until = time.monotonic() + LONGEST_ASKING
    with contextlib.suppress(Unanswered, KeyError):
        while len(given) < ROTATING and time.monotonic() < until:
            given.append(json.loads(ask(url, auth, body))["access_token"])
    return "".join(f"{token}\n" for token in given)

"""`gatehouse bench oauth` in small, with the real server and the real load generator."""

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from app.bench.oauth_load import GET, ONCE, ROTATE, Call, run
from tests.cli.test_commands import gatehouse

wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed: apt-get install wrk")
TINY = ("--database", "sqlite", "--seconds", "1", "--rounds", "1", "--connections", "8", "--mint", "512")


@contextmanager
def answering(status: int, body: str = "{}") -> Iterator[str]:
    """The address of a server that says the same to everybody."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@wrk
@pytest.mark.once
def test_refreshing_is_measured_on_a_server_and_a_database_of_its_own() -> None:
    ran = gatehouse("bench", "oauth", *TINY, "--schools", "20", "--work", "refresh", "--json")

    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    (figure,), (server,) = said["figures"], said["servers"]
    assert (figure["work"], figure["connections"], figure["fault"]) == ("refresh", 8, "")
    assert figure["rate"] > 0 and 0 < figure["p50"] <= figure["p99"] and figure["cpu"] > 0
    assert server["start_seconds"] > 0 and server["memory_mb"] > 0


@wrk
@pytest.mark.once
def test_what_the_ledger_costs_is_measured_beside_a_server_that_keeps_none() -> None:
    few = (
        "--seconds",
        "1",
        "--rounds",
        "1",
        "--connections",
        "8",
        "--schools",
        "20",
        "--pupils",
        "20",
        "--workers",
        "1",
    )
    ran = gatehouse("bench", "ledger", *few, "--json")

    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert [(figure["work"], figure["fault"]) for figure in said["figures"]] == [
        *[("data", "")] * 2,
        *[("data-people", "")] * 2,
    ]
    for ratio in said["ratios"]:
        assert (ratio["ours"], ratio["peer"]) == ("gatehouse sqlite", "sqlite without the ledger")
        assert ratio["cpu"] > 0


@wrk
def test_a_work_that_fails_gives_no_figure() -> None:
    with answering(500, "out of order") as address:
        refused = run(Call(address, GET), connections=1, seconds=1, shares=1)
        assert refused.rate == 0 and "requests failed" in refused.fault

    with answering(200) as address:
        answered = run(Call(address, GET), connections=1, seconds=1, shares=1)
        assert answered.rate > 0 and not answered.fault


@wrk
def test_each_code_is_sent_once_and_a_refresh_token_that_does_not_come_back_is_a_failure(tmp_path: Path) -> None:
    items = tmp_path / "items"
    items.write_text("".join(f"item-{number}\n" for number in range(40)))

    with answering(200) as address:
        codes = Call(address, ONCE, body="code=", items=items)
        assert [run(codes, connections=1, seconds=1, shares=2).requests for _ in range(2)] == [20, 20]
        assert "used" in run(codes, connections=1, seconds=1, shares=2).fault
        assert "requests failed" in run(Call(address, ROTATE, body="t=", items=items), 1, 1, shares=1).fault

    with answering(200, '{"refresh_token": "next"}') as address:
        assert run(Call(address, ROTATE, body="t=", items=items), 1, 1, shares=1).requests > 40


def test_what_cannot_be_measured_is_said_in_a_line() -> None:
    refused = gatehouse("bench", "oauth", "--work", "dancing")
    assert refused.returncode == 1
    assert "dancing" in refused.stderr and "Traceback" not in refused.stderr

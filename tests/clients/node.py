"""Programs for Node.js, and the conversation by lines that lets a school say yes in the middle of them."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

from tests.clients import packages
from tests.clients.site import Site


def run(
    program: str, site: Site, app: dict[str, Any], *, answers: Callable[[Any], str] | None = None, **more: Any
) -> dict[str, Any]:
    """Run it as this app; what it reports at its end.

    It is started with its settings as JSON. It prints `{"ask": address}` (or whatever `answers` understands) and reads
    a line: where the browser of the school left to. Last it prints `{"report": {...}}`.
    """
    settings = {"issuer": site.issuer, "data": site.data, **app, **more}
    command = ["node", program, json.dumps(settings)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=packages.FOLDER, stdin=pipe, stdout=pipe, text=True) as running:
        assert running.stdin is not None and running.stdout is not None
        report: dict[str, Any] = {}
        for line in running.stdout:
            said = json.loads(line)
            report = said.get("report", report)
            if "ask" in said:
                running.stdin.write((answers or site.school.authorises)(said["ask"]) + "\n")
                running.stdin.flush()
    assert running.returncode == 0, f"{program} failed"
    return report

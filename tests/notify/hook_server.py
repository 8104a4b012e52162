"""A partner's server that webhooks go to: a real one, on a free port of this machine."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook


class Hook:
    """What came, and what is answered: `status`, after `seconds`."""

    def __init__(self) -> None:
        self.status = 204
        self.seconds = 0.0
        self.came: list[tuple[dict[str, str], bytes]] = []
        self.most_at_once = self._at_once = 0
        self._lock = threading.Lock()
        self.url = ""

    def takes(self, headers: dict[str, str], body: bytes) -> int:
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            self.came.append((headers, body))
        time.sleep(self.seconds)
        with self._lock:
            self._at_once -= 1
        return self.status

    def read(self, secret: str, number: int = -1) -> Any:
        """The delivery with that number, as the independent library reads it. Raises where it does not verify."""
        headers, body = self.came[number]
        return Webhook(secret).verify(body, headers)

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.came]


@contextmanager
def listening() -> Iterator[Hook]:
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = hook.takes({name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """Whoever sends may go away before it has the answer."""

    with Quiet(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        hook.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        yield hook
        server.shutdown()

"""security.md, reliability a and e: a worker that dies by SIGKILL while it sends leaves what it sent to the next."""

import os
import signal
import subprocess
import sys
import time

from app.db import engine
from app.notify import webhooks
from app.settings import ROOT, settings
from tests.notify.hook_server import Hook
from tests.notify.hooks import added, due_again, only_delivery, told


def test_killed_while_the_partner_answers_it_is_sent_again_with_the_same_id(hook: Hook) -> None:
    app, _, secret = added(hook)
    told(app)
    hook.seconds = 5
    environment = os.environ | {
        "GATEHOUSE_DATA_DIR": str(settings.data_dir),
        "GATEHOUSE_DATABASE_URL": engine.url.render_as_string(hide_password=False),
        "GATEHOUSE_SECRET_KEYS": f'["{settings.secret_keys[0].get_secret_value()}"]',
    }
    program = "import threading\nfrom app.notify import webhooks\nwebhooks.run(threading.Event())"
    worker = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=environment)
    try:
        until = time.monotonic() + 20
        while not hook.came and time.monotonic() < until:
            time.sleep(0.02)
        assert hook.came, "the worker sends"
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()

    left = only_delivery()
    assert (left.state, left.tries) == ("Waiting", 1) and left.next_try_at
    hook.seconds = 0
    assert webhooks.deliver_due() == 0, "the lease of the dead worker holds"
    due_again()
    assert webhooks.deliver_due() == 1
    assert len(hook.ids) == 2 and len(set(hook.ids)) == 1
    assert hook.read(secret)

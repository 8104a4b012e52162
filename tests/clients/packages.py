"""The client libraries of npm, exactly as the lock names them; installed once, then no network is needed."""

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
LOCK = FOLDER / "package-lock.json"
STAMP = FOLDER / "node_modules/.installed"
OLDEST_NODE = 18  # with it, conversation.mjs makes up for what it lacks


def missing() -> list[str]:
    """Debian packages of the programs that are not here; a Node.js too old for the libraries is as good as none."""
    return ([] if _runs_them() else ["nodejs"]) + ([] if shutil.which("npm") else ["npm"])


def install() -> None:
    """Make node_modules what the lock says, unless it is. Raises CalledProcessError when npm fails."""
    with LOCK.open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes may come here at once
        checksum = hashlib.sha256(lock.read()).hexdigest()
        if STAMP.is_file() and STAMP.read_text() == checksum:
            return
        quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(["npm", "ci", *quiet], cwd=FOLDER, stdout=subprocess.DEVNULL, check=True)
        STAMP.write_text(checksum)


def _runs_them() -> bool:
    if not shutil.which("node"):
        return False
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    major = said.strip().removeprefix("v").partition(".")[0]
    return major.isdecimal() and int(major) >= OLDEST_NODE

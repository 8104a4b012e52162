"""A nightly synchronisation as partners wrote it for the older API: it knows nothing of us but the one address.

It keeps pupils and its place in a file: the first night it reads everybody, page by page; after that what has changed.
`python old_client.py BASE FILE` with ESTAB, RELYING_PARTY and PASSWORD in the environment; it says in JSON what it saw.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx

BASE = sys.argv[1]  # all that a partner changes
OPTIONS = "includeGroupIds"
PAGE_SIZE = 2

Told = dict[str, Any]


def main(kept: Path) -> Told:
    token = get_token()
    with httpx.Client(headers={"Authorization": f"Idaas {token}"}, timeout=30) as client:
        details = checked(client.get(f"{BASE}/api/v1/TokenDetails"))
        known: Told = json.loads(kept.read_text()) if kept.exists() else {"pupils": {}, "place": "*"}
        if known["place"] == "*":
            counted = sum(len(page["Students"]) for page in pages(client, details["Estab"], {}))
        else:
            counted = len(known["pupils"])
        gone = []
        for page in pages(client, details["Estab"], {"changedRows": known["place"]}):
            known["pupils"] |= {pupil["Id"]: pupil["Forename"] for pupil in page["Students"]}
            gone += [known["pupils"].pop(row["Id"]) for row in page["Students_deleted"]]
            place = page["__changedRows__"][0]["NextChangedRows"]
    kept.write_text(json.dumps({"pupils": known["pupils"], "place": place}))
    told = {name: details[name] for name in ("Estab", "Name", "RelyingParty", "Scopes")}
    return told | {"counted": counted, "pupils": sorted(known["pupils"].values()), "gone": gone}


def get_token() -> str:
    sent = {
        "estab": os.environ["ESTAB"],
        "relyingParty": os.environ["RELYING_PARTY"],
        "password": os.environ["PASSWORD"],
        "thirdpartyid": "XporterOnDemand",
    }
    return str(checked(httpx.post(f"{BASE}/api/oauth/GetToken", json=sent))["token"])


def pages(client: httpx.Client, estab: str, query: dict[str, str]) -> list[Told]:
    """Every page: it counts up to PageCount, as it always did."""
    found: list[Told] = []
    while not found or len(found) < found[0]["__pagination__"][0]["PageCount"]:
        asked = query | {"page": str(len(found) + 1), "pageSize": str(PAGE_SIZE), "options": OPTIONS}
        found.append(checked(client.get(f"{BASE}/api/v1/School/{estab}/Students/", params=asked)))
    return found


def checked(answer: httpx.Response) -> Told:
    """It never looked at the status: whatever says ExceptionMessage has failed."""
    told: Told = answer.json()
    if told.get("ExceptionMessage"):
        raise SystemExit(f"{told['ExceptionType']}: {told['ExceptionMessage']}")
    return told


if __name__ == "__main__":
    json.dump(main(Path(sys.argv[2])), sys.stdout)

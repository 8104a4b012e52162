"""Where the fields of a scope stand in an answer of the data API. A test compares this with what the API answers."""

import json
from typing import Any

# Our name of the field → its path in OneRoster's Org.
PATHS = {
    "name": "name",
    "type": "metadata.establishmentType",
    "phase": "metadata.phase",
    "urn": "identifier",
    "dfe_number": "metadata.LAESTAB",
    "ukprn": "metadata.UKPRN",
    "address": "metadata.address",
    "telephone": "metadata.telephone",
    "website": "metadata.website",
}
_SCHOOL: dict[str, Any] = {
    "sourcedId": "5d9c0f3e-6a41-8b27-9f10-2c7be4a8d613",
    "status": "active",
    "dateLastModified": "2099-03-01T00:00:00.000Z",
    "name": "Made-up Primary School 100001",
    "identifier": "100001",
    "type": "school",
    "metadata": {
        "establishmentType": "Community school",
        "phase": "Primary",
        "LAESTAB": "8880001",
        "UKPRN": "10100001",
        "address": ["Mill Lane", "Anytown", "AN1 1AA"],
        "telephone": "01632960001",
        "website": "www.madeup-primary.sch.example",
    },
}
ANSWER = json.dumps({"orgs": [_SCHOOL]}, indent=2)

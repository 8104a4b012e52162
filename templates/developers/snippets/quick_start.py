import os
from urllib.parse import parse_qs, urlsplit

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session

issuer = os.environ["ISSUER"]
schools = "<schools>"
metadata = requests.get(
    f"{issuer}/.well-known/oauth-authorization-server",
    timeout=10,
).json()
app = OAuth2Session(
    os.environ["CLIENT_ID"],
    os.environ["CLIENT_SECRET"],
    redirect_uri=os.environ["REDIRECT_URI"],
    scope="school",
    code_challenge_method="S256",
)

# 1. Send the browser to Gatehouse; keep verifier and state in your session.
verifier = generate_token(48)
address, state = app.create_authorization_url(
    metadata["authorization_endpoint"],
    code_verifier=verifier,
)
print("Open this address as an Estab Admin of the school:")
print(address)

# 2. The browser comes back with a code, the state, and who sent it (iss).
answer = input("Paste the address that the browser was sent to:\n")
if parse_qs(urlsplit(answer).query).get("iss") != [issuer]:
    raise SystemExit("That answer did not come from Gatehouse.")
token = app.fetch_token(
    metadata["token_endpoint"],
    authorization_response=answer,
    state=state,
    code_verifier=verifier,
)
print("Connected", token["school"]["name"], token["grant_id"])

# 3. Read.
print(app.get(schools, timeout=10).json())

# 4. Later: refresh, and keep the new refresh token, not the old one.
token = app.refresh_token(metadata["token_endpoint"])
print(app.get(schools, timeout=10).json()["orgs"][0]["name"])

"""Every code that an app can be refused with: where it turns up, what it means, how to put it right.

The anchor of an entry is its code: a problem's `type` links to `/developers/errors#429`. A test compares this list
with the codes in the source.
"""

from app.developers.entries import Entry, Group
from app.developers.partner_errors import PARTNER

ASKING = Group(
    "Asking a school",
    "Where your app and its redirect address are known, the browser comes back to that address with error, state and"
    " iss. Otherwise, and while nobody is signed in, the same error stands on a page of ours, so that no address but"
    " yours can ever receive it. The PAR endpoint answers 400 with JSON.",
    (
        Entry(
            "invalid_request",
            "authorize, PAR, token and data API, 400",
            "Something is missing, is there twice, or has the wrong form.",
            "The description names the parameter. Send each once, in a form body (token, PAR), with code_challenge"
            " (S256, 43 to 128 characters), and with a redirect_uri that is registered character by character. An app"
            " of profile fapi2 pushes its request first. An access token goes into the Authorization header only.",
        ),
        Entry(
            "unauthorized_client",
            "authorize and token, 400",
            "Your app is suspended, or this kind of grant is not allowed to it. A public app has no partner-level"
            " tokens, for example.",
            "Use a grant type that your app is registered for. If the app is suspended, talk to us.",
        ),
        Entry(
            "access_denied",
            "authorize; token, 400, while a device waits (gatehouse-agent only)",
            "The person said no.",
            "Nothing is wrong. Tell the person that nothing was connected, and offer to ask again.",
        ),
        Entry("unsupported_response_type", "authorize", "response_type is not code.", "Send response_type=code."),
        Entry(
            "invalid_scope",
            "authorize, PAR and token, 400",
            "A scope is unknown, is not registered for your app, or, in a refresh, is more than the school granted.",
            "Ask for scopes that your app is registered for. In a refresh leave scope out, or ask for less.",
        ),
        Entry(
            "login_required",
            "authorize with prompt=none",
            "Nobody is signed in, not lately enough for max_age, or somebody other than id_token_hint says.",
            "Send the browser again without prompt=none.",
        ),
        Entry(
            "consent_required",
            "authorize with prompt=none",
            "The school has not authorised your app for this, or whoever is signed in does not decide for it.",
            "Send the browser again without prompt=none, so that the school can decide.",
        ),
        Entry(
            "request_not_supported",
            "authorize and PAR",
            "A request object (the parameter request) is not read here.",
            "Send the parameters themselves, or push them (PAR).",
        ),
        Entry(
            "request_uri_not_supported",
            "authorize",
            "The request_uri is not one of ours. We fetch nothing from elsewhere.",
            "Use the request_uri that our PAR endpoint gave you.",
        ),
        Entry(
            "invalid_request_uri",
            "authorize",
            "The request_uri has expired, was presented before, or is another app's.",
            "Push the request again, and send the browser on at once.",
        ),
        Entry(
            "invalid_target",
            "authorize, PAR and token, 400",
            "resource names something that we do not serve (RFC 8707).",
            "Leave resource out, or send our issuer. It stands in the protected resource metadata.",
        ),
        Entry(
            "invalid_authorization_details",
            "authorize and PAR, 400",
            "authorization_details cannot be read, or has a type that is not school_data (RFC 9396).",
            "Send a JSON list of objects with type school_data, and with datatypes and identifier as in Scopes.",
        ),
        Entry(
            "invalid_grant_id",
            "authorize and PAR, 400; grants, 404",
            "The grant_id is unknown, has ended, or is another app's.",
            "Send the grant_id that came with your tokens for this school, or leave it out to ask anew.",
        ),
    ),
)

TOKENS = Group(
    "Getting and renewing tokens",
    "The endpoints for programs answer JSON with error and error_description, and no cache keeps it.",
    (
        Entry(
            "invalid_client",
            "token, PAR, introspection and revocation, 401; authorize, on a page",
            "Your app did not prove who it is: wrong secret, wrong method, or an assertion that does not hold.",
            "Use the method that the app is registered for, and only that one. An assertion has aud = our issuer"
            " alone (a string, not a list, not the endpoint), iss = sub = your client_id, a new jti each time, and an"
            " algorithm that we name in the metadata. Check the clock of your server.",
        ),
        Entry(
            "invalid_grant",
            "token, 400; revocation, 400",
            "The code or refresh token is unknown, used, expired or another app's; the verifier or redirect_uri is not"
            " the one of the request; or the school has ended its authorisation.",
            "Read the description. If the authorisation has ended, stop and tell your user: only the school can begin"
            " again. If not, start a new request. Exchange each code once and in time, and keep the newest refresh"
            " token.",
        ),
        Entry(
            "unsupported_grant_type",
            "token, 400",
            "This grant_type does not exist here. password never will.",
            "Use one of grant_types_supported in the metadata.",
        ),
        Entry(
            "invalid_dpop_proof",
            "token, 400; data API, 401",
            "The DPoP proof is missing or does not fit this request, its jti was used before, or its key is not the one"
            " that the request named (dpop_jkt).",
            "Make a new proof for each call: typ dpop+jwt, ES256, PS256 or EdDSA, the public jwk, htm and htu of this"
            " very call, iat now, a new jti, and ath when you send an access token.",
        ),
        Entry(
            "use_dpop_nonce",
            "token, 400; data API, 401",
            "The proof must carry a nonce of ours.",
            "Put the value of the DPoP-Nonce response header into the proof as nonce, and send the call again. Each"
            " answer may bring a newer one.",
        ),
        Entry(
            "authorization_pending",
            "token, 400, while a device waits (gatehouse-agent only)",
            "The person has not decided yet. Device authorization is for gatehouse-agent, not for your app.",
            "Ask again after interval seconds.",
        ),
        Entry(
            "slow_down",
            "token, 400, while a device waits (gatehouse-agent only)",
            "You ask too often. Device authorization is for gatehouse-agent, not for your app.",
            "Add five seconds to your interval, and keep it so.",
        ),
        Entry(
            "expired_token",
            "token, 400, while a device waits (gatehouse-agent only)",
            "The device code has expired before anybody decided. Device authorization is for gatehouse-agent, not for"
            " your app.",
            "Begin again, and show the new code.",
        ),
        Entry(
            "temporarily_unavailable",
            "all endpoints, 503",
            "Our storage cannot be reached. Nothing was changed, and no code or token was used up.",
            "Send the same call again after the seconds in Retry-After.",
        ),
        Entry(
            "server_error",
            "all endpoints, 500",
            "Something went wrong at our end. Nothing was changed.",
            "Try again later. If it stays, send us the X-Request-Id of the answer.",
        ),
    ),
)

READING = Group(
    "Reading data",
    "The code stands in the WWW-Authenticate header of every 401 and 403. The body is OneRoster’s imsx_StatusInfo.",
    (
        Entry(
            "invalid_token",
            "data API and userinfo, 401",
            "The access token has expired or was ended, or the school has ended its authorisation, or is Suspended.",
            "Refresh once. If that answers invalid_grant, stop reading: the school has ended it.",
        ),
        Entry(
            "insufficient_scope",
            "data API and userinfo, 403",
            "The school did not grant the scope that this needs. The scope stands in WWW-Authenticate.",
            "Do without, or ask the school again with that scope. An optional scope may be refused for good.",
        ),
        Entry(
            "school_unverified",
            "data API, 403",
            "The school has authorised you, but we have not checked its registration yet. That takes two working days"
            " or so.",
            "Keep your tokens and try again every few hours. Introspection tells school_status.",
        ),
        Entry(
            "authorisation_paused",
            "data API, 403",
            "The school has paused data sharing with your app. resumes_on is the day on which it goes on, if the"
            " school named one.",
            "Keep your tokens, and try again on that day or once a day. Introspection tells authorisation_status.",
        ),
        Entry("invaliddata", "data API, 400", "A query parameter cannot be read.", "The description says which."),
        Entry(
            "invalid_filter_field",
            "data API, 400",
            "filter names a field that does not exist, or that you may not read.",
            "Filter by fields that are in the records you get.",
        ),
        Entry(
            "invalid_selection_field",
            "data API, 400",
            "fields names a field that does not exist, or that you may not read.",
            "Select fields that are in the records you get.",
        ),
        Entry(
            "unknownobject",
            "data API, 404",
            "There is no such object, or it is not this school’s. Both look alike.",
            "Take sourcedIds from the lists. Each is for your company alone.",
        ),
        Entry(
            "unauthorisedrequest", "data API, 401", "OneRoster’s word for 401.", "Read the code in WWW-Authenticate."
        ),
        Entry("forbidden", "data API, 403", "OneRoster’s word for 403.", "Read the code in WWW-Authenticate."),
        Entry("server_busy", "data API, 429 and 503", "We cannot answer now.", "Wait for Retry-After, then try again."),
        Entry(
            "internal_server_error",
            "data API, 500",
            "Something went wrong at our end.",
            "Try again later. If it stays, send us the X-Request-Id of the answer.",
        ),
    ),
)

AGENT = Group(
    "The agent on a school’s server",
    "Only gatehouse-agent calls /agent/v1; it mends these by itself.",
    (
        Entry("wrong_digest", "/agent/v1, 400", "A part did not arrive as it was sent.", "Send the same part again."),
        Entry("missing_chunks", "/agent/v1, 409", "Parts are missing.", "Send those that errors names, then complete."),
        Entry("altered_content", "/agent/v1, 422", "The file changed while it was sent.", "Begin the upload anew."),
    ),
)

STATUSES = Group(
    "Everything else, by HTTP status",
    "Outside OAuth and OneRoster an error is a problem document (RFC 9457) whose type links to one of these.",
    (
        Entry("400", "anywhere", "The request cannot be understood.", "Read detail. Is the address ours?"),
        Entry("401", "anywhere", "Nobody is signed in, or no token was sent.", "Send an access token."),
        Entry("403", "anywhere", "This caller may not do that.", "Read detail. Posts of pages are ours alone."),
        Entry("404", "anywhere", "There is nothing at this address, or it is not yours.", "Check the address."),
        Entry("405", "anywhere", "The address exists, the method does not.", "Use a method that Allow names."),
        Entry("409", "anywhere", "Something has changed meanwhile.", "Read anew, then decide again."),
        Entry("413", "anywhere", "The body is too large.", "Send less at once."),
        Entry("415", "anywhere", "This Content-Type is not read here.", "Pages and OAuth read forms, other APIs JSON."),
        Entry("422", "anywhere", "The form is not complete.", "Read detail."),
        Entry("429", "anywhere", "Too many calls.", "Wait for Retry-After, then go on more slowly."),
        Entry("500", "anywhere", "Something went wrong at our end.", "Try later. Send us the X-Request-Id."),
        Entry("503", "anywhere", "Storage cannot be reached. Nothing was changed.", "Wait for Retry-After."),
    ),
)

GROUPS = (ASKING, TOKENS, READING, PARTNER, AGENT, STATUSES)

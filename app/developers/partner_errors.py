"""The codes of the partner API, as `errors.py` those of everything else."""

from app.developers.entries import Entry, Group

PARTNER = Group(
    "The partner API",
    "A problem document (RFC 9457). Codes of tokens are those above; anything without a code of its own is of its HTTP"
    " status, below.",
    (
        Entry(
            "malformed_json",
            "partner API, 400",
            "The body is no JSON object in UTF-8, names a member twice, is deeper than 8 levels, or is too long.",
            "Send one JSON object of at most 20,000 characters, or none where the call has no body.",
        ),
        Entry(
            "invalid_body",
            "partner API, 422",
            "A member of the body is missing, is not known here, or has a value that cannot be taken.",
            "errors names each member with what is wrong. Send the members that /openapi.json lists, and no others.",
        ),
        Entry(
            "invalid_query",
            "partner API, 400",
            "A parameter of the query is not known here, is there twice, or has a value that cannot be taken.",
            "detail names the parameters that there are. limit is a number from 1 to 200.",
        ),
        Entry(
            "invalid_cursor",
            "partner API, 400",
            "after is not a cursor of this list, or is another app’s.",
            "Send what the same list gave you as next, unchanged, or leave it out to begin anew.",
        ),
        Entry(
            "school_unavailable",
            "partner API, 403",
            "The school is not Verified, has paused or ended its authorisation, or shares no people with your app.",
            "Look at /partner/v1/schools. Its accounts are there again once the school resumes or authorises.",
        ),
        Entry(
            "unknown_account",
            "partner API, 422",
            "An id that is acknowledged is none of that school’s accounts.",
            "Send ids as /partner/v1/accounts gives them for the same grant_id. Nothing was changed.",
        ),
        Entry(
            "webhook_refused",
            "partner API, 422",
            "Nothing can be sent to that address: it is not https, leads to a network that is not public, or its host"
            " is not known.",
            "Give an https address of the public internet, without user name, password or #. Redirects are not"
            " followed.",
        ),
        Entry(
            "too_many_webhooks",
            "partner API, 409",
            "Your app has as many webhooks as it may.",
            "Remove one, or let one webhook take more types.",
        ),
        Entry(
            "cannot_invite",
            "partner API, 422",
            "The school, the contact or the scopes of an invitation cannot be taken, or this contact has"
            " one to answer already, or was mailed within the day.",
            "errors names the member. Take the number from the register, and the scopes from /partner/v1/app.",
        ),
        Entry(
            "too_many_invitations",
            "partner API, 429",
            "Your company has sent as many invitations as it may in a day.",
            "Send the rest tomorrow. If you need more, talk to us.",
        ),
        Entry(
            "invitation_settled",
            "partner API, 409",
            "The invitation has been answered, forwarded or withdrawn, or it has run out.",
            "Read it anew: its state says which.",
        ),
        Entry(
            "already_attested",
            "partner API, 409",
            "Your company has said already what it deleted for this request. That stands.",
            "Nothing is left to do. If what you said was wrong, write to the school.",
        ),
    ),
)

"""The demo partner "Reading Room": an ordinary OAuth client on its own port. It imports nothing of the server."""

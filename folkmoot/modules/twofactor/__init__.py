"""The second factor: codes of an authenticator app, recovery codes, and the second step of a sign-in."""

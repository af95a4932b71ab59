"""Greets by name, in Flask."""

from flask import Flask, Response

app = Flask(__name__)


@app.get("/hello/<username>")
def hello(username: str) -> Response:
    return Response(f"Hello {username} from flask service", mimetype="text/plain")


@app.get("/health")
def health() -> dict[str, bool]:
    return {"ok": True}

"""Greets by name, in FastAPI."""

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

app = FastAPI(title="Hello")


@app.get("/hello/{username}", response_class=PlainTextResponse)
async def hello(username: str) -> str:
    return f"Hello {username} from fastapi service"


@app.get("/health")
async def health() -> dict[str, bool]:
    return {"ok": True}

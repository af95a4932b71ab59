"""Writes docs/reference/nginx.md from deploy/nginx/variables, which nginx's configuration is made from."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "deploy" / "nginx" / "variables"
PAGE = ROOT / "docs" / "reference" / "nginx.md"

INTRODUCTION = """\
# The variables of nginx

The image `folkmoot-front` is configured by its environment alone. It writes its configuration when it starts, and ends
with a sentence and exit code 1 when a variable is none that it can use. `deploy/nginx/render FOLDER` does the same
outside a container: `nginx -c FOLDER/nginx.conf` then runs it. Why it is as it is says
[decision 15](../decisions/0015-nginx.md). This page is written by `scripts/nginx_reference.py`.

| variable | default | what it says |
| --- | --- | --- |
"""


@dataclass(frozen=True)
class Variable:
    name: str
    default: str
    kind: str
    meaning: str


def variables() -> list[Variable]:
    lines = [line for line in SOURCE.read_text().splitlines() if line and not line.startswith("#")]
    return [Variable(*(part.strip() for part in line.split("|", 3))) for line in lines]


def page() -> str:
    rows = (
        f"| `{each.name}` | {f'`{each.default}`' if each.default else ''} | {each.meaning} |" for each in variables()
    )
    return INTRODUCTION + "\n".join(rows) + "\n" + ADDRESSES


ADDRESSES = """
## Addresses

| address | goes to |
| --- | --- |
| `/`, `/app`, and whatever is not below | the page: every address of the app is its `index.html` |
| `/assets/…` | files whose names change with their content, kept for a year |
| `/api` | the API's `/` |
| `/api/…` | the API, with the prefix cut once and nothing else changed |
| `/api/docs` | the reader of the API's description |
| `/ws`, `/connection/websocket`, and both below `/api` | sockets |
| `/db` | Adminer, as it is; only where DB_UPSTREAM and DB_ALLOW say so |
| `/healthz`, `/readyz` | whether the API lives, and whether it can answer; 503 when it is away |
| `/.well-known/acme-challenge/…` | over HTTP, with TLS on: the files of an ACME client |
| port LISTEN_HEALTH: `/live`, `/ready`, `/status` | this nginx itself; the API's readiness; nginx's counters |

What nginx refuses by itself is `application/problem+json` with the server's codes: 400 `malformed`, 404 and 421
`not_found`, 405 `method_not_allowed`, 413 and 431 `too_large`; and, with `Retry-After`, 429 `too_many` and 503
`unavailable`.

## The log

One line of JSON for each request on standard output, in ECS, with `event.dataset: folkmoot` and
`service.name: folkmoot-nginx`. It has no query, and `[redacted]` for whatever part of a path may be a token. When the
answer is 503, three fields say why:

| `nginx.upstream.host` | `nginx.upstream.address` | `nginx.upstream.status` | what happened |
| --- | --- | --- | --- |
| `api:8000` | no address | empty or 502 | the name is not known: the container is not there, or has another name |
| `api:8000` | `172.18.0.5:8000` | 502 | nobody listens there, or the connection was cut |
| `api:8000` | `172.18.0.5:8000` | 504 | it took longer than API_TIMEOUT to answer |
| `api:8000` | `172.18.0.5:8000` | 503 | the server itself said so |
"""


if __name__ == "__main__":
    PAGE.write_text(page())

"""Looks up the known holes of what is pinned, where PyPI and npm tell of them.

audit.py                 ends with 1 for a hole, and with 2 when nobody could be asked
audit.py --where-told    the same for a hole; whoever cannot be asked is named and passed over
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
AUDITED = ("base", "image", "acme")  # what runs in production; the rest stays on the machines of those who develop
PATIENCE_S = 120


@dataclass(frozen=True)
class Answer:
    """What somebody told of the holes in what was asked about."""

    about: str
    holes: Sequence[str] = ()
    why_not: str = ""  # what could not be looked up, and why

    def __str__(self) -> str:
        sign = "✗" if self.holes else "-" if self.why_not else "✓"
        unknown = f"; not looked up: {self.why_not}" if self.why_not else ""
        return "\n".join([f"{sign} {self.about}: {len(self.holes)} known holes{unknown}", *self.holes])


def read_pip_audit(about: str, printed: str, complained: str) -> Answer:
    """Out of what `pip-audit --format=json` prints; it prints nothing when it could not ask."""
    if not printed.strip():
        return Answer(about, why_not=_last_line(complained))
    found = json.loads(printed)["dependencies"]
    passed_over = [package["skip_reason"] for package in found if "skip_reason" in package]
    return Answer(
        about,
        [
            f"    {package['name']} {package['version']}: {hole['id']}, mended in {_any_of(hole['fix_versions'])}"
            for package in found
            for hole in package.get("vulns", ())
        ],
        f"{len(passed_over)} of {len(found)} packages ({passed_over[0]})" if passed_over else "",
    )


def read_npm_audit(about: str, printed: str, complained: str) -> Answer:
    """Out of what `npm audit --json` prints."""
    said = json.loads(printed) if printed.strip() else {}
    if "vulnerabilities" not in said:
        return Answer(about, why_not=said.get("message") or _last_line(complained))
    return Answer(
        about,
        [
            f"    {name} {hole['range']}: {hole['severity']}, see npm audit"
            for name, hole in sorted(said["vulnerabilities"].items())
        ],
    )


def ask() -> list[Answer]:
    answers = []
    for name in AUDITED:
        file = f"requirements/{name}.txt"
        program = str(Path(sys.executable).parent / "pip-audit")
        words = ["--disable-pip", "--require-hashes", "--format=json", "--progress-spinner=off", "-r", file]
        answers.append(read_pip_audit(file, *_said([program, *words])))
    npm = ["npm", "--prefix", "web", "audit", "--omit=dev", "--json"]
    answers.append(read_npm_audit("web/package-lock.json", *_said(npm)))
    return answers


def main(words: Sequence[str]) -> int:
    answers = ask()
    print(*answers, sep="\n")
    if any(answer.holes for answer in answers):
        return 1
    return 2 if any(answer.why_not for answer in answers) and "--where-told" not in words else 0


def _said(command: Sequence[str]) -> tuple[str, str]:
    try:
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except subprocess.TimeoutExpired:
        return "", f"no answer within {PATIENCE_S} s"
    return ended.stdout, ended.stderr


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it did not say why"])[-1]


def _any_of(versions: Sequence[str]) -> str:
    return " or ".join(versions) or "no version yet"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

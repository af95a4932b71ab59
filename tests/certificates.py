"""Certificates that nobody vouches for but they themselves."""

import subprocess
from pathlib import Path
from typing import NamedTuple


class Certificate(NamedTuple):
    its: Path
    key: Path


def certify(
    folder: Path, host: str = "localhost", *, its: str = "cert.pem", key: str = "key.pem", subject: str = ""
) -> Certificate:
    """A fresh certificate for the host, good for a day, and its key, under these names in the folder."""
    made = Certificate(folder / its, folder / key)
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "1",
    ]
    command += ["-subj", f"/CN={subject or host}", "-addext", f"subjectAltName=DNS:{host}"]
    subprocess.run([*command, "-keyout", made.key, "-out", made.its], check=True, capture_output=True)
    return made

"""One at a time: the lock that a deploy, a backup and what they started hold together."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from folkmoot_server.errors import Failed
from folkmoot_server.state import State

SERVER = Path(__file__).parents[2] / "deploy" / "server"

KILLED = """
import os, signal, subprocess, sys
from pathlib import Path
from folkmoot_server.state import State

with State(Path(sys.argv[1])).lock() as held:
    nothing = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    print(subprocess.Popen(["sleep", "60"], pass_fds=(held,), **nothing).pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_deploy_started_is_waited_for(tmp_path: Path) -> None:
    env = {"PYTHONPATH": str(SERVER), "PATH": os.environ["PATH"]}
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=env, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with pytest.raises(Failed, match="Another deploy or backup"), State(tmp_path).lock(within_s=0.2):
        pass
    os.kill(int(killed.stdout), signal.SIGKILL)
    with State(tmp_path).lock(within_s=10):
        pass

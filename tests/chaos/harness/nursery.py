"""Processes, forked from one that has imported everything and opened nothing."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_SCRIPT = Path(__file__).parents[1]
_UNIT = 1 if sys.platform == "darwin" else 1024


class Nursery:
    """The harness's side. No process is reaped before it is asked for, so no id names another."""

    def __init__(self) -> None:
        self._zygote = subprocess.Popen(
            [sys.executable, str(_SCRIPT), "zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        # What a process is born with; the zygote's own peak would be that of who started it.
        self.imports_bytes: int = self.kill(self.bear({}))

    def _ask(self, wish: dict[str, Any]) -> dict[str, Any]:
        print(json.dumps(wish), file=self._zygote.stdin, flush=True)
        return json.loads(self._zygote.stdout.readline())

    def bear(self, wish: dict[str, Any]) -> int:
        """A new process; gives its id."""
        return self._ask({"bear": wish})["pid"]

    def kill(self, pid: int) -> int:
        """Kills a process with SIGKILL; gives its peak memory in bytes."""
        return self._ask({"kill": pid})["peak"]

    def look(self) -> tuple[list[int], list[int]]:
        """The processes that stopped since the last look, and those that ended by themselves."""
        seen = self._ask({"look": True})
        return seen["stopped"], seen["ended"]

    def close(self) -> None:
        """Kills all that is left."""
        self._zygote.stdin.close()
        self._zygote.wait(30)
        self._zygote.stdout.close()


def serve() -> None:
    """The zygote's side: it obeys until its input ends."""
    from harness.life import live  # noqa: PLC0415  # the harness itself needs nothing of this

    living: set[int] = set()
    for line in sys.stdin:
        match json.loads(line):
            case {"bear": wish}:
                pid = os.fork()
                if not pid:
                    os._exit(live(wish) if wish else 0)
                living.add(pid)
                answer = {"pid": pid}
            case {"kill": pid}:
                answer = {"peak": _killed(pid)}
                living.discard(pid)
            case _:
                answer = _look(living)
        print(json.dumps(answer), flush=True)
    for pid in living:
        _killed(pid)


def _killed(pid: int) -> int:
    os.kill(pid, signal.SIGKILL)
    while True:
        _, status, usage = os.wait4(pid, 0)
        if not os.WIFSTOPPED(status):
            return usage.ru_maxrss * _UNIT


def _look(living: set[int]) -> dict[str, Any]:
    stopped, ended = [], []
    for pid, status in list(_changed(living)):
        if os.WIFSTOPPED(status):
            stopped.append(pid)
        else:
            ended.append(pid)
            living.discard(pid)
    return {"stopped": stopped, "ended": ended}


def _changed(living: set[int]) -> Iterator[tuple[int, int]]:
    for pid in living:
        changed, status, _ = os.wait4(pid, os.WNOHANG | os.WUNTRACED)
        if changed:
            yield pid, status

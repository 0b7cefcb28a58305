"""What a process used: wall time, CPU time and memory, phase by phase."""

import json
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

_STATUS = Path("/proc/self/status")


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of wall time, and of this process's CPU in user and system mode."""

    wall: float
    cpu: float


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _resident(figure: str) -> float:
    # ru_maxrss outlives exec, so that a small child would show the size of its parent.
    if _STATUS.exists():
        for line in _STATUS.read_text().splitlines():
            if line.startswith(figure):
                return int(line.split()[1]) / 1_024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024


@dataclass(slots=True)
class Meter:
    """Takes the measurements of one run. Make it after the imports.

    Attributes:
        import_cpu: CPU seconds before the meter was made: the interpreter and the imports.
        bare_mb: Resident memory after the imports, in units of 2^20 bytes.
    """

    import_cpu: float = field(default_factory=_cpu)
    bare_mb: float = field(default_factory=lambda: _resident("VmRSS"))
    phases: dict[str, Spent] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measures a part of the run; the same name again adds to it."""
        wall, cpu = time.perf_counter(), _cpu()
        yield
        before = self.phases.get(name, Spent(0.0, 0.0))
        self.phases[name] = Spent(
            before.wall + time.perf_counter() - wall, before.cpu + _cpu() - cpu
        )

    def report(self, **more: object) -> None:
        """Prints all of it as one line of JSON, the last line of the run."""
        figures = {
            "import_cpu": self.import_cpu,
            "bare_mb": self.bare_mb,
            "peak_mb": _resident("VmHWM"),
            "phases": {name: asdict(spent) for name, spent in self.phases.items()},
        }
        print(json.dumps({**figures, **more}), flush=True)

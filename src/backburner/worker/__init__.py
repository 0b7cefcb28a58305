"""The worker: look, decide, act, one step at a time."""

from backburner.worker.tick import Idle, Stepped, Worker
from backburner.worker.tools import Terms, Tools

__all__ = ["Idle", "Stepped", "Terms", "Tools", "Worker"]

"""Backburner as a Python library; the command line calls the same class."""

from backburner.client.backburner import Backburner

__all__ = ["Backburner"]

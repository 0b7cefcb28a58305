"""Anthropic, as seen by us: identity through the official SDK, bytes as they are."""

from backburner.upstream.api import Answer, Body, Downloaded, Page, RemoteBatch, Upstream
from backburner.upstream.messages import Spoken

__all__ = ["Answer", "Body", "Downloaded", "Page", "RemoteBatch", "Spoken", "Upstream"]

"""How the emulator counts tokens: by bytes, so that it is quick and never varies.

Real tokenizers differ. A count here is at most the number of UTF-8 bytes plus a small constant, and
models of 4.7 and later count about 30 % more for the same text, as theirs do.

Source: platform.claude.com/docs/en/about-claude/pricing, on tokenizers (2026-08-21).
"""

from backburner.emulator.catalogue import Model

REQUEST_TOKENS = 8
"""Tokens of every request beside its contents."""
TURN_TOKENS = 4
"""Tokens of every turn beside its contents."""
IMAGE_TOKENS = 1_568
"""Tokens of any image; the real number depends on its size."""
PAGE_TOKENS = 2_300
"""Tokens of a page of a PDF, its text and its picture; the real number depends on what is on it.

Source: platform.claude.com build-with-claude/pdf-support, a copy of 2025: about 7,000 tokens for
three pages.
"""


def text_bytes(text: str) -> int:
    """Size of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def tokens_of_bytes(size: int, model: Model) -> int:
    """Tokens that so many bytes of text make."""
    return -(-size * 10 // model.token_tenths)


def tokens_of(text: str, model: Model) -> int:
    """Tokens of a text."""
    return -(-text_bytes(text) * 10 // model.token_tenths)


def text_of(count: int, model: Model, *, beside: int = 0) -> str:
    """A text of exactly so many tokens.

    Args:
        count: The tokens.
        model: The model that counts them.
        beside: Tokens that come with the text and are part of the count: with `REQUEST_TOKENS`, a
            system prompt of this text makes a cacheable prefix of exactly `count` tokens.
    """
    words = "All of this is only here to be as long as it has to be. "
    size = (count - beside) * model.token_tenths // 10
    return (words * (size // len(words) + 1))[:size]


def cut(text: str, limit: int, model: Model) -> str:
    """The longest beginning of a text that has at most `limit` tokens."""
    room = limit * model.token_tenths // 10
    return text.encode("utf-8", "surrogatepass")[:room].decode("utf-8", "ignore")

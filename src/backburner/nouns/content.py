"""The content of a message: its blocks, and the text they make together."""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType


class Block(msgspec.Struct, gc=False):
    """One block of a message, as far as an answer is made of it."""

    type: str = ""
    text: str = ""
    input: msgspec.Raw | UnsetType = UNSET


def text_of(content: Sequence[Block]) -> str:
    """The text of an answer; where it has none, the input of the tool it calls, as JSON."""
    if len(content) == 1 and content[0].type == "text":
        return content[0].text
    texts = [block.text for block in content if block.type == "text"]
    if not texts:
        texts = [bytes(block.input).decode() for block in content if block.input is not UNSET]
    return "".join(texts)

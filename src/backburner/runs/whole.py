"""The whole result of a request: as received, or of a turn that was paused, all its parts."""

import msgspec

from backburner.runs.answers import FinalLine

_MISSING = b'{"type":"missing"}'


class _Line(msgspec.Struct, gc=False):
    result: msgspec.Raw


class _Message(msgspec.Struct, gc=False):
    content: list[msgspec.Raw] = []


class _Result(msgspec.Struct, gc=False):
    message: _Message | None = None


_line = msgspec.json.Decoder(_Line).decode
_content = msgspec.json.Decoder(_Result).decode
_keys = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def whole_result(final: FinalLine) -> bytes:
    """The `result` of a request, byte for byte as received.

    An answer to a turn that was paused holds only what is new, so the blocks of the paused parts
    are put before its own; all else, usage too, is that of the last part.
    """
    if not final.line:
        return _MISSING
    result = bytes(_line(final.line).result)
    before = [block for line in final.turn for block in _blocks(line)]
    keys = _keys(result) if before else {}
    if "message" not in keys:
        return result
    message = _keys(keys["message"])
    own = _content(result).message
    blocks = [*before, *(own.content if own else [])]
    message["content"] = msgspec.Raw(msgspec.json.encode(blocks))
    keys["message"] = msgspec.Raw(msgspec.json.encode(message))
    return msgspec.json.encode(keys)


def _blocks(line: bytes) -> list[msgspec.Raw]:
    message = _content(_line(line).result).message if line else None
    return message.content if message else []

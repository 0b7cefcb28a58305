"""Results files on their way to a caller: what spoils lines, and which lines have come through."""

from collections.abc import Iterator, Sequence

from backburner.emulator import identifiers
from backburner.emulator.batchbook import Batch
from backburner.emulator.faults import Line

_STRANGER = b'{"custom_id":"nobody-asked-for-this"'
_GARBAGE = b"<html><body>502 Bad Gateway</body></html>"
_RESULT = b',"result":'
_UNKNOWN = b'{"type":"deferred"}}'


def plain(batch: Batch) -> Iterator[bytes]:
    """A results file as it is, in large pieces."""
    yield from batch.spool.stream_results()
    batch.brought_all = True


def spoiled(batch: Batch, faults: Sequence[Line], seed: object) -> Iterator[bytes]:
    """A results file line by line, with faults in it."""
    if batch.brought is None:
        batch.brought = bytearray(batch.count)
    places: dict[int, list[Line]] = {}
    for number, fault in enumerate(faults):
        places.setdefault(_place(batch, fault, (seed, number)), []).append(fault)
    end = b"\r\n" if any(fault.kind == "crlf" for fault in faults) else b"\n"
    for place, line in enumerate(batch.spool.result_lines()):
        versions, readable = _spoil(line[:-1], places.get(place, ()))
        for version in versions:
            yield version + end
        # Only whoever asks for the next line has had this one.
        batch.brought[place] |= readable


def _place(batch: Batch, fault: Line, source: tuple[object, ...]) -> int:
    if not batch.count:
        return 0
    if fault.at is None:
        return int(batch.count * identifiers.chance(*source, "line", batch.ordinal))
    return fault.at % batch.count


def _spoil(line: bytes, faults: Sequence[Line]) -> tuple[list[bytes], bool]:
    """What comes in the place of a line, and whether the line can be read from it."""
    versions, readable = [line], True
    head, _, tail = line.partition(_RESULT)
    for fault in faults:
        match fault.kind:
            case "missing":
                versions, readable = [], False
            case "mangled":
                versions, readable = [line[: len(line) // 2]], False
            case "unknown_type":
                versions, readable = [head + _RESULT + _UNKNOWN], False
            case "doubled":
                versions *= 2
            case "unknown_id":
                versions.append(_STRANGER + _RESULT + tail)
            case "garbage":
                versions.append(_GARBAGE)
            case "blank":
                versions.append(b"")
            case "crlf":
                pass
    return versions, readable

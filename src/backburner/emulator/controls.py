"""What whoever runs an emulator's server may ask of it and do to it, beside the API.

GET  /_emulator/bill      what has been charged, in picodollars
GET  /_emulator/batches   the ledger without requests
GET  /_emulator/ledger    the ledger as JSON lines, a batch each, with every request as
                          [custom_id, hash of its parameters, result type, whether downloaded]
GET  /_emulator/struck    how often each scripted or chance fault has struck
POST /_emulator/clock     {"advance": 3600} moves the clock forward, in seconds
POST /_emulator/script    {"route": "create", "fault": "late", "by": 2.0, "times": 3}, or a list
POST /_emulator/calm      ends all faults, scripted and by chance
POST /_emulator/foreign   {"requests": 100, "count": 3} plants batches of another producer
POST /_emulator/credit    {"left": false, "code": 402} lets the credit run out, or refills it
POST /_emulator/cache     {"hits": 150, "of": 500} lets exactly so many requests read the cache;
                          {"hits": 0.3} lets that share of possible reads happen by chance
"""

from collections.abc import Callable, Iterator
from typing import Any, Literal

import msgspec
from msgspec import Struct

from backburner.emulator.cacheplan import Hits
from backburner.emulator.faultplan import scripted
from backburner.emulator.ledger import Accepted
from backburner.emulator.replies import Reply, json_reply
from backburner.emulator.world import World

PREFIX = "/_emulator/"
_Entries = dict[str, Any] | list[dict[str, Any]]
_NAMES = (
    "id",
    "ordinal",
    "workspace",
    "created_at",
    "count",
    "status",
    "deleted",
    "cost",
    "foreign",
    "canceled",
    "fault",
    "late",
)


class _Clock(Struct, forbid_unknown_fields=True):
    advance: float = 0.0


class _Foreign(Struct, forbid_unknown_fields=True):
    requests: int
    count: int = 1
    workspace: str | None = None
    turnaround: float = 300.0
    prefix: str = "task"


class _Credit(Struct, forbid_unknown_fields=True):
    left: bool
    code: Literal[400, 402] = 402


class _Cache(Struct, forbid_unknown_fields=True):
    hits: float
    of: int | None = None


class Controls:
    """Answers the calls under `/_emulator/`.

    Args:
        world: The world they are about.
        advance: Moves its clock forward.
    """

    def __init__(self, world: World, advance: Callable[[float], None]) -> None:
        self._world = world
        self._advance = advance
        self._answers: dict[tuple[str, str], Callable[[bytes], Reply]] = {
            ("GET", "bill"): self._bill,
            ("GET", "batches"): self._batches,
            ("GET", "ledger"): self._ledger,
            ("GET", "struck"): self._struck,
            ("POST", "clock"): self._clock,
            ("POST", "script"): self._script,
            ("POST", "calm"): self._calm,
            ("POST", "foreign"): self._foreign,
            ("POST", "credit"): self._credit,
            ("POST", "cache"): self._cache,
        }

    def reply(self, method: str, target: str, body: bytes) -> Reply:
        """The answer to one call."""
        answer = self._answers.get((method, target.removeprefix(PREFIX)))
        if answer is None:
            return _text(404, "No such control.")
        try:
            return answer(body)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
            return _text(400, str(error))

    def _bill(self, _body: bytes) -> Reply:
        bill = self._world.bill()
        return json_reply({"total": bill.total, "batches": bill.batches, "calls": bill.calls})

    def _batches(self, _body: bytes) -> Reply:
        return json_reply([_entry(batch) for batch in self._world.ledger()])

    def _ledger(self, _body: bytes) -> Reply:
        return Reply(200, {"content-type": "application/x-jsonl"}, _lines(self._world.ledger()))

    def _struck(self, _body: bytes) -> Reply:
        return json_reply(self._world.struck())

    def _clock(self, body: bytes) -> Reply:
        self._advance(max(0.0, msgspec.json.decode(body, type=_Clock).advance))
        return json_reply({"now": self._world.time})

    def _script(self, body: bytes) -> Reply:
        asked: dict[str, Any] | list[dict[str, Any]] = msgspec.json.decode(body, type=_Entries)
        entries = [scripted(one) for one in (asked if isinstance(asked, list) else [asked])]
        for entry in entries:
            self._world.script_entry(entry)
        return json_reply({"scripted": len(entries)})

    def _calm(self, _body: bytes) -> Reply:
        self._world.calm()
        return json_reply({"calm": True})

    def _foreign(self, body: bytes) -> Reply:
        wish = msgspec.json.decode(body, type=_Foreign)
        return json_reply({"ids": self._world.plant_foreign(**msgspec.structs.asdict(wish))})

    def _credit(self, body: bytes) -> Reply:
        wish = msgspec.json.decode(body, type=_Credit)
        if wish.left:
            self._world.refill_credit()
        else:
            self._world.exhaust_credit(wish.code)
        return json_reply({"left": wish.left})

    def _cache(self, body: bytes) -> Reply:
        wish = msgspec.json.decode(body, type=_Cache)
        self._world.cache_hits(_hits(wish))
        return json_reply({"hits": wish.hits, "of": wish.of})


def _hits(wish: _Cache) -> Hits | float:
    if wish.of is None:
        return wish.hits
    if not wish.hits.is_integer():
        raise ValueError(f"{wish.hits} is not a number of requests.")
    return Hits(int(wish.hits), wish.of)


def _entry(batch: Accepted) -> dict[str, Any]:
    return {name: getattr(batch, name) for name in _NAMES}


def _lines(ledger: list[Accepted]) -> Iterator[bytes]:
    for batch in ledger:
        yield msgspec.json.encode({**_entry(batch), "requests": list(batch.requests())}) + b"\n"


def _text(status: int, sentence: str) -> Reply:
    return Reply(status, {"content-type": "text/plain; charset=utf-8"}, (f"{sentence}\n".encode(),))

"""Between the inbox and the runs: checking single requests at the door, and staging a slice."""

import os
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Final

from backburner.client.cache_advice import cache_advice, taught, unmarked_since
from backburner.errors import InputError
from backburner.nouns.budget import Billing
from backburner.nouns.given import several
from backburner.nouns.lane import LaneTerms
from backburner.nouns.request import encode_params, read_params, travelling
from backburner.nouns.run import RunSpec
from backburner.nouns.tariff import ModelPrice, Tariff
from backburner.nouns.ticket import INBOX, InboxSlice
from backburner.nouns.urgency import Urgency
from backburner.plan.caching.choices import CachePolicy
from backburner.plan.packing import PackLimits
from backburner.runs.cache_marks import CacheAdvice
from backburner.runs.committing import commit_in
from backburner.runs.faults import Faults
from backburner.runs.input_copy import copy_input
from backburner.runs.input_warnings import InputWarning
from backburner.runs.segments import BatchCounter
from backburner.runs.stager import Order, Stager
from backburner.runs.staging import Desk, stage, throw_away
from backburner.store.inbox import inbox_bodies
from backburner.worker.tools import StagedSlice

Body = Mapping[str, object] | bytes | str
"""A Messages body as its caller has it: an object, or JSON that is kept as it is."""

_ORDER: Final = Order(lane="", name=INBOX, title=INBOX, output=None, prefix="")


def bodies_as_written(bodies: Iterable[Body]) -> list[bytes]:
    """Messages bodies as JSON, each in one line, their bytes as they came.

    Raises:
        InputError: One of them is no JSON object.
    """
    return [_as_json(number, body) for number, body in enumerate(several("bodies", bodies), 1)]


def check_bodies(
    bodies: Sequence[bytes], betas: tuple[str, ...], known_models: Collection[str]
) -> tuple[InputWarning, ...]:
    """Make sure that a batch would take each of these bodies, as of a list; gives the warnings.

    Raises:
        InputFaults: It would refuse one of them.
    """
    names = (str(number) for number in range(1, len(bodies) + 1))
    order = replace(_ORDER, known_models=known_models)
    faults = Faults()
    stager = Stager(_spec(betas), order, BatchCounter(PackLimits()), faults)
    with Path(os.devnull).open("wb") as nowhere:
        stager.read(BytesIO(b"".join(_lines(names, bodies))), nowhere)
    _told(faults, len(bodies)).raise_if_any("the request" if len(bodies) == 1 else "the requests")
    return stager.warnings


def _told(faults: Faults, bodies: int) -> Faults:
    """The faults as their caller knows the requests, who wrote neither custom_ids nor lines."""
    told = Faults()
    for one in faults.kept:
        what = re.sub(r" \(custom_id '\d+'\)$", "", one.what)
        where = f"request {one.line}: " if bodies > 1 else ""
        told.add(one.code, where + what, hint=one.hint)
    return told


def _as_json(number: int, body: Body) -> bytes:
    try:
        raw = encode_params(body) if isinstance(body, Mapping) else _bytes(body)
        read_params(raw)
        return travelling(raw)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            f"request {number} is no Messages body: {error}",
            hint='give one JSON object such as {"model": …, "max_tokens": …, "messages": […]}',
        ) from error


def _bytes(body: bytes | str) -> bytes:
    """JSON without what may stand around it, found to be UTF-8."""
    if not isinstance(body, bytes | bytearray | str):
        raise TypeError(f"it is of type {type(body).__name__}")
    raw = body.encode() if isinstance(body, str) else bytes(body)
    raw.decode()
    return raw.removeprefix(BOM_UTF8).strip()


def _lines(names: Iterable[str], bodies: Iterable[bytes]) -> Iterator[bytes]:
    """Each body as a line of a list of requests; its bytes are not written anew."""
    for name, body in zip(names, bodies, strict=True):
        yield b'{"custom_id":"%b","params":%b}\n' % (name.encode(), body)


def _spec(betas: tuple[str, ...], policy: CachePolicy = CachePolicy.OFF) -> RunSpec:
    return RunSpec(kind="requests", format="jsonl", betas=betas, collapse=False, cache=policy.value)


def ticket_stager(
    desk: Desk,
    tariff: Callable[[Iterable[str]], Tariff],
    lane_terms: Callable[[str], LaneTerms],
) -> Callable[[InboxSlice], StagedSlice]:
    """Gives what makes a run of tickets, as one is made of a list of requests."""

    def staged(taken: InboxSlice) -> StagedSlice:
        terms = taken.terms
        # Nothing is planned for a sync call: it is one of few, and somebody waits for it.
        is_sync = terms.timing.urgency is Urgency.NOW
        usual = lane_terms(taken.lane).defaults.cache or CachePolicy.AUTO
        policy = CachePolicy.OFF if is_sync else CachePolicy(usual)
        order = replace(
            _ORDER,
            lane=taken.lane,
            billing=Billing(owner=terms.owner, tags=terms.tags),
            timing=terms.timing,
            waits_since=taken.waits_since,
        )
        with desk.store.read() as tx:
            lines = _lines(taken.tickets, inbox_bodies(tx, taken.tickets))
            copy = copy_input(desk.vault, desk.clock, lines)
        advice = _advice(desk, tariff, policy)
        made = stage(desk, _spec(terms.betas, policy), copy, order, advice)
        return StagedSlice(
            run=made.run.id,
            commit=lambda tx: commit_in(tx, made, desk.clock.now()),
            throw_away=partial(throw_away, desk, made),
        )

    return staged


def _advice(
    desk: Desk, tariff: Callable[[Iterable[str]], Tariff], policy: CachePolicy
) -> CacheAdvice | None:
    def price_of(model: str) -> ModelPrice:
        return tariff([model]).price(model)

    return cache_advice(policy, price_of, taught(desk.store), unmarked=unmarked_since(desk.store))

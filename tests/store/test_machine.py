"""The store against a dictionary: any order of steps, by two owners, leaves both the same."""

import dataclasses
import itertools
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from backburner.errors import LeaseLost, MoveRefused
from backburner.nouns.batch import MOVES, UNSENT, Batch, BatchState, Fence
from backburner.nouns.outcome import ExceptionRow, ExceptionState, Outcome
from backburner.store import Store
from backburner.store.batches import batch_insert, batches_unsent_of_run, batches_where
from backburner.store.claimed_batches import (
    batch_arm,
    batch_claim,
    batch_give_back,
    batch_move,
    batch_renew,
    batch_rest,
)
from backburner.store.exceptions import (
    exceptions_counted,
    exceptions_due,
    exceptions_end_unsent,
    exceptions_end_waiting,
    exceptions_of_batch,
    exceptions_put,
    exceptions_send_off,
)
from backburner.store.invariants import breaches
from backburner.store.lanes import lane_pin
from backburner.store.leases import CLAIMABLE, leases_free_dead
from backburner.store.runs import run_insert
from backburner.store.waiting_batches import batches_ask_cancel, batches_end_unsent, batches_release

from .conftest import NOW, a_run

TTL, QUIET, SIZE = 120.0, 900.0, 3
LANES = ("default",)
OWNERS = ("a", "b")
Numbers = st.integers(0, 40)


@dataclasses.dataclass
class Known:
    """What the dictionary says of a batch."""

    state: BatchState = BatchState.SEALED
    epoch: int = 0
    owner: str | None = None
    lease_until: float = 0.0
    due_at: float = NOW
    cancel_asked_at: float | None = None


class StoreMachine(RuleBasedStateMachine):
    """Two owners do what they please with batches, with tokens that may be long stale."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.store = Store(self.folder)
        self.now = NOW
        self.known: dict[int, Known] = {}
        self.runs: dict[int, str] = {}
        self.exceptions: dict[tuple[int, int], tuple[ExceptionState, Outcome, int]] = {}
        self.tokens: list[Batch] = []
        self.names = itertools.count()
        with self.store.write() as tx:
            lane_pin(tx, "default", "http://emulator", NOW)

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    # New batches

    @rule()
    def insert(self) -> None:
        name = f"r{next(self.names)}"
        with self.store.write() as tx:
            run_insert(tx, a_run(name, requests=SIZE))
            batch = self._insert(tx, name, SIZE)
        self.runs[batch] = name

    def _insert(self, tx: Any, run: str | None, size: int) -> int:
        values = {
            "lane": "default",
            "run": run,
            "nonce": f"nonce{next(self.names):07d}",
            "betas": "",
            "requests": size,
            "body_bytes": 1,
            "segment": "s",
            "origins": None if run else "o",
            "due_at": self.now,
            "created_at": self.now,
        }
        batch = batch_insert(tx, values)
        self.known[batch] = Known(due_at=self.now)
        return batch

    @rule()
    def seal_retries(self) -> None:
        with self.store.write() as tx:
            rows = exceptions_due(tx, "default", self.now, 100)
            waiting = [key for key, one in self.exceptions.items() if one[0] == "waiting"]
            assert sorted((row.batch, row.position) for row in rows) == sorted(waiting)
            if rows:
                carrier = self._insert(tx, None, len(rows))
                exceptions_send_off(tx, ((row, None) for row in rows), carrier)
                for row in rows:
                    value = (ExceptionState.TRAVELLING, row.outcome, carrier)
                    self.exceptions[row.batch, row.position] = value

    # Time, and what needs no lease

    @rule(seconds=st.sampled_from([1.0, 50.0, 130.0, 1000.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.known)
    @rule(number=Numbers)
    def release(self, number: int) -> None:
        batch, known = self._pick(number)
        with self.store.write() as tx:
            count = batches_release(tx, [batch], self.now)
        assert count == (known.state is BatchState.SEALED)
        if count:
            known.state, known.due_at = BatchState.RELEASED, min(known.due_at, self.now)

    @precondition(lambda self: self.known)
    @rule(number=Numbers)
    def ask_to_cancel(self, number: int) -> None:
        batch, known = self._pick(number)
        with self.store.write() as tx:
            batches_ask_cancel(tx, [batch], self.now)
        if known.cancel_asked_at is None:
            known.cancel_asked_at = self.now
            known.due_at = min(known.due_at, self.now)

    @precondition(lambda self: self.runs)
    @rule(number=Numbers)
    def cancel_run(self, number: int) -> None:
        batch = list(self.runs)[number % len(self.runs)]
        known = self.known[batch]
        with self.store.write() as tx:
            unsent = batches_unsent_of_run(tx, self.runs[batch])
            batches_end_unsent(tx, unsent, self.now, {SIZE: b"canceled"})
            ended = exceptions_end_waiting(tx, self.runs[batch])
        assert ended == self._end(ExceptionState.WAITING, lambda key, _last: key[0] == batch)
        if known.state in UNSENT:
            known.state, known.cancel_asked_at = BatchState.DONE, self.now
            known.epoch += 1
            known.lease_until = 0.0

    @rule(dead=st.sampled_from(OWNERS))
    def die(self, dead: str) -> None:
        held = [one for one in self.known.values() if one.owner == dead]
        held = [one for one in held if one.lease_until > self.now]
        with self.store.write() as tx:
            assert leases_free_dead(tx, self.now, lambda name: name != dead) == len(held)
        for known in held:
            known.lease_until, known.due_at = 0.0, self.now

    # What needs one

    @rule(owner=st.sampled_from(OWNERS))
    def claim(self, owner: str) -> None:
        due = [
            (known.due_at, batch)
            for batch, known in self.known.items()
            if known.state in CLAIMABLE and max(known.due_at, known.lease_until) <= self.now
        ]
        with self.store.write() as tx:
            token = batch_claim(tx, LANES, owner=owner, now=self.now, ttl=TTL)
        assert (token.id if token else None) == (min(due)[1] if due else None)
        if token is not None:
            known = self.known[token.id]
            known.owner, known.epoch, known.lease_until = owner, known.epoch + 1, self.now + TTL
            assert token.epoch == known.epoch
            self.tokens.append(token)

    @precondition(lambda self: self.tokens)
    @rule(owner=st.sampled_from(OWNERS), number=Numbers)
    def overtake(self, owner: str, number: int) -> None:
        """Somebody else claims what was slept over, and the sleeper wakes up."""
        sleeper, known = self._token(number)
        self.now = max(self.now, known.lease_until, known.due_at) + 1.0
        for _ in range(len(self.known)):
            self.claim(owner)
        if sleeper.epoch < known.epoch:
            self._fenced(sleeper, known, lambda tx: batch_renew(tx, sleeper, self.now + TTL))
            self._fenced(sleeper, known, lambda tx: batch_rest(tx, sleeper, self.now))

    @precondition(lambda self: self.tokens)
    @rule(number=Numbers)
    def renew(self, number: int) -> None:
        token, known = self._token(number)
        until = self.now + TTL
        if self._fenced(token, known, lambda tx: batch_renew(tx, token, until)):
            known.lease_until = until

    @precondition(lambda self: self.tokens)
    @rule(number=Numbers, later=st.sampled_from([0.0, 60.0]))
    def rest(self, number: int, later: float) -> None:
        token, known = self._token(number)
        due_at = self.now + later
        if self._fenced(token, known, lambda tx: batch_rest(tx, token, due_at)):
            known.due_at, known.lease_until = due_at, 0.0

    @precondition(lambda self: self.tokens)
    @rule(number=Numbers)
    def give_back(self, number: int) -> None:
        token, known = self._token(number)
        with self.store.write() as tx:
            batch_give_back(tx, token, self.now)
        is_ours = token.epoch == known.epoch and token.state is known.state
        if is_ours and known.lease_until > 0:
            known.lease_until, known.due_at = 0.0, self.now

    @precondition(lambda self: self.tokens)
    @rule(number=Numbers)
    def arm(self, number: int) -> None:
        token, known = self._token(number)
        if token.state is not BatchState.RELEASED:
            return
        until = self.now + QUIET

        def act(tx: Any) -> Batch:
            return batch_arm(tx, token, Fence("", None), now=self.now, quiet=QUIET, ttl=TTL)

        has_time = known.lease_until >= self.now + TTL / 2
        if self._fenced(token, known, act, also=has_time and known.state is token.state):
            known.state, known.lease_until, known.due_at = BatchState.ARMED, until, until

    @precondition(lambda self: self.tokens)
    @rule(number=Numbers, to=st.sampled_from(BatchState), choice=Numbers)
    def move(self, number: int, to: BatchState, choice: int) -> None:
        token, known = self._token(number)
        legal = sorted(MOVES[token.state])
        # Half of the time a legal move, else most would be refused and lives stay short.
        to = legal[choice % len(legal)] if legal and choice % 2 else to
        if to not in MOVES[token.state]:
            with pytest.raises(MoveRefused), self.store.write() as tx:
                batch_move(tx, token, to)
            return

        def act(tx: Any) -> Batch:
            moved = batch_move(tx, token, to, self._changes(token, to))
            if to is BatchState.DONE:
                self._collect(tx, token)
            return moved

        if self._fenced(token, known, act, also=known.state is token.state):
            known.state, known.lease_until = to, 0.0

    def _changes(self, token: Batch, to: BatchState) -> dict[str, Any]:
        match to:
            case BatchState.ARMED | BatchState.UNKNOWN:
                return {"lease_until": 0.0, "armed_at": self.now}
            case BatchState.SENT:
                return {"lease_until": 0.0, "upstream_id": f"msgbatch_{token.id}"}
            case BatchState.DONE:
                return {"lease_until": 0.0, "outcomes": b"x"}
            case _:
                return {"lease_until": 0.0}

    def _collect(self, tx: Any, token: Batch) -> None:
        """Those who travelled in it end; of its own requests, one fails."""
        exceptions_end_unsent(tx, token.id)
        self._end(ExceptionState.TRAVELLING, lambda _key, last: last == token.id)
        if token.id in self.runs:
            row = ExceptionRow(
                batch=token.id,
                position=token.epoch % SIZE,
                state=ExceptionState.WAITING,
                outcome=Outcome.EXPIRED,
                attempts=1,
                due_at=self.now,
                last_batch=token.id,
                last_position=0,
            )
            exceptions_put(tx, [row])
            self.exceptions[row.batch, row.position] = (row.state, row.outcome, row.batch)

    def _end(self, state: ExceptionState, chosen: Any) -> int:
        ended = [
            (key, one)
            for key, one in self.exceptions.items()
            if one[0] is state and chosen(key, one[2])
        ]
        for key, one in ended:
            self.exceptions[key] = (ExceptionState.FINAL, Outcome.CANCELED, one[2])
        return len(ended)

    def _pick(self, number: int) -> tuple[Any, Known]:
        batch = list(self.known)[number % len(self.known)]
        return batch, self.known[batch]

    def _token(self, number: int) -> tuple[Batch, Known]:
        """One of the last tokens that anybody got."""
        token = self.tokens[-1 - number % min(len(self.tokens), 6)]
        return token, self.known[token.id]

    def _fenced(self, token: Batch, known: Known, act: Any, *, also: bool = True) -> bool:
        """Act with a token: it succeeds under the newest epoch, and under no other."""
        if token.epoch == known.epoch and also:
            with self.store.write() as tx:
                changed = act(tx)
            if changed is not None:
                self.tokens.append(changed)
            return True
        with pytest.raises(LeaseLost), self.store.write() as tx:
            act(tx)
        return False

    # What must be the same after each step

    @invariant()
    def batches_are_those_of_the_dictionary(self) -> None:
        with self.store.read() as tx:
            rows = batches_where(tx, LANES, BatchState)
        fields = [field.name for field in dataclasses.fields(Known)]
        stored = {row.id: Known(**{name: getattr(row, name) for name in fields}) for row in rows}
        assert stored == self.known

    @invariant()
    def exceptions_are_those_of_the_dictionary(self) -> None:
        stored = {}
        with self.store.read() as tx:
            for batch, run in self.runs.items():
                rows = list(exceptions_of_batch(tx, batch))
                assert sum(n for *_, n in exceptions_counted(tx, run)) == len(rows)
                for row in rows:
                    value = (row.state, row.outcome, row.last_batch)
                    stored[row.batch, row.position] = value
        assert stored == self.exceptions

    @invariant()
    def no_rule_is_broken(self) -> None:
        with self.store.read() as tx:
            assert breaches(tx) == []


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(
    max_examples=15,
    stateful_step_count=40,
    deadline=None,
    # Without shrinking: it takes minutes here, and the steps tell enough.
    phases=(Phase.reuse, Phase.generate),
)

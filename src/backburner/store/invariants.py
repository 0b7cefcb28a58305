"""What holds in every state that a store can legally be in, between any two commits.

The rules look at batches, never at the requests in them, so that each start can afford them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Column, func, select, text

from backburner.errors import StoreDamaged
from backburner.nouns.batch import BatchState, Via
from backburner.nouns.budget import MOST
from backburner.store.engine import Store, Transaction
from backburner.store.schema import budget, reservation

_HINT: Final = "`backburner verify` tells all that differs; restore the home from a backup"

_MOST_FAULTS: Final = 20

_PART: Final = 10**6

_STATES: Final = ", ".join(f"'{state}'" for state in BatchState)
_VIAS: Final = ", ".join(f"'{via}'" for via in Via)


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that always holds; `broken` selects the names of what breaks it."""

    words: str
    broken: str

    def breakers(self, tx: Transaction) -> Iterable[str]:
        """The names of what breaks it."""
        return tx.execute(text(self.broken)).scalars()


@dataclass(frozen=True, slots=True)
class SumRule:
    """That every budget counts what its reservations add up to.

    Attributes:
        counted: The column of a budget that counts it.
        part: The column of a reservation that it is made of.
    """

    words: str
    counted: Column[int]
    part: Column[int]

    def breakers(self, tx: Transaction) -> Iterable[str]:
        """The names of the budgets that count something else."""
        sums = self._sums(tx)
        for scope, counted in tx.execute(select(budget.c.scope, self.counted)):
            if counted != sums.get(scope, 0):
                yield f"budget {scope}"

    def _sums(self, tx: Transaction) -> dict[str, int]:
        # In two parts: SQLite's sum overflows, and fetching each reservation takes too long.
        whole, rest = func.sum(self.part // _PART), func.sum(self.part % _PART)
        rows = tx.execute(select(reservation.c.scope, whole, rest).group_by(reservation.c.scope))
        return {scope: min(most * _PART + few, MOST) for scope, most, few in rows}


KNOWN_WORDS: Final = Rule(
    "has a state and a way to travel that this version knows",
    f"SELECT 'batch ' || id FROM batch "  # noqa: S608  # the words are ours
    f"WHERE state NOT IN ({_STATES}) OR via NOT IN ({_VIAS})",
)
"""Where it is broken, the batch cannot even be read."""

RULES: Final = (
    KNOWN_WORDS,
    Rule(
        "has the id that the upstream gave it, since it was sent",
        """SELECT 'batch ' || id FROM batch
           WHERE via = 'batch' AND state IN ('sent', 'ended') AND upstream_id IS NULL""",
    ),
    Rule(
        "has no id of the upstream, since it was not sent",
        """SELECT 'batch ' || id FROM batch
           WHERE state IN ('sealed', 'held', 'released', 'armed', 'unknown')
           AND upstream_id IS NOT NULL""",
    ),
    Rule(
        "knows when it was armed",
        """SELECT 'batch ' || id FROM batch
           WHERE via = 'batch' AND state IN ('armed', 'unknown') AND armed_at IS NULL""",
    ),
    Rule(
        "has its outcomes, since it is done",
        "SELECT 'batch ' || id FROM batch WHERE state = 'done' AND outcomes IS NULL",
    ),
    Rule(
        "has no outcomes, since it was not collected",
        """SELECT 'batch ' || id FROM batch
           WHERE state != 'done' AND outcomes IS NOT NULL""",
    ),
    Rule(
        "is leased to somebody",
        """SELECT 'batch ' || id FROM batch WHERE lease_until > 0 AND owner IS NULL
           UNION ALL SELECT 'lane ' || name FROM lane WHERE lease_until > 0 AND owner IS NULL""",
    ),
    Rule(
        "begins where the run's batch before it ends",
        """SELECT 'batch ' || id FROM (
             SELECT id, first_request, coalesce(sum(requests) OVER (
               PARTITION BY run ORDER BY first_request, id
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
             FROM batch WHERE run IS NOT NULL)
           WHERE first_request <> before""",
    ),
    Rule(
        "has batches for all of its requests, and for no more",
        """SELECT 'run ' || run.id FROM run LEFT JOIN batch ON batch.run = run.id
           GROUP BY run.id HAVING coalesce(sum(batch.requests), 0) <> run.requests""",
    ),
    Rule(
        "has answers of earlier runs for as many requests as it says, its last ones",
        """SELECT 'run ' || run.id FROM run LEFT JOIN batch ON batch.run = run.id
             AND batch.results IS NOT NULL
             AND batch.upstream_id IS NULL AND batch.sent_at IS NULL
           GROUP BY run.id
           HAVING coalesce(sum(batch.requests), 0) <> run.reused
           OR min(batch.first_request) <> run.requests - run.reused""",
    ),
    Rule(
        "has exceptions for requests that it holds alone",
        """SELECT 'batch ' || id FROM batch
           WHERE (SELECT max(position) FROM exception WHERE exception.batch = batch.id) >= requests
           OR (SELECT min(position) FROM exception WHERE exception.batch = batch.id) < 0""",
    ),
    Rule(
        "carries requests that are on their way, so it is there and not done",
        """SELECT DISTINCT 'batch ' || exception.last_batch
           FROM exception LEFT JOIN batch ON batch.id = exception.last_batch
           WHERE exception.state = 'travelling' AND (batch.id IS NULL OR batch.state = 'done')""",
    ),
    Rule(
        "has no answers in the outbox, since it was collected",
        """SELECT DISTINCT 'batch ' || batch.id FROM outbox JOIN batch ON batch.id = outbox.batch
           WHERE outbox.line IS NOT NULL AND batch.state = 'done'""",
    ),
    Rule(
        "is asked directly, since it is in the outbox",
        """SELECT DISTINCT 'batch ' || batch.id FROM outbox JOIN batch ON batch.id = outbox.batch
           WHERE batch.via <> 'direct' OR batch.state NOT IN ('sent', 'ended', 'done')""",
    ),
    Rule(
        "is booked in the ledger, so it was collected",
        """SELECT DISTINCT 'batch ' || batch.id FROM ledger JOIN batch ON batch.id = ledger.batch
           WHERE ledger.upstream_id = batch.upstream_id AND batch.via = 'batch'
           AND batch.state NOT IN ('ended', 'done')""",
    ),
    SumRule(
        "has reserved what its reservations add up to",
        budget.c.reserved,
        reservation.c.amount,
    ),
    SumRule(
        "has spent what was paid under it",
        budget.c.spent,
        reservation.c.paid,
    ),
    Rule(
        "is nowhere below zero",
        """SELECT 'budget ' || scope FROM budget WHERE amount < 0 OR reserved < 0 OR spent < 0
           UNION ALL SELECT 'batch ' || batch FROM reservation WHERE amount < 0 OR paid < 0
           UNION ALL SELECT 'batch ' || batch FROM worst_case WHERE amount < 0""",
    ),
    Rule(
        "is settled with its budgets, since its results are here",
        """SELECT DISTINCT 'batch ' || batch.id FROM batch
           JOIN reservation ON reservation.batch = batch.id
           WHERE reservation.state = 'reserved' AND batch.results IS NOT NULL
           AND batch.id NOT IN (SELECT batch FROM outbox)""",
    ),
    Rule(
        "has reserved nothing, since it was never armed and waits",
        """SELECT DISTINCT 'batch ' || batch.id FROM batch
           JOIN reservation ON reservation.batch = batch.id
           WHERE reservation.state = 'reserved' AND batch.armed_at IS NULL
           AND batch.state IN ('sealed', 'held', 'done')""",
    ),
)


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule that does not hold for a batch, a run or a lane."""

    name: str
    rule: Rule | SumRule

    def __str__(self) -> str:
        return f"{self.name} breaks the rule: it {self.rule.words}"


def breaches(tx: Transaction) -> list[Breach]:
    """Every breach of every rule; none in a sound store."""
    return [Breach(name, rule) for rule in RULES for name in rule.breakers(tx)]


def file_faults(tx: Transaction) -> list[str]:
    """What the database finds wrong with its own file; nothing in a sound one."""
    found = [str(row[0]) for row in tx.execute(text(f"PRAGMA quick_check({_MOST_FAULTS})"))]
    return [] if found == ["ok"] else found


def check_invariants(store: Store) -> None:
    """Make sure that the store contradicts itself nowhere.

    Raises:
        StoreDamaged: It does; the message names the first breach, and counts the others.
    """
    with store.read() as tx:
        found = breaches(tx)
    if found:
        more = f" (and {len(found) - 1:,} more)" if len(found) > 1 else ""
        raise StoreDamaged(f"the store {store.path} is damaged: {found[0]}{more}", hint=_HINT)

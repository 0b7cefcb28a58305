"""The safeguards taken away, each in the control's own processes only, and by what they are given.

Nothing of the product is patched: a control gets another upstream, another store or other terms.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import anthropic
import httpx2
import msgspec
from harness.scene import Control
from sqlalchemy import event, select

from backburner.nouns.batch import BatchState, custom_id
from backburner.nouns.fault import Fault
from backburner.plan.reconciling import DoubtTerms
from backburner.store import Store, Transaction
from backburner.store.schema import batch
from backburner.upstream import Answer, Body, RemoteBatch, Upstream
from backburner.upstream.faults import classify, wire_failures
from backburner.worker import Tools


class RetryingUpstream(Upstream):
    """Creates as the SDK does by itself: a body that can be read again, and two retries."""

    def __init__(self, client: anthropic.Anthropic, create_seconds: float) -> None:
        super().__init__(client, create_seconds=create_seconds)
        self._patient = client.with_options(max_retries=2, timeout=create_seconds)

    def create(self, body: Body, betas: str) -> Answer[RemoteBatch] | Fault:
        chunks = b"".join(body.chunks)
        body.arm()
        headers = {
            "Content-Type": "application/json",
            **({"anthropic-beta": betas} if betas else {}),
        }
        try:
            response = self._patient.post(
                "/v1/messages/batches",
                cast_to=httpx2.Response,
                content=chunks + body.tail,
                options={"headers": headers},
            )
        except wire_failures() as error:
            return classify(error, may_have_acted=True)
        remote = msgspec.json.decode(response.content, type=RemoteBatch)
        return Answer(value=remote, workspace=None, retry_after=None)


class ByCountUpstream(Upstream):
    """Shows the results of any batch under the names that the one in doubt would have."""

    def __init__(self, client: anthropic.Anthropic, create_seconds: float, tools: Tools) -> None:
        super().__init__(client, create_seconds=create_seconds)
        self._tools = tools

    def peek(self, upstream_id: str, most: int) -> list[bytes] | Fault:
        lines = super().peek(upstream_id, most)
        if isinstance(lines, Fault):
            return lines
        return [msgspec.json.encode({"custom_id": custom_id(self._doubted(), 0)})]

    def _doubted(self) -> str:
        """The prefix of the batch in doubt that this process is looking into."""
        statement = (
            select(batch.c.nonce, batch.c.attempt_try)
            .where(batch.c.owner == self._tools.owner, batch.c.state == BatchState.UNKNOWN)
            .order_by(batch.c.lease_until.desc())
        )
        with self._tools.store.read() as tx:
            nonce, attempt_try = tx.execute(statement).first() or ("", "")
        return f"{nonce}{attempt_try}"


@contextmanager
def unfenced(store: Store) -> Iterator[Transaction]:
    """A write in which nobody makes sure that a claimed batch is still his.

    The epoch alone is not enough to take away: the state, the lease's time and the key of `arming`
    each stop a worker that comes too late, too.
    """
    with Store.write(store) as tx:
        event.listen(tx, "before_cursor_execute", _without_fence, retval=True)
        yield tx


def _without_fence(
    _tx: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: Any
) -> tuple[str, Any]:
    for condition in ("batch.epoch = ?", "batch.state = ?", "batch.lease_until >= ?"):
        # The parameter stays, so that the others keep their places.
        statement = statement.replace(condition, "? IS NOT NULL")
    return statement.replace("INSERT INTO arming", "INSERT OR IGNORE INTO arming"), parameters


def controlled(
    tools: Tools, control: Control, client: anthropic.Anthropic, create_seconds: float
) -> Tools:
    """A worker's tools under a control."""
    match control:
        case Control.SDK_RETRIES:
            retrying = RetryingUpstream(client, create_seconds)
            return replace(tools, connect=lambda _lane: retrying)
        case Control.BY_COUNT:
            counting = ByCountUpstream(client, create_seconds, tools)
            return replace(tools, connect=lambda _lane: counting)
        case Control.NO_QUIET:
            terms = replace(tools.terms, doubts=DoubtTerms(quiet=0.0, gap=0.0))
            return replace(tools, terms=terms)
        case Control.NONE | Control.NO_EPOCH:
            return tools

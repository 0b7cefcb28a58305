"""The batches that a live check makes: created, waited for and deleted beside the store."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from backburner.client.doctor.facts import decoded
from backburner.clock import Clock
from backburner.errors import Unreachable, UpstreamError
from backburner.nouns.batch import HEAD, NONCE_LENGTH, TAIL, custom_id
from backburner.nouns.fault import Fault
from backburner.plan.polling import poll_wait
from backburner.upstream import Body, RemoteBatch, Upstream
from backburner.upstream.api import ENDED
from backburner.upstream.faults import seconds_of
from backburner.upstream.raw import NoAnswer, RawCalls, Seen

if TYPE_CHECKING:
    import anthropic

PATH: Final = "/v1/messages/batches"
MODEL: Final = "claude-haiku-4-5"
"""The cheapest of the models that every account may use."""

MAX_TOKENS: Final = 16
PROMPT: Final = "Answer with the word yes."
PARAMS: Final = {
    "model": MODEL,
    "max_tokens": MAX_TOKENS,
    "messages": [{"role": "user", "content": PROMPT}],
}
REQUESTS: Final = 2
"""In each batch."""

NONCE_WORD: Final = "doctor"
"""What the nonces of a check begin with, so that a person knows its batches."""

BAD: Final = 400
"""Where HTTP's errors begin."""

_PAGE: Final = 100
_MOST_PAGES: Final = 10


class WaitOver(Exception):
    """A batch did not end within the time that was given."""


class _CutOff(Exception):
    """Ends a body before its last bytes."""


class OwnBatches:
    """The batches of one check.

    Args:
        client: Speaks to the API.
        clock: Time, sleep and chance.
        keep: Told the ids of the batches that are upstream, whenever they change.

    Attributes:
        begun: When each was created, by its id.
        left: Those that are still upstream.
    """

    def __init__(
        self,
        client: "anthropic.Anthropic",
        clock: Clock,
        keep: Callable[[list[str]], None] = lambda _ids: None,
    ) -> None:
        self.calls = RawCalls(client)
        self._upstream = Upstream(client)
        self._clock = clock
        self._keep = keep
        self.begun: dict[str, float] = {}
        self.left: list[str] = []

    def cut(self) -> str:
        """Send a body, by the code that sends batches, without its last two bytes.

        Returns:
            What its custom_ids begin with.
        """
        nonce, content = self._body()

        def refuse() -> None:
            raise _CutOff

        chunks = iter([content.removesuffix(TAIL)])
        body = Body(length=len(content), chunks=chunks, arm=refuse, tail=TAIL)
        with suppress(_CutOff):
            self._upstream.create(body, "")
        return nonce

    def create(self) -> tuple[Seen, str]:
        """Send a batch of two requests; gives the answer and the id.

        Raises:
            Unreachable: No answer came, and it is not known whether there is a batch.
            UpstreamError: It was refused.
        """
        nonce, content = self._body()
        seen = self.calls.post(PATH, content)
        if isinstance(seen, NoAnswer):
            raise Unreachable(
                f"a create had no answer ({seen.what}); it may have been accepted",
                hint=f"should there be a batch whose custom_ids begin with {nonce}: it ends by "
                "itself, and costs far below a cent",
            )
        batch_id = str(seen.body.get("id") or "")
        if seen.status >= BAD or not batch_id:
            raise refused(self.calls.base_url, seen)
        self.begun[batch_id] = self._clock.now()
        self._take(batch_id)
        return seen, batch_id

    def look(self, batch_id: str) -> Seen:
        """How a batch stands."""
        return got(self.calls.get(f"{PATH}/{batch_id}"))

    def cancel(self, batch_id: str) -> Seen:
        """Ask for a batch to be canceled."""
        return got(self.calls.post(f"{PATH}/{batch_id}/cancel"))

    def results(self, batch_id: str) -> Seen:
        """A batch's results."""
        return got(self.calls.get(f"{PATH}/{batch_id}/results", accept="application/x-jsonl"))

    def delete(self, batch_id: str) -> Seen:
        """Delete a batch, if the API does."""
        seen = got(self.calls.delete(f"{PATH}/{batch_id}"))
        if seen.status < BAD:
            self._forget(batch_id)
        return seen

    def await_end(self, batch_id: str, wait: float) -> tuple[Seen, int]:
        """Ask until a batch has ended, as often as a worker does; gives how often that was.

        Raises:
            WaitOver: So many seconds were not enough.
        """
        looks = 0
        while True:
            seen = self.look(batch_id)
            looks += 1
            age = self._clock.now() - self.begun[batch_id]
            if seen.status >= BAD or seen.body.get("processing_status") == ENDED:
                return seen, looks
            if age >= wait:
                raise WaitOver
            pause = poll_wait(age, seconds_of(seen.headers.get("retry-after")))
            self._clock.sleep(min(pause, wait - age))

    def strangers(self, fence: str) -> Iterator[RemoteBatch]:
        """The batches that are newer than the fence, as large as ours, and not known."""
        for one in self._since(fence):
            if one.id not in self.begun and one.request_counts.total == REQUESTS:
                yield one

    def adopt(self, batch: RemoteBatch, nonce: str) -> bool:
        """Take over an ended batch if its first result line proves that it holds this nonce."""
        lines = self._upstream.peek(batch.id, 1)
        if isinstance(lines, Fault) or not lines:
            return False
        is_ours = str(decoded(lines[0]).get("custom_id")).startswith(nonce)
        if is_ours:
            self._take(batch.id)
        return is_ours

    def clean(self, ids: list[str]) -> None:
        """Delete what an earlier check left; what still runs is canceled, and left."""
        self.left = list(ids)
        for one in ids:
            batch = self.look(one)
            state = batch.body.get("processing_status")
            if batch.status == 404:  # noqa: PLR2004  # it is gone
                self._forget(one)
            elif state == ENDED:
                self.delete(one)
            elif state == "in_progress":
                self.cancel(one)

    def _body(self) -> tuple[str, bytes]:
        nonce = NONCE_WORD + self._clock.token(NONCE_LENGTH - len(NONCE_WORD))
        items = [
            msgspec.json.encode({"custom_id": custom_id(f"{nonce}0", place), "params": PARAMS})
            for place in range(REQUESTS)
        ]
        return nonce, HEAD + b",".join(items) + TAIL

    def _since(self, fence: str) -> Iterator[RemoteBatch]:
        after: str | None = None
        for _ in range(_MOST_PAGES):
            page = self._upstream.page(limit=_PAGE, after=after)
            if isinstance(page, Fault):
                raise Unreachable(f"the list could not be read: {page.what}", hint="call again")
            for one in page.value.data:
                if one.id == fence:
                    return
                yield one
            after = page.value.last_id
            if not page.value.has_more:
                return

    def _take(self, batch_id: str) -> None:
        self.left.append(batch_id)
        self._keep(self.left)

    def _forget(self, batch_id: str) -> None:
        self.left.remove(batch_id)
        self._keep(self.left)


def got(seen: Seen | NoAnswer) -> Seen:
    """The answer of a call that must have one.

    Raises:
        Unreachable: There was none.
    """
    if isinstance(seen, NoAnswer):
        raise Unreachable(
            f"a call had no answer ({seen.what})",
            hint="`backburner doctor --live` again deletes what this check created",
        )
    return seen


def refused(base_url: str, seen: Seen) -> UpstreamError:
    """The error for a call that was refused without which nothing can be checked."""
    kind = (seen.body.get("error") or {}).get("type", "an answer of no kind")
    return UpstreamError(
        f"{base_url} refused the check with {seen.status}, {kind}",
        hint="check the key and the address, then call again",
    )

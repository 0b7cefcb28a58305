"""A run: one piece of work a person names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from backburner.nouns.route import Taken, taken_of

if TYPE_CHECKING:
    MaybeRaw = msgspec.Raw | None
else:
    # msgspec reads a union of Raw and None as None alone; Raw by itself takes any value.
    MaybeRaw = msgspec.Raw


class RunSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run asks, kept as a vault object.

    Attributes:
        kind: `table` for rows under a prompt, `requests` for a list of requests.
        format: The format of the input copy.
        delimiter: The field delimiter of a CSV or TSV input.
        encoding: The encoding named by the user; None means UTF-8.
        params: The canonical Messages parameters of each row, without its prompt.
        where: Which rows are chosen, as an expression over their columns; None takes all.
        schema: The JSON Schema that every answer has to meet; None leaves answers free.
        cache: Who decides on cache marks: `auto`, `off` or `always`.
        files: The hash of the files that prompts attach, row by row; None where they attach none.
        leaders: Whether leaders go first where that saves.
        pack: How many rows share a request, at most; 0 gives each one of its own.
        pack_check: How many rows from the first are asked both ways before the rest goes.
    """

    kind: str
    format: str
    delimiter: str | None = None
    encoding: str | None = None
    template: str = ""
    system: str | None = None
    params: Mapping[str, msgspec.Raw] = {}
    model: str = ""
    max_tokens: int = 0
    betas: tuple[str, ...] = ()
    limit: int | None = None
    where: str | None = None
    collapse: bool = True
    prefix: str = ""
    schema: MaybeRaw = None
    cache: str = "auto"
    leaders: bool = False
    pack: int = 0
    pack_check: int = 0
    files: str | None = None


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a pruned run that only its texts could tell.

    Attributes:
        rows: Rows by outcome.
        wasted: What was paid in a batch for answers of a model that nobody got: batch, model,
            picodollars.
        model: The model of the first answer that was reused; empty where none was.
    """

    rows: dict[str, int]
    wasted: tuple[tuple[int, str, int], ...] = ()
    model: str = ""


_kept = msgspec.json.Decoder(Kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run as the store knows it. Times are POSIX seconds.

    Attributes:
        identity: sha256 of all that makes its requests what they are.
        parts: The hash of each part of the identity, so that a change can be named.
        collapsed: Rows that share the request of an earlier row.
        output: Where its output goes; None when the caller reads it.
        prefix: What our column names begin with in the output.
        written_at: When the output was last written.
        owner: The one word for whoever pays; empty when nobody was named.
        tags: Its words, sorted and comma-joined.
        cache: What was planned for the prompt cache, as JSON; empty when nothing was.
        packed: Its requests from the first that are packs of rows; 0 where rows are not packed.
        moved: Which rows of packs have a request of their own; None where none have.
        budget_mode: `worst`, or `expected` where budgets reserve what is likely.
        reused: Requests whose answers are those of earlier runs; they are numbered last.
        reused_sync: What these would have cost again, sync and without caching, in picodollars;
            known when the run is finished.
        urgency: One of `Urgency`.
        deadline: By when its answers were promised; None where nothing was.
        rescue: What may be spent on asking sync for what would be late, in picodollars; None where
            nothing may.
        rescued_at: When that began.
        missed_at: When a promise was seen to be broken; `miss_cause` says by what.
        is_inbox: Whether it holds tickets that were sealed together, and no person's run.
        routes: How many requests each route rule took, as JSON; empty where none did.
        pruned_at: When its stored texts were removed; hashes and costs stay.
        kept: What was counted in them before, as JSON; empty until then.
    """

    id: str
    lane: str
    name: str
    identity: str
    parts: Mapping[str, str]
    spec: str
    source: str
    row_map: str | None
    rows: int
    requests: int
    collapsed: int
    output: str | None
    prefix: str
    created_at: float
    finished_at: float | None
    written_at: float | None
    cancel_asked_at: float | None
    collapsed_sync: int
    price_date: str
    owner: str = ""
    tags: str = ""
    cache: str = ""
    budget_mode: str = "worst"
    packed: int = 0
    moved: str | None = None
    reused: int = 0
    reused_sync: int = 0
    urgency: str = "window"
    deadline: float | None = None
    rescue: int | None = None
    rescued_at: float | None = None
    missed_at: float | None = None
    miss_cause: str | None = None
    is_inbox: bool = False
    routes: str = ""
    pruned_at: float | None = None
    kept: str = ""

    @property
    def fresh(self) -> int:
        """Requests that travel in this run, and the number of the first one that does not."""
        return self.requests - self.reused

    @property
    def taken(self) -> tuple[Taken, ...]:
        """What each route rule took of it; nothing where there were no rules."""
        return taken_of(self.routes)

    @property
    def counted(self) -> Kept | None:
        """What is kept of a pruned run; None of one whose texts are there."""
        return _kept.decode(self.kept) if self.pruned_at is not None else None

"""What to do next with a batch whose lease one holds."""

from backburner.nouns.batch import Batch, BatchState, Via
from backburner.plan.actions import (
    Ask,
    AskDirectly,
    BatchAction,
    CloseUnsent,
    Collect,
    CollectDirect,
    NoteDoubt,
    Resolve,
    Send,
    StayInDoubt,
)
from backburner.plan.reconciling import DoubtTerms, rests_until


def next_action(batch: Batch, *, now: float, terms: DoubtTerms) -> BatchAction:
    """The one thing to do with a claimed batch.

    A claimed batch that is `armed` has lost the worker that armed it: had an answer come, the
    state would have moved on. So its fate is unknown, and nobody may guess.
    """
    match batch.state:
        case BatchState.RELEASED:
            if batch.cancel_asked_at is not None:
                return CloseUnsent()
            return AskDirectly() if batch.via is Via.DIRECT else Send()
        case BatchState.ARMED:
            return NoteDoubt((batch.armed_at or now) + terms.quiet)
        case BatchState.UNKNOWN:
            rest = rests_until(batch, now=now, terms=terms)
            return StayInDoubt(rest) if now < rest else Resolve()
        case BatchState.SENT:
            return AskDirectly() if batch.via is Via.DIRECT else Ask()
        case BatchState.ENDED:
            return CollectDirect() if batch.via is Via.DIRECT else Collect()
        case BatchState.SEALED | BatchState.HELD | BatchState.DONE as resting:
            raise ValueError(f"a batch that is {resting} is moved by its lane, not by itself")

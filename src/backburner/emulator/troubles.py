"""Which faults strike a call: those of the script and those of chance."""

from collections import Counter
from dataclasses import dataclass, replace

from backburner.emulator import identifiers
from backburner.emulator.faultplan import Chance, FaultPlan, Scripted
from backburner.emulator.faults import (
    ANY,
    AnswerFault,
    BatchFault,
    Fault,
    Late,
    Line,
    Slow,
    name_of,
)
from backburner.emulator.spans import drawn


@dataclass(frozen=True, slots=True)
class Troubles:
    """All that goes wrong with one call.

    Args:
        answer: What becomes of the call and its answer.
        lines: What happens to the lines of the results asked for.
        batch: How the batch lives that the call makes or stops.
    """

    answer: AnswerFault | None = None
    lines: tuple[Line, ...] = ()
    batch: tuple[BatchFault, ...] = ()


NO_TROUBLES = Troubles()


@dataclass(slots=True)
class _Entry:
    fault: Fault
    left: int | None
    until: float | None
    batch: int | None

    def is_for(self, batch: int | None, now: float) -> bool:
        if self.batch is not None and self.batch != batch:
            return False
        if self.until is not None:
            return now < self.until
        return self.left is None or self.left > 0

    def use(self) -> None:
        if self.left is not None:
            self.left -= 1

    def is_over(self, now: float) -> bool:
        return self.left == 0 or (self.until is not None and now >= self.until)


class Mischief:
    """Deals out the faults of a plan, and those that are scripted while the world runs.

    Attributes:
        seen: How often each fault has struck, by route and name.
    """

    def __init__(self, plan: FaultPlan, seed: object, now: float) -> None:
        self.seen: Counter[str] = Counter()
        self._seed = seed
        self._chances: dict[str, list[tuple[int, Chance]]] = {}
        for number, one in enumerate(plan.chances):
            self._chances.setdefault(one.route, []).append((number, one))
        self._entries: dict[str, list[_Entry]] = {}
        self._calls: Counter[str] = Counter()
        for entry in plan.script:
            self.add(entry, now)

    def add(self, entry: Scripted, now: float) -> None:
        """Adds a fault, behind those already there."""
        until = None if entry.lasting is None else now + entry.lasting
        left = None if until is not None else entry.times
        self._entries.setdefault(entry.route, []).append(
            _Entry(entry.fault, left, until, entry.batch)
        )

    def calm(self) -> None:
        """Ends all faults of calls and batches, scripted and by chance."""
        self._chances.clear()
        self._entries.clear()

    def take(self, route: str, batch: int | None, now: float) -> Troubles:
        """The faults for the next call of a route, used up by asking.

        Args:
            route: The route called.
            batch: Number of the batch that the call names or would make, if there is one.
            now: The time in the world.
        """
        if not self._entries and not self._chances:
            return NO_TROUBLES
        self._calls[route] += 1
        faults = [*self._by_script(route, batch, now), *self._by_chance(route, batch, now)]
        if not faults:
            return NO_TROUBLES
        answers = [fault for fault in faults if isinstance(fault, AnswerFault)]
        return Troubles(
            answer=self._settled(answers[0], route) if answers else None,
            lines=tuple(fault for fault in faults if isinstance(fault, Line)),
            batch=tuple(fault for fault in faults if isinstance(fault, BatchFault)),
        )

    def note(self, route: str, troubles: Troubles) -> None:
        """Counts what has struck a call, now that its body is complete."""
        if troubles is not NO_TROUBLES:
            answer = () if troubles.answer is None else (troubles.answer,)
            faults = (*answer, *troubles.lines, *troubles.batch)
            self.seen.update(f"{route} {name_of(fault)}" for fault in faults)

    def _by_script(self, route: str, batch: int | None, now: float) -> list[Fault]:
        entries = [*self._entries.get(route, ()), *self._entries.get(ANY, ())]
        faults: list[Fault] = []
        answered = False
        for entry in entries:
            is_answer = isinstance(entry.fault, AnswerFault)
            if entry.is_for(batch, now) and not (is_answer and answered):
                answered = answered or is_answer
                entry.use()
                faults.append(entry.fault)
        for key in self._entries.keys() & {route, ANY}:
            self._entries[key] = [one for one in self._entries[key] if not one.is_over(now)]
        return faults

    def _by_chance(self, route: str, batch: int | None, now: float) -> list[Fault]:
        faults = []
        for number, one in (*self._chances.get(route, ()), *self._chances.get(ANY, ())):
            if one.per == "batch" and batch is None:
                continue
            of = f"batch {batch}" if one.per == "batch" else self._calls[route]
            if identifiers.chance(self._seed, "fault", route, number, of) < one.probability:
                faults.append(one.fault)
                if one.lasting is not None:
                    self.add(Scripted(route=one.route, fault=one.fault, lasting=one.lasting), now)
        return faults

    def _settled(self, fault: AnswerFault, route: str) -> AnswerFault:
        """A fault whose seconds are one number for this call."""
        place = (self._seed, "span", route, self._calls[route])
        match fault:
            case Late():
                return replace(fault, by=drawn(fault.by, *place))
            case Slow():
                return replace(fault, seconds=drawn(fault.seconds, *place))
            case _:
                return fault

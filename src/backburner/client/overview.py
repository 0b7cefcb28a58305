"""What a page of the whole lane tells besides its runs."""

from backburner.nouns.window import Opening
from backburner.plan.scoring import Score, score
from backburner.plan.windows import next_openings
from backburner.store.inbox import inbox_waiting
from backburner.store.turnarounds import forecasts_of
from backburner.worker import Tools


def openings_of(tools: Tools, lane: str, count: int) -> tuple[Opening, ...]:
    """The next few times that a lane's windows open, the present one included."""
    terms = tools.lane_terms(lane)
    if not terms.windows or terms.zone is None:
        return ()
    return next_openings(terms.windows, terms.zone, tools.clock.now(), count)


def inbox_size(tools: Tools, lane: str) -> int:
    """How many tickets wait in a lane's inbox."""
    with tools.store.read() as tx:
        return sum(number for _, number, _ in inbox_waiting(tx, lane))


def forecast_score(tools: Tools, lane: str) -> Score:
    """What came of the forecasts of a lane's upstream."""
    with tools.store.read() as tx:
        forecasts = forecasts_of(tx, lane)
    return score(forecasts, tools.clock.now())

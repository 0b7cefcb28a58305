"""Faults by chance from the seed, and plans in files."""

from math import inf
from pathlib import Path

import pytest

from backburner.emulator.exchange import Exchange
from backburner.emulator.faultplan import (
    Chance,
    FaultPlan,
    Neighbours,
    Scripted,
    load_faults,
    scripted,
)
from backburner.emulator.faults import (
    Cut,
    DisconnectedError,
    DropAfter,
    DropBefore,
    Lag,
    Late,
    Line,
    Linger,
    Status,
)
from backburner.emulator.refusals import OVERLOADED, OWN_SPEND_LIMIT, UNAUTHORIZED

BATCHES = "/v1/messages/batches"


def create_many(api, ask, count=60):
    """How each of many creates was answered."""
    answers = []
    for number in range(count):
        try:
            answer = api.post(BATCHES, {"requests": [{"custom_id": f"{number}", "params": ask()}]})
        except DisconnectedError:
            answers.append("dropped")
        else:
            answers.append(str(answer.status))
    return answers


TROUBLE = FaultPlan(
    chances=(
        Chance(route="create", fault=DropAfter(), probability=0.2),
        Chance(route="create", fault=Late(by=(1.0, 30.0)), probability=0.2),
        Chance(route="create", fault=OVERLOADED, probability=0.2),
    )
)


def test_the_same_seed_gives_the_same_faults(emulate, ask):
    first, again, other = (
        create_many(emulate(seed=seed, faults=TROUBLE), ask) for seed in (1, 1, 2)
    )

    assert first == again != other
    assert set(first) == {"200", "529", "dropped"}
    assert 15 < first.count("dropped") < 35


def test_what_happens_on_one_route_does_not_move_the_chances_of_another(emulate, ask):
    plain, busy = emulate(faults=TROUBLE), emulate(faults=TROUBLE)
    polled = []
    for api in (plain, busy):
        answers = []
        for _ in range(20):
            answers += create_many(api, ask, 1)
            if api is busy:
                api.get(BATCHES)
        polled.append(answers)

    assert polled[0] == polled[1]


def test_seconds_between_two_bounds_are_drawn_for_each_call(emulate, clock, ask):
    late = Chance(route="create", fault=Late(by=(1.0, 30.0)), probability=1.0)
    api = emulate(faults=FaultPlan(chances=(late,)))
    sent_at = clock()
    create_many(api, ask, 10)
    clock.advance(30)

    delays = [entry.created_at - sent_at for entry in api.world.ledger()]

    assert len(set(delays)) == 10
    assert delays == sorted(delays)
    assert 1 <= delays[0] < delays[-1] <= 30


def test_a_fault_by_batch_strikes_the_same_batches_each_time(emulate, clock, ask):
    missing = Chance(route="results", fault=Line("missing"), probability=0.5, per="batch")
    api = emulate(faults=FaultPlan(chances=(missing,)))
    create_many(api, ask, 20)
    clock.advance(300)

    def sizes():
        return [len(api.get(f"{BATCHES}/{entry.id}/results").body) for entry in api.world.ledger()]

    first = sizes()
    assert 3 < first.count(0) < 17
    assert sizes() == first


def test_a_fault_by_chance_may_go_on_for_a_while(emulate, clock):
    outage = Chance(route="list", fault=Status(500), probability=0.05, lasting=600)
    api = emulate(faults=FaultPlan(chances=(outage,)))
    statuses = []
    for _ in range(200):
        statuses.append(api.get(BATCHES).status)
        clock.advance(60)

    first = statuses.index(500)
    assert statuses[first : first + 10] == [500] * 10
    assert statuses[-1] == 200 or statuses.count(200) > 20


def test_a_script_goes_before_chance(emulate, ask):
    api = emulate(
        faults=FaultPlan(
            script=(Scripted(route="create", fault=OWN_SPEND_LIMIT, times=2),),
            chances=(Chance(route="create", fault=DropBefore(), probability=1.0),),
        )
    )

    assert create_many(api, ask, 4) == ["400", "400", "dropped", "dropped"]


FILE = """
skew = 180

[lag]
in_list = [0.0, 0.5]
by_id = 60

[neighbours]
probability = 0.1
where = "before"

[[script]]
route = "retrieve"
fault = "status"
code = 500
lasting = 3600

[[script]]
route = "results"
fault = "line"
kind = "missing"
batch = 3
times = 5

[[script]]
route = "cancel"
fault = "linger"
seconds = 60

[[script]]
route = "create"
fault = "own_spend_limit"

[[script]]
route = "any"
fault = "unauthorized"
lasting = inf

[[chance]]
route = "create"
fault = "late"
by = [0.1, 1.5]
probability = 0.1

[[chance]]
route = "results"
fault = "cut"
at = 0.5
probability = 0.2
per = "batch"
"""


def test_a_plan_can_be_read_from_a_file(tmp_path: Path):
    path = tmp_path / "faults.toml"
    path.write_text(FILE)

    assert load_faults(path) == FaultPlan(
        script=(
            Scripted(route="retrieve", fault=Status(500), lasting=3_600.0),
            Scripted(route="results", fault=Line("missing"), batch=3, times=5),
            Scripted(route="cancel", fault=Linger(60.0)),
            Scripted(route="create", fault=OWN_SPEND_LIMIT),
            Scripted(route="any", fault=UNAUTHORIZED, lasting=inf),
        ),
        chances=(
            Chance(route="create", fault=Late(by=(0.1, 1.5)), probability=0.1),
            Chance(route="results", fault=Cut(at=0.5), probability=0.2, per="batch"),
        ),
        lag=Lag(in_list=(0.0, 0.5), by_id=60.0),
        neighbours=Neighbours(probability=0.1, where="before"),
        skew=180.0,
    )


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ("[[script]]\nroute = 'create'\nfault = 'lat'", "No fault 'lat'"),
        ("[[script]]\nroute = 'create'\nfault = 'late'\nbuy = 3", "A Late has no 'buy', only by"),
        ("[[script]]\nroute = 'create'\nfault = 'late'\nby = 'x'", "Late.by: Expected"),
        ("[[script]]\nroute = 'create'\nfault = 'overloaded'\ncode = 3", "No fault 'overloaded'"),
        ("[[script]]\nfault = 'late'", "A Scripted lacks something"),
        ("[[script]]\nroute = 'list'\nfault = 'stall'", "happens on create, not on list"),
        ("[[chance]]\nroute = 'create'\nfault = 'late'\nprobability = 2", "between 0 and 1"),
        ("[[chance]]\nroute='create'\nfault='late'\nprobability=1\nper='batch'", "names a batch"),
        ("[lag]\nlist = 3", "A Lag has no 'list'"),
        ("[script]\nroute = 'create'", "script: Expected `array`"),
        ("skew = 'x'", "FaultPlan.skew"),
        ("wind = 3", "A plan of faults has no 'wind'"),
    ],
)
def test_a_senseless_plan_is_refused(tmp_path: Path, entry, complaint):
    path = tmp_path / "faults.toml"
    path.write_text(entry)

    with pytest.raises(ValueError, match=complaint):
        load_faults(path)


def test_an_entry_without_a_fault_is_refused():
    with pytest.raises(ValueError, match="No fault None"):
        scripted({"route": "create"})


def test_a_world_without_faults_deals_none(api):
    exchange = api.world.open("GET", BATCHES, {"x-api-key": "k", "anthropic-version": "2023-06-01"})

    assert isinstance(exchange, Exchange)
    assert exchange.finish().status == 200
    assert api.world.struck() == {}

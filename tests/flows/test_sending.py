"""The commit point inside the body: before the tail nothing exists, after it nobody guesses."""

from collections.abc import Iterator

import httpx2
import pytest

from backburner.emulator.faults import DropAfter, Status
from backburner.emulator.settings import Limits
from backburner.emulator.transport import EmulatorTransport
from backburner.errors import InDoubt, LaneStopped, StoreDamaged, Unreachable
from backburner.nouns.batch import BatchState
from backburner.plan.lanes import ReleaseAll
from backburner.store.batches import batches_of_run
from backburner.telemetry import FaultSeen
from backburner.worker import Worker

CREATE = ("POST", "/v1/messages/batches")


class Creates(httpx2.BaseTransport):
    """Does something to every create's body, counts the calls, and passes them on."""

    def __init__(self, world, change=lambda pieces: pieces):
        self._inner = EmulatorTransport(world)
        self._change = change
        self.posts = 0

    def handle_request(self, request):
        if (request.method, request.url.path) == CREATE:
            self.posts += 1
            request.stream = _Stream(self._change(iter(request.stream)))
        return self._inner.handle_request(request)


class _Stream(httpx2.SyncByteStream):
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)


def states(bb, run):
    with bb.tools.store.read() as tx:
        return [batch.state for batch in batches_of_run(tx, run.id)]


def break_once(where):
    """A change of the body that breaks the connection once: at the n-th piece, or the last."""
    left = [1]

    def change(pieces):
        for number, piece in enumerate(pieces):
            is_tail = piece == b"]}"
            if left[0] and (number == where or (where == "tail" and is_tail)):
                left[0] -= 1
                raise httpx2.WriteError("broken pipe")
            yield piece

    return change


@pytest.mark.parametrize("where", [0, 1])
def test_a_connection_lost_before_the_tail_creates_nothing_and_the_body_goes_again(stage, where):
    transport = Creates(stage.world, break_once(where))
    bb = stage.open(transport=transport)
    run = stage.run_of(bb, stage.table(["x" * 300_000, "y"]), prompt="Note: {{ text }}")

    finished = bb.run(run.id)

    assert finished.receipt.rows == 2
    assert transport.posts == 2
    assert [batch.count for batch in stage.world.ledger()] == [2]
    assert [e.fault.kind for e in stage.events if isinstance(e, FaultSeen)] == ["unreached"]


def test_a_connection_lost_at_the_tail_is_a_doubt_although_nothing_was_created(stage):
    transport = Creates(stage.world, break_once("tail"))
    bb = stage.open(transport=transport)
    run = stage.run_of(bb, stage.table(2))

    bb.drain()

    assert stage.world.ledger() == []
    assert states(bb, run) == ["unknown"]


def test_without_its_last_two_bytes_a_body_creates_nothing_and_its_tries_run_out(stage):
    def withhold(pieces):
        for piece in pieces:
            if piece != b"]}":
                yield piece

    transport = Creates(stage.world, withhold)
    bb = stage.open(transport=transport)
    run = stage.run_of(bb, stage.table(2))

    with pytest.raises(InDoubt, match="36 times"):
        bb.run(run.id)

    assert transport.posts == 36
    assert stage.world.ledger() == []
    assert states(bb, run) == ["held"]


def test_the_tail_is_only_asked_for_once_armed_is_durable(stage):
    seen = []

    def watch(pieces):
        for piece in pieces:
            if piece == b"]}":
                other = stage.open()
                seen.extend(states(other, run))
            yield piece

    bb = stage.open(transport=Creates(stage.world, watch))
    run = stage.run_of(bb, stage.table(2))
    bb.run(run.id)

    assert seen == ["armed"]


def test_an_unreadable_answer_is_a_doubt(stage):
    class Garbled(Creates):
        def handle_request(self, request):
            response = super().handle_request(request)
            if request.method == "POST":
                response.read()
                return httpx2.Response(200, content=b"<html>fine</html>")
            return response

    bb = stage.open(transport=Garbled(stage.world))
    run = stage.run_of(bb, stage.table(1))

    bb.drain()
    assert states(bb, run) == ["unknown"]


def test_an_odd_date_in_the_answer_is_no_doubt(stage):
    class Undated(Creates):
        def handle_request(self, request):
            response = super().handle_request(request)
            if request.method == "POST":
                body = response.read().replace(b'"expires_at":"2', b'"expires_at":"soon 2')
                return httpx2.Response(200, content=body)
            return response

    bb = stage.open(transport=Undated(stage.world))

    assert bb.run(stage.run_of(bb, stage.table(1)).id).receipt.outcomes == {"ok": 1}


def test_the_other_batches_of_a_run_go_on_beside_one_in_doubt(stage):
    stage.world.script("create", DropAfter())
    bb = stage.open(requests=2)
    run = stage.run_of(bb, stage.table(6))
    bb.drain()
    stage.clock.sleep(60)

    bb.drain()

    assert sorted(states(bb, run)) == ["done", "done", "unknown"]
    assert [batch.count for batch in stage.world.ledger()] == [2, 2, 2]


def test_a_doubt_of_one_run_does_not_hold_up_another(stage):
    stage.world.script("create", DropAfter())
    bb = stage.open()
    one = stage.run_of(bb, stage.table(2, "a.csv"), "a.out.csv")
    bb.drain()
    two = stage.run_of(bb, stage.table(["x"], "b.csv"), "b.out.csv")

    assert bb.run(two.id).receipt.outcomes == {"ok": 1}
    assert states(bb, one) == ["unknown"]


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_refusal_for_a_person_stops_the_lane_until_it_is_resumed(stage, status):
    stage.world.script("create", Status(status, "authentication_error", message="no such key"))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(2))

    with pytest.raises(LaneStopped, match=f"HTTP {status}"):
        bb.run(run.id)

    lane, _ = bb.status()
    assert lane.state == "stopped"
    assert f"no such key (HTTP {status}), since 2026-" in lane.reason
    assert states(bb, run) == ["sealed"]
    with pytest.raises(LaneStopped, match="no such key"):
        bb.run(run.id)
    assert bb.resume().requests == 2
    assert bb.run(run.id).receipt.outcomes == {"ok": 2}
    assert bb.status()[0].state == "open"
    assert len(stage.world.ledger()) == 1


def test_a_refused_key_is_told_when_resuming_what_is_under_way(make_stage):
    stage = make_stage(refused_keys=frozenset({"bad"}))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(2))
    bb.drain()
    bb.close()

    refused = stage.open(key="bad")
    stage.clock.sleep(5)
    with pytest.raises(LaneStopped, match="401"):
        refused.run(run.id)
    refused.close()
    mended = stage.open()
    mended.resume()

    assert mended.run(run.id).receipt.outcomes == {"ok": 2}
    assert len(stage.world.ledger()) == 1


@pytest.mark.parametrize("fits", [True, False])
def test_a_run_waits_on_for_what_is_upstream_when_another_worker_stopped_the_lane(make_stage, fits):
    limits = Limits(queued_requests=2 if fits else 1)
    stage = make_stage(refused_keys=frozenset({"bad"}), turnaround=3600, limits=limits)
    bb = stage.open(requests=1)
    run = stage.run_of(bb, stage.table(2))
    other = stage.open(key="bad")

    def meanwhile(_count):
        if len(stage.world.ledger()) == 1 + fits and bb.status()[0].state == "open":
            stage.clock.sleep(61)
            with pytest.raises(LaneStopped):
                other.drain()

    if fits:
        assert bb.run(run.id, meanwhile).receipt.outcomes == {"ok": 2}
        return
    with pytest.raises(LaneStopped, match="stopped"):
        bb.run(run.id, meanwhile)


@pytest.mark.parametrize(
    "fault", [Status(429, "rate_limit_error", {"retry-after": "30"}), Status(413)], ids=str
)
def test_a_definite_refusal_loses_nothing(stage, fault):
    stage.world.script("create", fault)
    bb = stage.open()
    run = stage.run_of(bb, stage.table(2))
    started = stage.clock.now()

    try:
        bb.run(run.id)
    except LaneStopped:
        assert fault.code == 413
        bb.resume()
        bb.run(run.id)

    assert len(stage.world.ledger()) == 1
    if fault.code == 429:
        assert stage.world.ledger()[0].created_at - started >= 30


def test_a_full_queue_upstream_makes_the_rest_wait(make_stage):
    stage = make_stage(limits=Limits(queued_requests=4))
    bb = stage.open(requests=3)
    run = stage.run_of(bb, stage.table(9))

    finished = bb.run(run.id)

    assert finished.receipt.outcomes == {"ok": 9}
    starts = [batch.created_at for batch in stage.world.ledger()]
    assert len(starts) == 3
    assert starts[0] + 5 < starts[1] < starts[2]


def test_a_network_that_is_away_is_told_after_a_few_tries_and_nothing_is_lost(stage):
    class Away(httpx2.BaseTransport):
        def handle_request(self, request):
            raise httpx2.ConnectError("no route to host", request=request)

    away = stage.open(transport=Away())
    run = stage.run_of(away, stage.table(2))
    started = stage.clock.now()

    with pytest.raises(Unreachable, match="ConnectError"):
        away.run(run.id)
    away.close()

    assert stage.clock.now() - started < 60
    assert stage.open().run(run.id).receipt.outcomes == {"ok": 2}


def test_a_network_that_goes_away_later_is_waited_for(stage):
    class Flaky(Creates):
        broken = 8

        def handle_request(self, request):
            if stage.world.ledger() and self.broken:
                self.broken -= 1
                raise httpx2.ConnectTimeout("late", request=request)
            return super().handle_request(request)

    bb = stage.open(transport=Flaky(stage.world))

    assert bb.run(stage.run_of(bb, stage.table(2)).id).receipt.outcomes == {"ok": 2}


def test_a_pause_after_arming_keeps_the_tail_back_and_the_body_goes_again(stage):
    """A machine that slept between commit and tail may have lost its lease."""

    class Sleepy:
        def __init__(self, clock):
            self._clock = clock
            self.pauses = 1

        def __getattr__(self, name):
            return getattr(self._clock, name)

        def now(self):
            with_armed = stage_states()
            if self.pauses and BatchState.ARMED in with_armed:
                self.pauses -= 1
                self._clock.sleep(5)
            return self._clock.now()

    def stage_states():
        return states(watcher, run) if ready else []

    ready = False
    watcher = stage.open()
    sleepy = Sleepy(stage.clock)
    stage.clock, awake = sleepy, stage.clock
    transport = Creates(stage.world)
    bb = stage.open(transport=transport)
    run = stage.run_of(bb, stage.table(2))
    ready = True

    finished = bb.run(run.id)

    assert awake is not sleepy
    assert sleepy.pauses == 0
    assert transport.posts == 2
    assert finished.receipt.outcomes == {"ok": 2}
    assert len(stage.world.ledger()) == 1


def test_a_damaged_segment_is_called_so_and_not_a_network_fault(stage):
    bb = stage.open()
    run = stage.run_of(bb, stage.table(2))
    (segment,) = (stage.home / "vault" / "segments").glob("*.zst")
    data = bytearray(segment.read_bytes())
    data[4:10] = b"damage"
    segment.write_bytes(data)

    with pytest.raises(StoreDamaged):
        bb.run(run.id)

    assert stage.world.ledger() == []


def test_two_workers_on_one_home_never_send_twice(make_stage):
    stage = make_stage(errored_share=0.2)
    one, two = stage.open(requests=2), stage.open(requests=2)
    run = stage.run_of(one, stage.table(11))
    workers = [Worker(bb.tools, ("default",)) for bb in (one, two)]
    for _ in range(150):
        for worker in workers:
            worker.tick(ReleaseAll())
        stage.clock.sleep(0.7)

    finished = one.run(run.id)
    assert finished.receipt.outcomes == {"ok": 11}
    first = stage.world.ledger()[:6]
    assert sum(batch.count for batch in first) == 11
    assert finished.receipt.paid.picodollars == stage.world.bill().total


def test_a_live_owners_batch_is_left_to_it_and_a_dead_ones_is_taken(stage):
    """The lease is freed at once when the process that held it is gone."""

    class Hung(BaseException):
        pass

    def hang(pieces):
        yield next(pieces)
        raise Hung

    first = stage.open(transport=Creates(stage.world, hang))
    run = stage.run_of(first, stage.table(2))
    with pytest.raises(Hung):
        first.run(run.id)

    second = stage.open()
    second.drain()
    assert stage.world.ledger() == []
    first.close()
    second.drain()
    assert len(stage.world.ledger()) == 1

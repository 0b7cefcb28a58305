"""`backburner doctor`: the set-up without a call, and the API by ten probes."""

import json
import signal

import httpx2
import pytest

from backburner.clock import FakeClock
from backburner.emulator.faultplan import FaultPlan, Neighbours
from backburner.emulator.faults import Lag
from backburner.emulator.settings import Switches
from backburner.emulator.transport import EmulatorTransport

KEY = {"ANTHROPIC_API_KEY": "sk-very-secret"}
LIVE = ("doctor", "--live", "--yes")
AS_JSON = (*LIVE, "--json")


def checks_of(said):
    return {one["name"]: one for one in said.json["checks"]}


def differences_of(said):
    return {(one["probe"], one["fact"]): one["here"] for one in said.json["differences"]}


class ResultsAsText(EmulatorTransport):
    """Results come as another type of content."""

    def handle_request(self, request):
        response = super().handle_request(request)
        if request.url.path.endswith("/results") and response.status_code == 200:
            response.headers["content-type"] = "text/plain"
        return response


class Completing(EmulatorTransport):
    """Acts on a body that was cut short, as the API must not."""

    def handle_request(self, request):
        pieces = []
        try:
            for piece in request.stream:
                pieces.append(piece)  # noqa: PERF402  # what came before the cut is needed
        except Exception:
            request.stream = httpx2.ByteStream(b"".join(pieces) + b"]}")
            super().handle_request(request)
            raise
        request.stream = httpx2.ByteStream(b"".join(pieces))
        return super().handle_request(request)


class ImpatientClock(FakeClock):
    """A clock on which somebody presses Ctrl-C while we sleep."""

    def sleep(self, seconds):
        super().sleep(seconds)
        signal.raise_signal(signal.SIGINT)


# The set-up


def test_a_set_up_that_is_in_order_is_told_line_by_line(call):
    said = call("doctor")

    assert said.code == 0
    assert "problem" not in said.out
    assert "never; `backburner doctor --live` makes one" in said.out
    assert "Everything is in place. Nothing was sent." in said.out


def test_the_set_up_is_looked_at_without_a_change(call, home, world):
    call("doctor")

    assert not home.exists()
    assert world.ledger() == []


def test_a_missing_key_is_a_problem_with_a_next_step(call):
    said = call("doctor", client=None)

    assert said.code == 4
    assert "key: set ANTHROPIC_API_KEY" in said.out


def test_a_key_is_never_shown(call):
    told = call("doctor", client=None, environment=KEY)
    as_json = call("doctor", "--json", client=None, environment=KEY)

    assert told.code == as_json.code == 0
    assert "secret" not in told.out + as_json.out


def test_a_lane_of_another_upstream_is_a_problem(call, requests):
    call("enqueue", requests)

    said = call("doctor", "--json", client=None, environment=KEY)

    assert said.code == 4
    assert checks_of(said)["lane"]["found"] == (
        "default is pinned to http://emulator, not to https://api.anthropic.com"
    )


def test_a_lane_and_a_store_in_use_are_told(call, requests):
    call("enqueue", requests)

    found = checks_of(call("doctor", "--json"))

    assert found["lane"]["found"] == "default, pinned to http://emulator"
    assert found["store"]["found"].endswith("sound")
    assert all(one["ok"] for one in found.values())


@pytest.mark.unbilled("the store is damaged")
def test_a_damaged_store_is_a_problem(call, home):
    home.mkdir(mode=0o700)
    (home / "backburner.db").write_bytes(b"no database at all, but long enough to be read" * 40)

    said = call("doctor", "--json")

    assert said.code == 4
    assert "not a database" in checks_of(said)["store"]["found"]
    assert "restore the home from a backup" in checks_of(said)["store"]["next_step"]


@pytest.mark.unbilled("the store cannot be opened")
def test_a_store_that_cannot_be_opened_is_told_apart_from_a_damaged_one(call, home, requests):
    call("enqueue", requests)
    # As root no right can be taken away; nobody opens a folder as the journal of a store.
    (home / "backburner.db-wal").mkdir()

    found = checks_of(call("doctor", "--json"))

    assert "unable to open database file" in found["store"]["found"]
    assert found["store"]["next_step"].startswith("check free space and permissions")
    assert "of which nothing is known" in found["lane"]["found"]


def test_a_home_that_others_can_read_is_a_problem(call, home):
    home.mkdir()
    home.chmod(0o755)

    said = call("doctor")

    assert said.code == 4
    assert f"home: chmod 700 {home}" in said.out


def test_a_setting_that_is_none_is_a_problem(call):
    said = call("doctor", "--json", environment={"BACKBURNER_QUIET": "soon"})

    assert said.code == 4
    assert "BACKBURNER_QUIET='soon'" in checks_of(said)["settings"]["found"]


# The API


def test_a_live_check_of_the_emulator_finds_no_difference(call):
    said = call(*LIVE)

    assert said.code == 0
    assert said.out.count("as the emulator") == 10
    assert "0 differences from the emulator." in said.out
    assert "http://emulator, not Anthropic's own" in said.out


def test_a_live_check_creates_two_batches_of_its_own_and_deletes_them(call, world):
    call(*LIVE)

    ledger = world.ledger()
    assert [(one.count, one.deleted) for one in ledger] == [(2, True), (2, True)]
    assert all(name.startswith("doctor") for one in ledger for name in one.custom_ids())
    assert world.bill().total < 10**10


def test_a_live_check_stays_out_of_the_store(call, requests):
    call("enqueue", requests)

    call(*LIVE)

    runs = call("status", "--json").json["runs"]
    assert [(one["requests"], one["back"]) for one in runs] == [(2, 0)]


def test_the_last_live_check_is_shown_with_its_day(call):
    call(*LIVE)

    found = checks_of(call("doctor", "--json"))["live check"]["found"]

    assert found.startswith("2026-09-21, http://emulator, version ")
    assert found.endswith("0 differences from the emulator")


def test_another_type_of_results_is_told_as_a_difference(call, world, make_client):
    said = call(*LIVE, client=make_client(world, ResultsAsText(world)))

    assert said.code == 3
    assert "results: differs" in said.out
    assert "content type: emulator application/x-jsonl; here text/plain" in said.out
    assert "1 difference from the emulator" in call("doctor").out


def test_a_lag_of_the_list_is_told_as_a_difference(call, world):
    world.script("create", Lag(in_list=5.0), times=2)

    said = call(*AS_JSON)

    assert said.code == 3
    assert differences_of(said) == {("list", "shown"): "after a while"}
    notes = {one["probe"]: one["notes"] for one in said.json["probes"]}
    assert float(notes["list"]["seconds"]) >= 5


@pytest.mark.parametrize(
    ("switches", "fact", "here"),
    [
        (Switches(cancel_ended="accept"), ("cancel ended", "status"), "200"),
        (Switches(cancel_twice="refuse"), ("cancel", "second cancel: status"), "400"),
    ],
)
def test_an_answer_that_the_documentation_leaves_open_is_told(
    call, make_world, make_client, switches, fact, here
):
    said = call(*AS_JSON, client=make_client(make_world(switches=switches)))

    assert said.code == 3
    assert differences_of(said)[fact] == here


def test_a_cut_body_that_is_accepted_is_found_and_deleted(call, world, make_client):
    said = call(*AS_JSON, client=make_client(world, Completing(world)))

    assert said.code == 3
    assert differences_of(said) == {("cut body", "created"): "a batch"}
    assert [one.deleted for one in world.ledger()] == [True, True, True]


def test_a_strangers_batch_of_the_same_size_is_not_taken_for_the_cut_one(
    call, make_world, make_client
):
    newest = FaultPlan(neighbours=Neighbours(probability=1.0, where="after"))
    world = make_world(faults=newest)

    said = call(*AS_JSON, client=make_client(world))

    assert "cut body" not in {probe for probe, _ in differences_of(said)}
    assert [one.deleted for one in world.ledger() if one.foreign] == [False, False]


def test_batches_that_do_not_end_are_left_and_deleted_by_the_next_check(
    call, make_world, make_client, clock
):
    world = make_world(turnaround=7200.0)
    client = make_client(world)

    first = call(*LIVE, "--wait", 1, client=client)
    clock.sleep(7200)
    problems = call("doctor", "--json", client=client)
    call(*LIVE, "--wait", 180, client=client)

    assert first.code == 3
    assert "A batch has not ended within 1 min." in first.out
    assert "Left upstream: msgbatch_" in first.out
    assert not checks_of(problems)["left behind"]["ok"]
    assert [one.deleted for one in world.ledger()] == [True] * 4


def test_ctrl_c_says_what_is_left_and_keeps_what_was_seen(call, clock, home):
    said = call(*LIVE, clock=ImpatientClock(clock.now()))

    assert said.code == 130
    assert "create: as the emulator" in said.out
    assert "Left upstream: msgbatch_" in said.out
    kept = json.loads((home / "doctor.json").read_bytes())
    assert kept["last"]["complete"] is False
    assert len(kept["left"]) == 2


def test_the_price_is_told_before_anybody_is_asked_and_no_sends_nothing(call, world):
    questions = []

    said = call("doctor", "--live", ask=lambda _page, question: questions.append(question) or "n")

    assert said.code == 130
    assert questions == ["Check the API? [Y/n] "]
    assert "price    at most $0.000" in said.out
    assert world.ledger() == []


def test_a_script_must_agree_to_the_price(call, world):
    said = call("doctor", "--live", "--json")

    assert said.code == 2
    assert said.error["code"] == "choice_needed"
    assert world.ledger() == []


def test_a_live_check_needs_a_key(call):
    said = call(*AS_JSON, client=None)

    assert said.code == 4
    assert said.error["code"] == "key_missing"


def test_a_refused_key_is_told_and_leaves_the_last_check_as_it_was(
    call, make_world, make_client, home
):
    client = make_client(make_world(refused_keys=frozenset({"k"})))

    said = call(*AS_JSON, client=client)

    assert said.code == 5
    assert "with 401, authentication_error" in said.error["message"]
    assert not (home / "doctor.json").exists()


def test_a_key_of_another_workspace_than_the_lanes_creates_nothing(
    call, requests, make_world, make_client
):
    call("run", requests, "--yes")
    world = make_world(default_workspace="wrkspc_other")

    said = call(*AS_JSON, client=make_client(world))

    assert said.error["code"] == "lane_pinned"
    assert world.ledger() == []


@pytest.mark.parametrize("name", ["facts", "notes"])
def test_what_is_compared_and_what_is_noted_is_in_the_json(call, name):
    said = call(*AS_JSON)

    probes = {one["probe"]: one[name] for one in said.json["probes"]}
    assert len(probes) == 10
    assert all(isinstance(value, str) for one in probes.values() for value in one.values())

"""Notices: kept when there is something to tell, and delivered at least once under one id."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import httpx2
import pytest
from standardwebhooks import Webhook as Verifier

from backburner.client.posting import Poster
from backburner.emulator.faults import Status
from backburner.errors import NoticeUndelivered
from backburner.store.notices import notice_ids
from backburner.store.runs import run_update
from backburner.telemetry import NoticeDelivered, NoticeFailed

SECRET = "whsec_" + base64.b64encode(b"a secret that nobody else has").decode()
HOOK = """
[notify.hook]
webhook = "https://hooks.example.com/backburner?to=us"
secret = { env = "HOOK_SECRET" }
"""
PUBLIC = ["93.184.216.34"]
HOUR = 3600.0


class Died(BaseException):
    """The process died here."""


@dataclass
class Receiver:
    """A program that takes webhooks."""

    clock: object
    answers: list[int] = field(default_factory=list)
    addresses: list[str] = field(default_factory=lambda: PUBLIC)
    taken: list[httpx2.Request] = field(default_factory=list)
    dies: bool = False

    def post(self, secret: str = SECRET) -> Poster:
        return Poster(
            environment={"HOOK_SECRET": secret},
            now=self.clock.now,
            resolve=lambda _host, _port: self.addresses,
            transport=httpx2.MockTransport(self.answer),
        )

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.taken.append(request)
        if self.dies:
            raise Died
        status = self.answers.pop(0) if self.answers else 204
        return httpx2.Response(status, headers={"Location": "https://elsewhere.example.com"})

    @property
    def ids(self) -> list[str]:
        return [one.headers["webhook-id"] for one in self.taken]

    @property
    def bodies(self) -> list[dict]:
        return [json.loads(one.content) for one in self.taken]


@pytest.fixture
def receiver(clock) -> Receiver:
    return Receiver(clock)


@pytest.fixture
def settle(stage):
    """Writes the stage's file of settings."""

    def write(text: str = HOOK) -> None:
        stage.home.mkdir(parents=True, exist_ok=True)
        (stage.home / "backburner.toml").write_text(text)

    return write


def test_a_finished_run_is_told_once_signed_and_without_a_prompt_or_an_answer(
    stage, settle, receiver
):
    settle()
    bb = stage.open(post=receiver.post())
    run = stage.run_of(bb, stage.table(["a secret text", "another"]))

    bb.work(until=stage.clock.now() + HOUR)
    bb.drain()

    (taken,) = receiver.taken
    assert receiver.ids == [f"run.finished:{run.id}"]
    assert taken.url.host == PUBLIC[0]
    assert taken.headers["host"] == "hooks.example.com"
    assert taken.extensions["sni_hostname"] == "hooks.example.com"
    assert taken.url.query == b"to=us"
    signed = Verifier(SECRET).sign(
        taken.headers["webhook-id"],
        datetime.fromtimestamp(int(taken.headers["webhook-timestamp"]), UTC),
        taken.content.decode(),
    )
    assert taken.headers["webhook-signature"] == signed
    told = receiver.bodies[0]
    assert told["type"] == "run.finished"
    assert told["data"]["outcomes"] == {"ok": 2}
    assert b"secret" not in taken.content
    assert b"another" not in taken.content
    assert [one.id for one in stage.events if isinstance(one, NoticeDelivered)] == receiver.ids


def test_one_that_arrived_is_forgotten_after_ninety_days(stage, settle, receiver):
    settle()
    bb = stage.open(post=receiver.post())
    run = stage.run_of(bb, stage.table(1))
    bb.work(until=stage.clock.now() + HOUR)
    known = []

    for days in (89.0, 2.0):
        stage.clock.sleep(days * 24 * HOUR)
        bb.drain()
        with bb.tools.store.read() as tx:
            known.append(notice_ids(tx, "run.finished:"))

    assert known == [{f"run.finished:{run.id}"}, set()]
    assert len(receiver.taken) == 1


def test_one_that_did_not_arrive_is_tried_again_under_the_same_id(stage, settle, receiver):
    settle()
    receiver.answers = [500, 429, 302]
    bb = stage.open(post=receiver.post())
    stage.run_of(bb, stage.table(1))

    bb.work(until=stage.clock.now() + HOUR)

    assert len(receiver.taken) == 4
    assert len(set(receiver.ids)) == 1
    failures = [one.failure for one in stage.events if isinstance(one, NoticeFailed)]
    assert failures == [f"hooks.example.com answered {status}" for status in (500, 429, 302)]
    assert bb.notices.undelivered() == []


def test_a_death_between_sending_and_noting_it_sends_twice_with_the_same_id(
    stage, settle, receiver
):
    settle()
    receiver.dies = True
    bb = stage.open(post=receiver.post())
    run = stage.run_of(bb, stage.table(1))
    bb.drain()
    stage.clock.sleep(60)
    with pytest.raises(Died):
        bb.drain()
    bb.close()
    receiver.dies = False

    again = stage.open(post=receiver.post())
    again.drain()
    too_early = len(receiver.taken)
    stage.clock.sleep(180)
    again.drain()

    assert too_early == 1
    assert receiver.ids == [f"run.finished:{run.id}"] * 2
    assert receiver.bodies[0] == receiver.bodies[1]


def test_one_that_never_arrives_is_given_up_and_can_be_replayed(stage, settle, receiver):
    settle()
    receiver.answers = [500] * 12
    bb = stage.open(post=receiver.post())
    stage.run_of(bb, stage.table(1))

    for _ in range(16):
        bb.drain()
        stage.clock.sleep(HOUR)

    (left,) = bb.notices.undelivered()
    assert left.given_up_at is not None
    assert left.tries == 12
    assert left.failure == "hooks.example.com answered 500"
    assert len(receiver.taken) == 12
    assert bb.notices.replay() == 1
    assert bb.notices.deliver() == 1
    assert bb.notices.undelivered() == []


@pytest.mark.parametrize("addresses", [["10.0.0.1"], [*PUBLIC, "127.0.0.1"], []])
def test_a_webhook_into_ones_own_network_is_not_sent(stage, settle, receiver, addresses):
    settle()
    receiver.addresses = addresses
    bb = stage.open(post=receiver.post())

    failed = bb.notices.test()

    assert isinstance(failed["hook"], NoticeUndelivered)
    assert "inside a private network" in str(failed["hook"])
    assert receiver.taken == []


def test_a_webhook_into_ones_own_network_is_sent_where_that_is_allowed(stage, settle, receiver):
    settle(HOOK + "allow_private = true\n")
    receiver.addresses = ["10.0.0.1"]
    bb = stage.open(post=receiver.post())

    assert bb.notices.test() == {"hook": None}
    assert receiver.taken[0].url.host == "10.0.0.1"


def test_a_secret_that_is_not_there_is_said_without_a_request(stage, settle, receiver):
    settle()
    bb = stage.open(post=receiver.post(secret=""))

    failed = bb.notices.test()

    assert str(failed["hook"]) == "there is no secret for it: the variable HOOK_SECRET is not set"
    assert receiver.taken == []


def test_a_foreign_failure_is_told_by_its_kind_alone(stage, settle):
    def post(_channel, _delivery):
        raise RuntimeError("xoxb-a-token")

    settle()
    bb = stage.open(post=post)

    assert str(bb.notices.test()["hook"]) == "it failed with RuntimeError"


def test_what_waits_for_a_budget_and_a_stopped_lane_are_told_once_a_day(stage, settle, receiver):
    settle()
    bb = stage.open(post=receiver.post())
    stage.run_of(bb, stage.table(3))
    bb.set_budget("lane:default", "0.000001")
    bb.drain()
    bb.drain()
    bb.remove_budget("lane:default")
    stage.world.script("create", Status(403))
    for _ in range(2):
        bb.work(until=stage.clock.now() + 600)
        stage.clock.sleep(24 * HOUR)

    assert [one["type"] for one in receiver.bodies] == [
        "budget.held",
        "run.needs_attention",
        "run.needs_attention",
    ]
    assert len(set(receiver.ids)) == 3


def test_a_channel_for_some_kinds_gets_no_others(stage, settle, receiver):
    settle(HOOK + 'kinds = ["deadline.at_risk"]\n')
    bb = stage.open(post=receiver.post())
    stage.run_of(bb, stage.table(1))

    bb.work(until=stage.clock.now() + HOUR)

    assert receiver.taken == []
    assert bb.notices.undelivered() == []


def test_a_promise_that_breaks_is_told_while_it_breaks(make_stage, receiver):
    stage = make_stage(turnaround=3 * HOUR)
    stage.home.mkdir(parents=True)
    (stage.home / "backburner.toml").write_text(HOOK)
    bb = stage.open(post=receiver.post())
    began = stage.clock.now()
    run = stage.run_of(bb, stage.table(2))
    with bb.tools.store.write() as tx:
        run_update(tx, run.id, deadline=began + HOUR)

    bb.work(until=began + 4 * HOUR)

    at_risk, finished = receiver.bodies
    assert at_risk["type"] == "deadline.at_risk"
    assert at_risk["data"]["deadline"] == began + HOUR
    assert finished["type"] == "run.finished"
    assert finished["data"]["missed_deadline"] is True


def test_a_notice_tells_times_in_the_zone_of_the_runs_lane(make_stage, receiver):
    stage = make_stage(turnaround=20 * HOUR)
    stage.home.mkdir(parents=True)
    settings = f'{HOOK}\n[lanes.default]\nzone = "Asia/Tokyo"\n'
    (stage.home / "backburner.toml").write_text(settings)
    bb = stage.open(post=receiver.post())
    timing = bb.intake.timing(by="08:00")
    stage.run_of(bb, stage.table(2), timing=timing)

    bb.work(until=timing.deadline + HOUR)

    assert " 08:00" in receiver.bodies[0]["data"]["text"]


@dataclass
class Inbox:
    """A real server on the loopback, as apprise would speak to one."""

    url: str
    taken: list[dict]


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    taken: list[dict] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_words) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield Inbox(f"json://127.0.0.1:{server.server_address[1]}/", taken)
    server.shutdown()
    thread.join()
    server.server_close()


def test_apprise_brings_a_notice_to_a_messenger(stage, settle, inbox):
    settle('[notify.ops]\napprise = { env = "OPS_URL" }\n')
    bb = stage.open(environment={"OPS_URL": inbox.url})
    run = stage.run_of(bb, stage.table(1))

    bb.work(until=stage.clock.now() + HOUR)

    (taken,) = inbox.taken
    assert taken["title"] == f"Backburner: run {run.id} (in.csv) is finished"
    assert f"run.finished:{run.id}" in taken["message"]


def test_an_address_that_apprise_does_not_know_is_told_without_it(stage, settle):
    settle('[notify.ops]\napprise = { env = "OPS_URL" }\n')
    bb = stage.open(environment={"OPS_URL": "nonsense-with-a-token"})

    failed = bb.notices.test()["ops"]

    assert "token" not in str(failed)
    assert isinstance(failed, NoticeUndelivered)

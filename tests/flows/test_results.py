"""What can be wrong with a results file, and what is kept whatever stands in it."""

import csv
import io
import json
from collections.abc import Callable

import httpx2
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backburner.emulator.faultplan import FaultPlan
from backburner.emulator.faults import Lag, Status
from backburner.emulator.settings import Rule, Switches
from backburner.emulator.transport import EmulatorTransport
from backburner.errors import LanePinned
from backburner.nouns.outcome import Outcome
from backburner.telemetry import BatchCollected

GARBLE = 'U+2028 \u2028 U+0085 \u0085 emoji \U0001f9ea NUL \x00 quotes " , ; \r\n tab \t end'


class Edited(httpx2.BaseTransport):
    """Changes the bodies of results; `times` limits how often."""

    def __init__(self, world, edit: Callable[[bytes], bytes], times: int = 10_000) -> None:
        self._inner = EmulatorTransport(world)
        self._edit = edit
        self._times = times
        self.downloads = 0

    def handle_request(self, request):
        response = self._inner.handle_request(request)
        if not request.url.path.endswith("/results") or response.status_code != 200:
            return response
        self.downloads += 1
        if self.downloads > self._times:
            return response
        return httpx2.Response(200, content=self._edit(response.read()))


def without_last_line(body):
    return b"".join(body.splitlines(keepends=True)[:-1])


def played(stage, edit, times=10_000, rows=6, pause=0.0):
    transport = Edited(stage.world, edit, times)
    bb = stage.open(transport=transport)
    run = stage.run_of(bb, stage.table(rows))
    return bb, run, bb.run(run.id, lambda _count: stage.clock.sleep(pause)), transport


def orphans(bb):
    vault = bb.tools.vault
    names = [name for name, _ in vault.names() if name.startswith("orphans/")]
    return [line for name in names for line in vault.lines(name)]


@pytest.mark.parametrize("cut", [1, 2, 100, 900])
def test_a_download_cut_at_a_byte_is_read_again(stage, cut):
    started = stage.clock.now()

    _, _, finished, transport = played(stage, lambda body: body[:-cut], times=1)

    again = 1 if cut == 1 else 2
    assert transport.downloads == again
    assert finished.receipt.outcomes == {"ok": 6}
    assert len(stage.world.ledger()) == 1
    assert stage.clock.now() - started < 3600


@pytest.mark.unbilled("a line is lost on its way")
def test_a_missing_line_is_read_again_and_only_then_missing_and_retried(stage):
    started = stage.clock.now()

    _, _, finished, transport = played(stage, without_last_line, times=5)

    assert transport.downloads == 6
    assert [batch.count for batch in stage.world.ledger()] == [6, 1]
    assert finished.receipt.outcomes == {"ok": 6}
    collected = [event for event in stage.events if isinstance(event, BatchCollected)]
    assert collected[0].outcomes == {Outcome.OK: 5, Outcome.MISSING: 1}
    assert stage.clock.now() - started < 3 * 3600


@pytest.mark.unbilled("a line is lost on its way")
def test_a_line_that_never_comes_ends_as_missing_and_the_others_are_kept(stage):
    def lose(body):
        return b"".join(line for line in body.splitlines(keepends=True) if b"text 4" not in line)

    _, _, finished, _ = played(stage, lose, pause=300)

    assert finished.receipt.outcomes == {"ok": 5, "missing": 1}
    assert len(stage.world.ledger()) == 5
    assert [row["outcome"] for row in stage.rows()].index("missing") == 4


def test_a_doubled_line_counts_once_and_is_kept_aside(stage):
    def double(body):
        return body + body.splitlines(keepends=True)[0]

    bb, _, finished, _ = played(stage, double)

    assert finished.receipt.outcomes == {"ok": 6}
    assert finished.receipt.paid.picodollars == stage.world.bill().total
    assert len(orphans(bb)) == 1


def test_foreign_lines_are_kept_aside_and_never_booked(stage):
    strange = [
        b'{"custom_id":"theirs","result":{"type":"canceled"}}',
        b'{"custom_id":"aaaaaaaaaaaa0-00001","result":{"type":"canceled"}}',
        b"not json at all",
        b'{"custom_id": 7}',
        b'\xff\xfe{"broken": "utf-8"}',
    ]

    bb, _, finished, _ = played(stage, lambda body: b"\n".join([*strange, body]))

    assert finished.receipt.outcomes == {"ok": 6}
    assert orphans(bb) == strange
    assert [e.orphans for e in stage.events if isinstance(e, BatchCollected)] == [5]


def test_another_try_of_the_same_batch_and_a_position_beyond_its_end_are_foreign(stage):
    def add(body):
        line = body.splitlines()[0]
        start = line.index(b'"custom_id":"') + 13
        other_try = line[: start + 12] + b"1" + line[start + 13 :]
        beyond = line[: start + 14] + b"00006" + line[start + 19 :]
        return b"\n".join([other_try, beyond, body])

    bb, _, finished, _ = played(stage, add)

    assert finished.receipt.outcomes == {"ok": 6}
    assert len(orphans(bb)) == 2


@pytest.mark.parametrize(
    "edit",
    [
        lambda body: body.replace(b"\n", b"\r\n"),
        lambda body: body.replace(b"\n", b"\n\n"),
        lambda body: b"\n \n" + body + b"\n\n",
        lambda body: body.rstrip(b"\n"),
    ],
    ids=["CRLF", "blank lines", "spaces around", "no last line end"],
)
def test_line_ends_of_any_kind_are_no_loss(stage, edit):
    bb, _, finished, transport = played(stage, edit)

    assert transport.downloads == 1
    assert finished.receipt.outcomes == {"ok": 6}
    assert orphans(bb) == []
    assert [row["answer"] for row in stage.rows()] == [f"text {n}" for n in range(6)]


def test_a_result_of_an_unknown_type_is_held_for_a_person(stage):
    def rename(body):
        lines = body.splitlines(keepends=True)
        lines[0] = lines[0].replace(b'"type":"succeeded"', b'"type":"postponed"')
        return b"".join(lines)

    bb, run, finished, _ = played(stage, rename)

    assert finished.receipt.outcomes == {"ok": 5, "missing": 1}
    assert bb.status(run.id)[1][0].count.held == 1
    assert len(stage.world.ledger()) == 1


@pytest.mark.parametrize("status", [404, 410])
def test_results_that_are_gone_are_missing_and_held(make_stage, status):
    stage = make_stage(switches=Switches(archived_status=status))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    bb.drain()
    stage.clock.sleep(30 * 24 * 3600)

    finished = bb.run(run.id)

    assert finished.receipt.outcomes == {"missing": 3}
    assert bb.status(run.id)[1][0].count.held == 3
    assert len(stage.world.ledger()) == 1


def test_results_that_are_not_there_for_minutes_after_the_end_are_waited_for(make_stage):
    stage = make_stage(faults=FaultPlan(lag=Lag(results=600.0)))
    bb = stage.open()

    assert bb.run(stage.run_of(bb, stage.table(3)).id).receipt.outcomes == {"ok": 3}
    assert len(stage.world.ledger()) == 1


def test_a_batch_whose_id_is_not_known_for_minutes_is_waited_for(make_stage):
    stage = make_stage(faults=FaultPlan(lag=Lag(by_id=600.0)))
    bb = stage.open()

    assert bb.run(stage.run_of(bb, stage.table(3)).id).receipt.outcomes == {"ok": 3}
    assert len(stage.world.ledger()) == 1


def test_a_batch_deleted_upstream_is_missing_and_held(stage):
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    bb.drain()
    stage.clock.sleep(60)
    (batch,) = stage.world.ledger()
    stage.make_client(stage.world).messages.batches.delete(batch.id)

    finished = bb.run(run.id, lambda _count: stage.clock.sleep(300))

    assert finished.receipt.outcomes == {"missing": 3}
    assert bb.status(run.id)[1][0].count.held == 3


def test_a_key_of_another_workspace_does_not_make_results_gone(make_stage):
    stage = make_stage(workspaces={"other": "wrkspc_other"})
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    bb.drain()
    stage.clock.sleep(60)
    stage.world.script("results", Status(503))
    bb.drain()
    bb.close()

    stranger = stage.open(key="other")
    stage.clock.sleep(60)
    with pytest.raises(LanePinned, match="wrkspc_other"):
        stranger.run(run.id)
    stranger.close()

    assert stage.open().run(run.id).receipt.outcomes == {"ok": 3}


def test_failing_reads_are_asked_again_and_nothing_is_sent_again(stage):
    stage.world.script("list", Status(500), times=2)
    stage.world.script("retrieve", Status(529, "overloaded_error"), times=4)
    stage.world.script("results", Status(500), times=3)
    bb = stage.open()

    assert bb.run(stage.run_of(bb, stage.table(3)).id).receipt.outcomes == {"ok": 3}
    assert len(stage.world.ledger()) == 1


@pytest.mark.parametrize("text", [GARBLE, "é\u2028" * 800_000], ids=["odd characters", "4 MB"])
def test_an_answer_comes_back_byte_for_byte(make_stage, ask, text):
    stage = make_stage(rules=(Rule(match="now", answer="SMALL"),))
    long = json.dumps(text, ensure_ascii=False)[1:-1].encode()
    transport = Edited(stage.world, lambda body: body.replace(b"SMALL", long))
    bb = stage.open(transport=transport)
    run = stage.run_of(bb, stage.table(["now"]), prompt="{{ text }}")
    listed = bb.enqueue([{"custom_id": "a", "params": ask("now")}])

    bb.run(run.id)
    bb.run(listed.id)
    bb.write(listed.id, str(stage.home.parent / "out.jsonl"))

    (result,) = bb.results(listed)
    assert result.message["content"][0]["text"] == text
    assert stage.rows()[0]["answer"] == text
    written = (stage.home.parent / "out.jsonl").read_bytes()
    assert written.count(b"\n") == 1
    assert long in written
    stored = [name for name, _ in bb.tools.vault.names() if name.startswith("results/")]
    assert all(long in line for name in stored for line in bb.tools.vault.lines(name))


def test_the_stored_lines_are_the_servers_bytes_in_request_order(stage, ask):
    bb = stage.open()
    run = bb.enqueue([{"custom_id": f"k{n}", "params": ask(f"Say: {n}")} for n in range(50)])
    bb.run(run.id)
    (batch,) = stage.world.ledger()
    client = stage.make_client(stage.world)
    served = client.get(f"/v1/messages/batches/{batch.id}/results", cast_to=httpx2.Response).content

    (name,) = (name for name, _ in bb.tools.vault.names() if name.startswith("results/"))
    stored = list(bb.tools.vault.lines(name))
    assert sorted(stored) == sorted(served.splitlines())
    assert stored != served.splitlines()
    names = [json.loads(line)["custom_id"] for line in stored]
    assert [int(one[14:]) for one in names] == list(range(50))


# Parameters token for token

numbers = st.one_of(
    st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none()
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
values = st.recursive(
    st.one_of(numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
)
tokens = st.sampled_from(
    ["1.0", "1e5", "1E+05", "-0.0", "123456789012345678901234567890", '"\\u00e9\\u2028"', '"\\/"']
)
raw_values = st.one_of(values.map(json.dumps), tokens)
extras = st.dictionaries(texts.map(lambda t: f"x_{t}"), raw_values, max_size=4)


@pytest.fixture
def lenient(make_stage):
    stage = make_stage(strict=False)
    return stage, stage.open(requests=2)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(extras, texts), min_size=1, max_size=5))
def test_any_parameters_reach_the_api_token_for_token(lenient, requests):
    stage, bb = lenient
    before = len(stage.world.ledger())
    bodies = []
    for more, text in requests:
        known = {
            "model": '"claude-haiku-4-5"',
            "max_tokens": "10",
            "messages": json.dumps([{"role": "user", "content": f"hi {text}"}]),
        }
        pairs = [f"{json.dumps(key)}: {value}" for key, value in {**more, **known}.items()]
        bodies.append("{" + " , ".join(pairs) + " }")
    source = stage.home.parent / "requests.jsonl"
    lines = [f'{{"custom_id":"{n}","params":{body}}}\n' for n, body in enumerate(bodies)]
    source.write_text("".join(lines), encoding="utf-8", newline="")
    stage.run_of(bb, source, f"{before}.jsonl", prompt=None, model="", max_tokens=0, new=True)

    bb.drain()

    sent = [
        params
        for batch in stage.world.ledger()[before:]
        for _, params in stage.world.received(batch.id)
    ]
    assert sent == [body.encode() for body in bodies]


def test_a_body_on_several_lines_is_put_on_one_and_keeps_its_tokens(stage):
    body = '{\n "model": "claude-haiku-4-5",\r\n "max_tokens": 10, "x_ratio": 1.0,\n "messages":'
    body += ' [{"role": "user", "content": "a\\nb  c"}], "x": [1e5, 10000000000000000000000]}'
    source = stage.home.parent / "requests.json"
    source.write_text(f'[{{"custom_id": "a", "params": {body}}}]', encoding="utf-8", newline="")
    bb = stage.open()
    stage.run_of(bb, source, "o.jsonl", prompt=None, model="", max_tokens=0)

    bb.drain()

    ((_, sent),) = stage.world.received(stage.world.ledger()[0].id)
    assert b"\n" not in sent
    assert b'"x_ratio":1.0' in sent
    assert b"[1e5,10000000000000000000000]" in sent
    assert b"a\\nb  c" in sent


def test_rows_of_a_table_travel_as_rendered(stage):
    bb = stage.open()
    texts = [GARBLE.replace("\x00", ""), "{{ not rendered twice }}", "ünïcode"]
    run = stage.run_of(
        bb, stage.table(texts), system="Be brief.", params={"service_tier": msgspec.Raw(b'"auto"')}
    )
    bb.run(run.id)

    sent = [msgspec.json.decode(p) for _, p in stage.world.received(stage.world.ledger()[0].id)]
    assert [one["messages"][0]["content"] for one in sent] == [f"Say: {text}" for text in texts]
    assert {one["system"] for one in sent} == {"Be brief."}
    written = (stage.home.parent / "out.csv").read_bytes().decode()
    rows = list(csv.DictReader(io.StringIO(written, newline="")))
    assert [row["text"] for row in rows] == texts

"""The Admin API's reports of usage and cost, against the results and the bill."""

from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import urlencode

import pytest

USAGE = "/v1/organizations/usage_report/messages"
COST = "/v1/organizations/cost_report"
BATCHES = "/v1/messages/batches"
ADMIN = "sk-ant-admin01-boss"
DAY, HOUR, MINUTE = 86_400, 3_600, 60
SEARCH = {"type": "web_search_20260318", "name": "web_search"}
START = 1_790_000_000  # Monday, 2026-09-21, 14:13:20 UTC
MIDNIGHT = START - START % DAY
LATE = 301  # The reports are five minutes behind.


def stamp(moment):
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def get(api, path, **asked):
    asked.setdefault("starting_at", stamp(MIDNIGHT))
    many = {
        f"{name}[]" if isinstance(value, list) else name: value for name, value in asked.items()
    }
    query = urlencode(
        {name: value for name, value in many.items() if value is not None}, doseq=True
    )
    return api.get(f"{path}?{query}", x_api_key=ADMIN)


def rows(answer):
    assert answer.status == 200, answer.body
    return [row for bucket in answer.json["data"] for row in bucket["results"]]


def run(api, *params, count=1, **headers):
    """Runs a batch to its end; gives the usage of its lines."""
    requests = [
        {"custom_id": f"r-{number}", "params": one}
        for number, one in enumerate(one for one in params for _ in range(count))
    ]
    batch = api.create(requests, **headers)
    api.clock.advance(300)
    lines = api.get(f"{BATCHES}/{batch['id']}/results", **headers).lines.values()
    return [line["message"]["usage"] for line in lines if line["type"] == "succeeded"]


def cents(answer):
    return sum(Decimal(row["amount"]) for row in rows(answer))


def bill_in_cents(api):
    return Decimal(api.world.bill().total) / 10**10


# Whoever may ask


@pytest.mark.parametrize("path", [USAGE, COST])
@pytest.mark.parametrize("key", ["", "sk-ant-api03-worker", "sk-ant-admin01-gone"])
def test_only_a_key_of_an_admin_may_ask(emulate, path, key):
    api = emulate(refused_keys=frozenset({"sk-ant-admin01-gone"}))

    refused = api.get(f"{path}?starting_at={stamp(START)}", x_api_key=key)

    assert refused.status == 401
    assert refused.json["error"]["type"] == "authentication_error"


def test_the_key_may_come_as_a_bearer_token(api):
    answer = api.get(
        f"{USAGE}?starting_at={stamp(START)}", x_api_key="", authorization=f"Bearer {ADMIN}"
    )

    assert answer.status == 200
    assert "anthropic-workspace-id" not in answer.headers


def test_an_admin_key_sends_no_batch(api):
    refused = api.post(BATCHES, {"requests": []}, x_api_key=ADMIN)

    assert refused.status == 401


@pytest.mark.parametrize("path", [USAGE, COST])
def test_the_reports_need_a_version_and_are_only_read(api, path):
    target = f"{path}?starting_at={stamp(START)}"

    assert api.get(target, x_api_key=ADMIN, anthropic_version="").status == 400
    assert api.post(target, {}, x_api_key=ADMIN).status == 405


# Usage


def test_usage_is_the_sum_of_the_lines(emulate, clock, ask):
    api = emulate(web_searches=2, errored_share=0.2, seed=1)
    mark = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    system = [{"type": "text", "text": "x" * 7_000, **mark}]
    model = "claude-sonnet-4-6"
    used = run(api, ask(model=model, system=system, tools=[SEARCH]), ask(model=model), count=20)
    clock.advance(LATE)

    [row] = rows(get(api, USAGE))

    def total(key):
        return sum(one[key] for one in used)

    assert row == {
        "uncached_input_tokens": total("input_tokens"),
        "cache_creation": {
            "ephemeral_1h_input_tokens": total("cache_creation_input_tokens"),
            "ephemeral_5m_input_tokens": 0,
        },
        "cache_read_input_tokens": total("cache_read_input_tokens"),
        "output_tokens": total("output_tokens"),
        "server_tool_use": {
            "web_search_requests": 2 * sum(one["server_tool_use"] is not None for one in used)
        },
        "account_id": None,
        "api_key_id": None,
        "context_window": None,
        "inference_geo": None,
        "model": None,
        "service_account_id": None,
        "service_tier": None,
        "workspace_id": None,
    }
    assert row["cache_read_input_tokens"] > 0


def two_of_everything(emulate, ask):
    api = emulate(workspaces={"theirs": "wrkspc_theirs"})
    run(api, ask(), ask("x" * 200, model="claude-opus-5", inference_geo="us"))
    run(api, ask("y" * 300), x_api_key="theirs")
    api.post("/v1/messages", ask("z" * 400))
    run(api, ask("w" * 700_000, model="claude-sonnet-4-6"))
    api.clock.advance(LATE)
    return api


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("model", {"claude-haiku-4-5-20251001", "claude-opus-5", "claude-sonnet-4-6"}),
        ("service_tier", {"batch", "standard"}),
        ("workspace_id", {None, "wrkspc_theirs"}),
        ("inference_geo", {"us", "not_available"}),
        ("context_window", {"0-200k", "200k-1M"}),
        ("account_id", {None}),
    ],
)
def test_usage_is_told_apart_by_what_is_asked_for(emulate, ask, key, values):
    api = two_of_everything(emulate, ask)

    answer = get(api, USAGE, group_by=[key])

    assert {row[key] for row in rows(answer)} == values
    assert len(rows(answer)) == len(values)
    [whole] = rows(get(api, USAGE))
    parts = [row["uncached_input_tokens"] for row in rows(answer)]
    assert sum(parts) == whole["uncached_input_tokens"]


def test_a_long_prompt_is_in_the_wide_context_window(emulate, ask):
    api = emulate()
    run(api, ask("w" * 700_100, model="claude-sonnet-4-6"), ask())
    api.clock.advance(LATE)

    [short, long] = rows(get(api, USAGE, group_by=["context_window"]))

    assert (short["context_window"], long["context_window"]) == ("0-200k", "200k-1M")
    assert long["uncached_input_tokens"] > 200_000


def test_keys_are_told_apart_by_ids_that_do_not_give_them_away(emulate, ask):
    api = two_of_everything(emulate, ask)

    answer = get(api, USAGE, group_by=["api_key_id", "workspace_id"])

    ids = {row["workspace_id"]: row["api_key_id"] for row in rows(answer)}
    assert len(set(ids.values())) == 2
    assert all(one.startswith("apikey_01") for one in ids.values())
    assert b"theirs" not in answer.body.replace(b"wrkspc_theirs", b"")


@pytest.mark.parametrize(
    ("parameter", "value", "key"),
    [
        ("models", "claude-opus-5", "model"),
        ("service_tiers", "batch", "service_tier"),
        ("service_tiers", "standard", "service_tier"),
        ("workspace_ids", "wrkspc_theirs", "workspace_id"),
        ("inference_geos", "us", "inference_geo"),
        ("context_window", "0-200k", "context_window"),
    ],
)
def test_usage_is_restricted_to_what_is_asked_for(emulate, ask, parameter, value, key):
    api = two_of_everything(emulate, ask)

    found = rows(get(api, USAGE, group_by=[key], **{parameter: [value]}))

    assert [row[key] for row in found] == [value]


def test_a_filter_that_nothing_meets_leaves_empty_buckets(emulate, ask):
    api = two_of_everything(emulate, ask)

    answer = get(api, USAGE, models=["claude-haiku-5-5"])

    assert len(answer.json["data"]) == 1
    assert rows(answer) == []


def test_a_batch_shows_in_the_minutes_in_which_it_was_processed(emulate, clock, ask):
    api = emulate(turnaround=600.0)
    batch = api.create([{"custom_id": f"r-{n}", "params": ask()} for n in range(20)])
    clock.advance(600 + LATE)

    answer = get(api, USAGE, starting_at=stamp(START), bucket_width="1m")

    busy = [bucket for bucket in answer.json["data"] if bucket["results"]]
    assert len(busy) in (10, 11)
    [line] = {row["output_tokens"] for bucket in busy[1:-1] for row in bucket["results"]}
    assert line * 10 == sum(row["output_tokens"] for row in rows(answer))
    assert batch["request_counts"]["processing"] == 20


@pytest.mark.parametrize("wait", [0, 299])
def test_what_was_just_used_is_not_shown_yet(api, clock, ask, wait):
    run(api, ask())
    clock.advance(wait)

    assert rows(get(api, USAGE)) == []


def test_a_batch_under_way_is_not_shown(emulate, clock, ask):
    api = emulate(turnaround=7_200.0)
    api.create([{"custom_id": "a", "params": ask()}] * 1)
    clock.advance(7_199)

    assert rows(get(api, USAGE)) == []


def test_batches_that_were_deleted_or_have_aged_stay_in_the_reports(api, clock, ask):
    batch = api.create([{"custom_id": "a", "params": ask()}])
    old = api.create([{"custom_id": "a", "params": ask()}])
    clock.advance(300)
    assert api.call("DELETE", f"{BATCHES}/{batch['id']}").status == 200
    clock.advance(30 * DAY)
    assert api.get(f"{BATCHES}/{old['id']}/results").status == 404

    assert cents(get(api, COST)) == bill_in_cents(api) > 0


def test_planted_batches_of_others_are_not_in_the_reports(api, clock):
    api.world.plant_foreign(5)
    clock.advance(300 + LATE)

    assert rows(get(api, USAGE)) == []


# Buckets and pages


@pytest.mark.parametrize(
    ("width", "seconds", "usual", "most"),
    [("1m", MINUTE, 60, 1_440), ("1h", HOUR, 24, 168), ("1d", DAY, 7, 31)],
)
def test_each_width_has_a_usual_and_a_largest_number_of_buckets(
    api, clock, width, seconds, usual, most
):
    clock.advance(40 * DAY)

    def buckets(**asked):
        return get(api, USAGE, bucket_width=width, **asked)

    data = buckets().json["data"]
    assert len(data) == usual
    assert data[0]["starting_at"] == stamp(MIDNIGHT)
    assert data[0]["ending_at"] == data[1]["starting_at"] == stamp(MIDNIGHT + seconds)
    assert len(buckets(limit=most).json["data"]) == most
    assert buckets(limit=most + 1).status == 400
    assert buckets(limit=0).status == 400
    assert buckets(limit="many").status == 400


def test_pages_follow_each_other_without_gap_or_repeat(api, clock, ask):
    for _ in range(6):
        run(api, ask())
        clock.advance(DAY - 300)
    clock.advance(LATE)

    pages, token = [], None
    while True:
        page = get(api, USAGE, limit=2, page=token).json
        pages.append(page)
        token = page["next_page"]
        assert page["has_more"] is (token is not None)
        if token is None:
            break
    whole = get(api, USAGE, limit=31).json

    assert [bucket for page in pages for bucket in page["data"]] == whole["data"]
    assert len(pages) == 4
    assert len(whole["data"]) == 7
    assert whole["has_more"] is False


def test_times_are_snapped_to_whole_buckets(api, clock):
    clock.advance(10 * DAY)

    answer = get(
        api, USAGE, starting_at=stamp(START + DAY), ending_at="2026-09-24T01:00:00.5+02:00"
    )

    starts = [bucket["starting_at"] for bucket in answer.json["data"]]
    assert starts == ["2026-09-22T00:00:00Z"]
    assert answer.json["has_more"] is False


def test_days_that_have_not_begun_are_not_shown(api):
    answer = get(api, USAGE, ending_at=stamp(MIDNIGHT + 5 * DAY))

    assert len(answer.json["data"]) == 1
    assert get(api, USAGE, starting_at=stamp(MIDNIGHT + 2 * DAY)).json == {
        "data": [],
        "has_more": False,
        "next_page": None,
    }


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"starting_at": None}, "starting_at: Field required"),
        ({"starting_at": "yesterday"}, "starting_at: Input should be a valid datetime"),
        ({"ending_at": stamp(MIDNIGHT - 1)}, "ending_at: must be after starting_at"),
        ({"bucket_width": "1w"}, "bucket_width: Input should be '1d' or '1h' or '1m'"),
        ({"group_by": ["custom_id"]}, "group_by: Input should be"),
        ({"page": "page_!"}, "page: Input should be"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(api, asked, told):
    refused = get(api, USAGE, **asked)

    assert refused.status == 400
    assert refused.message.startswith(told)


# Cost


def test_costs_add_up_to_the_bill_to_the_picodollar(emulate, ask):
    api = two_of_everything(emulate, ask)

    for groups in ([], ["description"], ["workspace_id"], ["workspace_id", "description"]):
        assert cents(get(api, COST, group_by=groups)) == bill_in_cents(api)


def test_costs_without_groups_are_one_amount_a_day(api, clock, ask):
    run(api, ask("12345678901234567890"))
    clock.advance(LATE)

    [row] = rows(get(api, COST))

    # 18 tokens in and 9 out on Haiku 4.5 in a batch: 31.5 millionths of a dollar.
    assert row == {
        "currency": "USD",
        "amount": "0.00315",
        "description": None,
        "cost_type": None,
        "token_type": None,
        "model": None,
        "service_tier": None,
        "context_window": None,
        "inference_geo": None,
        "workspace_id": None,
    }


def test_costs_are_told_apart_by_kind_of_token(emulate, clock, ask):
    api = emulate(web_searches=1)
    mark = {"cache_control": {"type": "ephemeral"}}
    system = [{"type": "text", "text": "x" * 7_000, **mark}]
    params = ask(model="claude-sonnet-4-6", system=system, tools=[SEARCH])
    run(api, params, count=2)
    clock.advance(LATE)

    found = {row["token_type"]: row for row in rows(get(api, COST, group_by=["description"]))}

    assert set(found) == {
        None,
        "uncached_input_tokens",
        "output_tokens",
        "cache_creation.ephemeral_5m_input_tokens",
        "cache_read_input_tokens",
    }
    assert found[None]["cost_type"] == "web_search"
    assert (found[None]["amount"], found[None]["model"]) == ("2", None)
    read = found["cache_read_input_tokens"]
    assert read["description"] == "Claude Sonnet 4.6 Usage - Input Tokens, Cache Read, Batch"
    assert (read["cost_type"], read["service_tier"]) == ("tokens", "batch")
    assert read["model"] == "claude-sonnet-4-6"


def test_costs_of_both_haiku_prices_add_up(api, clock, ask):
    texts = ["x" * 1_000, "x" * 280_000]
    run(api, *[ask(text, model="claude-haiku-5-5") for text in texts])
    clock.advance(LATE)

    assert cents(get(api, COST, group_by=["description"])) == bill_in_cents(api)


def test_the_default_workspace_has_no_id(emulate, ask):
    api = two_of_everything(emulate, ask)

    found = rows(get(api, COST, group_by=["workspace_id"]))

    assert [row["workspace_id"] for row in found] == [None, "wrkspc_theirs"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"bucket_width": "1h"}, "bucket_width: Input should be '1d'"),
        ({"group_by": ["model"]}, "group_by: Input should be"),
        ({"limit": 32}, "limit: Input should be between 1 and 31"),
    ],
)
def test_costs_are_by_day_and_by_workspace_or_description_only(api, asked, told):
    refused = get(api, COST, **asked)

    assert refused.status == 400
    assert refused.message.startswith(told)


def test_nobody_is_charged_for_what_failed_or_was_canceled(emulate, clock, ask):
    api = emulate(turnaround=100.0)
    batch = api.create([{"custom_id": f"r-{n}", "params": ask()} for n in range(10)])
    clock.advance(50)
    api.post(f"{BATCHES}/{batch['id']}/cancel")
    clock.advance(25 + LATE)

    [row] = rows(get(api, USAGE))

    assert row["uncached_input_tokens"] == 5 * 14
    assert cents(get(api, COST)) == bill_in_cents(api)


def test_the_same_seed_gives_the_same_reports(emulate, clock, ask):
    def report():
        clock.time = float(START)
        return get(two_of_everything(emulate, ask), COST, group_by=["description"]).body

    assert report() == report()

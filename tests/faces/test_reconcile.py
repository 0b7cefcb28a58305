"""`reconcile`: the ledger beside the Admin API's own reports."""

import json

import pytest

ADMIN = {"ANTHROPIC_ADMIN_KEY": "sk-ant-admin01-boss"}
LATE = 400
MODEL = ("--model", "claude-haiku-4-5")


@pytest.fixture
def collected(call, clock, reviews, tmp_path):
    """A run that is paid, some minutes ago."""
    words = ("run", reviews, "--prompt", "{{ text }}", "-o", tmp_path / "out.csv", *MODEL, "--yes")
    assert call(*words).code == 0
    clock.sleep(LATE)


@pytest.mark.usefixtures("collected")
def test_the_ledger_agrees_with_the_reports_to_the_picodollar(call, world):
    said = call("reconcile", "--json", environment=ADMIN)

    assert said.code == 0
    assert said.json["agrees"] is True
    assert said.json["token_gap"] == 0
    assert said.json["theirs_usd"] == said.json["ours_usd"]
    assert float(said.json["ours_usd"]) == world.bill().total / 1e12


@pytest.mark.usefixtures("collected")
def test_a_person_reads_both_sides_of_each_day(call):
    said = call("reconcile", environment=ADMIN)

    assert "our tokens" in said.out
    assert "the ledger agrees with Anthropic's account" in said.out


@pytest.mark.usefixtures("collected")
def test_what_another_program_sent_is_a_gap(call, clock, client, ask):
    client.messages.batches.create(requests=[{"custom_id": "other", "params": ask("good")}])
    clock.sleep(LATE)

    said = call("reconcile", "--json", environment=ADMIN)

    assert said.code == 3
    assert said.json["agrees"] is False
    assert said.json["token_gap"] > 0


def test_a_batch_that_is_not_collected_is_said(call, clock, requests):
    call("enqueue", requests)
    call("drain")
    clock.sleep(LATE)

    said = call("reconcile", environment=ADMIN)

    assert "1 batch sent and not collected" in said.out


@pytest.mark.usefixtures("collected")
def test_saved_pages_need_no_key(call, tmp_path):
    live = call("reconcile", "--json", environment=ADMIN).json
    (line,) = live["lines"]
    cents = float(line["ours_usd"]) * 100
    page = {
        "data": [
            {
                "starting_at": f"{line['day']}T00:00:00Z",
                "ending_at": f"{line['day']}T23:59:59Z",
                "results": [
                    {"amount": f"{cents + 12:.8f}", "service_tier": "batch", "workspace_id": None},
                    {"amount": "99", "service_tier": "standard", "workspace_id": None},
                    {"amount": "30", "cost_type": "web_search", "workspace_id": None},
                    {"amount": "5", "service_tier": "batch", "workspace_id": "wrkspc_other"},
                ],
            }
        ],
        "has_more": False,
        "next_page": None,
    }
    saved = tmp_path / "cost.json"
    saved.write_text(json.dumps(page), encoding="utf-8")

    said = call("reconcile", "--from", saved)

    assert said.code == 3
    assert "$0.12" in said.out
    assert "web searches cost $0.30" in said.out


def test_without_a_key_and_without_pages_the_next_step_is_told(call):
    said = call("reconcile", "--json")

    assert said.code == 4
    assert said.error["code"] == "key_missing"
    assert "--from FILE" in said.error["hint"]


def test_a_refused_key_is_named_and_never_shown(call):
    said = call("reconcile", environment={"ANTHROPIC_ADMIN_KEY": "sk-ant-api03-no-admin"})

    assert said.code == 5
    assert "ANTHROPIC_ADMIN_KEY" in said.err
    assert "no-admin" not in said.err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--since", "yesterday"), "2026-11-22"),
        (("--since", "2026-11-02", "--until", "2026-11-01"), "earlier day"),
        (("--from", "nowhere.json"), "check the path"),
    ],
)
def test_a_wrong_option_is_answered_with_the_next_step(call, words, named):
    said = call("reconcile", *words, environment=ADMIN)

    assert said.code == 2
    assert named in said.err

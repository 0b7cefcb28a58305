"""`submit` and `ticket`: one request from a file, and its answer on the terminal."""

import json
from pathlib import Path
from typing import Any

import pytest

from backburner.emulator.settings import Rule

NIGHT = """
[lanes.default]
zone = "UTC"
[[lanes.default.windows]]
from = "23:00"
until = "06:00"
"""

ROUTES = """
[lanes.slow]
[[routes]]
name = "drafts"
when = { kind = "draft" }
give = { model = "claude-sonnet-4-6", urgency = "soon", lane = "slow" }
"""


@pytest.fixture
def body(tmp_path: Path) -> Path:
    path = tmp_path / "body.json"
    turn = {"role": "user", "content": "a good film"}
    path.write_text(
        json.dumps({"model": "claude-haiku-4-5", "max_tokens": 10, "messages": [turn]}, indent=1)
    )
    return path


def test_submit_prints_the_ticket_and_ticket_waits_for_its_answer(call: Any, body: Path) -> None:
    ticket = call("submit", body).out.strip()

    assert ticket.startswith("tk_")
    assert "in the inbox" in call("ticket", ticket).out
    assert call("status", ticket).out == call("ticket", ticket).out
    assert call("ticket", ticket, "--wait").out == "positive\n"
    assert call("ticket", ticket).out == "positive\n"


def test_submit_waits_for_the_answer_if_asked(call: Any, body: Path) -> None:
    said = call("submit", "-", "--wait", "--json", stdin=body.read_bytes())

    assert said.json["outcome"] == "ok"
    assert said.json["result"]["message"]["content"][0]["text"] == "positive"


def test_a_ticket_without_an_answer_ends_with_its_outcome(
    call: Any, make_client: Any, make_world: Any, body: Path
) -> None:
    client = make_client(make_world(rules=(Rule("", kind="invalid_request_error"),)))
    said = call("submit", body, "--wait", client=client)

    assert said.code == 3
    assert "(rejected) (not_answered)" in said.err
    ticket = said.err.split()[5]
    assert f"hint: `backburner ticket {ticket} --json` shows the API's own words" in said.err
    again = call("ticket", ticket, "--json", client=client)
    assert (again.code, again.json["outcome"]) == (3, "rejected")
    assert again.json["result"]["error"]["error"]["type"] == "invalid_request_error"


def test_a_ticket_that_was_canceled_before_it_was_sent_says_so(call: Any, body: Path) -> None:
    ticket = call("submit", body).out.strip()
    call("cancel", ticket)

    said = call("ticket", ticket)

    assert said.code == 3
    assert "was canceled (canceled) (not_answered)" in said.err
    assert "hint: it was never sent; submit it again" in said.err


def test_a_key_conflict_names_the_key(call: Any, body: Path) -> None:
    call("submit", body, "--key", "film 7")

    said = call("submit", "-", "--key", "film 7", stdin=body.read_bytes().replace(b"good", b"bad"))

    assert said.code == 2
    assert "the key 'film 7' belongs to another request" in said.err


def test_a_broken_body_is_told_without_lines_that_nobody_wrote(call: Any) -> None:
    said = call("submit", "-", stdin=b'{"model": "claude-haiku-4-5", "messages": [{}]}')

    assert said.code == 2
    assert said.err.startswith("error: the request: max_tokens is missing (parameter_refused)")


def test_what_may_be_a_slip_is_warned_of_and_kept(call: Any, body: Path) -> None:
    odd = body.read_bytes().replace(b'"max_tokens"', b'"max_token": 5, "max_tokens"')

    said = call("submit", "-", stdin=odd)

    assert said.out.startswith("tk_")
    assert said.err.startswith("warning: the parameter 'max_token' is unknown here")
    assert call("submit", "-", "--json", stdin=odd).json["warnings"][0]["code"] == (
        "parameter_unknown"
    )


def test_status_shows_the_inbox_and_one_line_a_day(call: Any, home: Path, body: Path) -> None:
    home.mkdir()
    (home / "backburner.toml").write_text(NIGHT)
    for _ in range(3):
        call("submit", body)
    assert "3 requests, sealed when the window opens at 23:00" in call("status").out

    call("submit", body, "--urgency", "soon", "--wait")
    call("submit", body, "--urgency", "soon", "--wait")

    status = call("status")
    (line,) = [line for line in status.out.splitlines() if line.startswith("inbox  20")]
    assert line.split("  ")[2:] == ["finished", "2 of 2", "tickets, in 2 runs"]
    told = call("status", "--json").json
    assert told["lane"]["inbox"][0]["tickets"] == 3
    assert told["lane"]["inbox_days"][0]["runs"] == 2
    assert told["runs"] == []


def test_drain_tells_of_tickets_together(call: Any, clock: Any, body: Path) -> None:
    for _ in range(3):
        call("submit", body, "--urgency", "soon")
    call("drain")
    clock.sleep(60)

    said = call("drain")

    assert "3 tickets ended: 3 ok; paid $0.0000" in said.out
    assert "results" not in said.out


def test_the_report_has_one_line_a_day_for_tickets(call: Any, body: Path) -> None:
    for urgency in ("soon", "now", "soon"):
        call("submit", body, "--urgency", urgency, "--wait")

    (group,) = call("report", "--json").json["groups"]

    assert group["run"].startswith("inbox 20")
    assert group["answers"] == 3


def test_a_ticket_is_canceled_by_its_id(call: Any, body: Path) -> None:
    ticket = call("submit", body).out.strip()

    said = call("cancel", ticket)

    assert said.out == f"ticket {ticket} is canceled: it was not sent, and costs nothing\n"
    assert call("ticket", ticket).code == 3
    assert call("cancel", ticket).out == f"ticket {ticket} ended already (canceled)\n"


def test_a_ticket_is_found_whatever_its_lane(call: Any, body: Path) -> None:
    ticket = call("submit", body, "--lane", "night").out.strip()

    assert call("ticket", ticket, "--wait").out == "positive\n"
    assert call("ticket", ticket, "--json").json["lane"] == "night"


def test_route_rules_choose_model_and_time_of_a_single_request(
    call: Any, home: Path, body: Path
) -> None:
    home.mkdir()
    (home / "backburner.toml").write_text(ROUTES)

    drafted = call("submit", body, "--kind", "draft", "--json").json
    asked = call("submit", body, "--kind", "draft", "--urgency", "soon", "--json").json
    plain = call("submit", body, "--no-routes", "--json").json

    assert (drafted["route"], drafted["urgency"], drafted["lane"]) == ("drafts", "soon", "slow")
    assert (asked["route"], asked["urgency"]) == ("drafts", "soon")
    assert (plain["route"], plain["urgency"]) == (None, "window")
    told = call("ticket", drafted["ticket"], "--wait", "--json").json
    assert told["result"]["message"]["model"].startswith("claude-sonnet-4-6")

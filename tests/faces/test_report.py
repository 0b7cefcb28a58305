"""`report`: for a person, for a program, for a table."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Said


def test_the_report_tells_each_saving_for_each_run(call: Callable[..., Said], done: str) -> None:
    said = call("report")

    heading, row, *_ = said.out.splitlines()
    assert heading.split() == ["run", "answers", "sync", "collapsing", "batch", "cache", "paid"]
    assert row.startswith(f"{done} reviews.csv ")
    facts = dict(line.split("  ", 1) for line in said.out.splitlines()[3:])
    assert facts["spent on retries"].strip() == "$0.00 (attempts after a request's first)"
    assert facts["in doubt"].strip() == "nothing"
    assert (said.code, said.err) == (0, "")
    assert max(map(len, said.out.splitlines())) <= 80


def test_the_report_of_a_run_is_its_receipt(call: Callable[..., Said], done: str) -> None:
    said = call("report", "--run", done)

    facts = dict(line.split("  ", 1) for line in said.out.splitlines())
    assert facts["run"].strip().startswith(f"{done} (")
    assert facts["rows"].strip() == "4: 4 ok"
    assert facts["requests"].strip() == "3 (1 row shared one)"
    assert facts["answers"].strip().startswith("3 ")
    assert facts["prices of"].strip()
    found = call("report", "--run", done, "--json").json
    assert found["receipt"]["paid_usd"] == found["total"]["paid_usd"]
    assert found["receipt"]["sync_equivalent_usd"] == found["total"]["sync_equivalent_usd"]


def test_a_run_that_is_not_finished_has_no_receipt_yet(
    call: Callable[..., Said], requests: Path
) -> None:
    run = call("enqueue", requests, "--json").json["run"]
    call("drain")

    said, found = call("report", "--run", run), call("report", "--run", run, "--json").json

    assert "nothing was spent" in said.out
    assert found["receipt"] is None
    assert found["total"]["answers"] == 0


@pytest.mark.usefixtures("done")
@pytest.mark.parametrize("by", ["run", "day", "lane", "model", "tag", "owner"])
def test_the_csv_has_the_same_records_as_the_json(call: Callable[..., Said], by: str) -> None:
    rows = list(csv.DictReader(io.StringIO(call("report", "--by", by, "--csv").out)))

    groups = call("report", "--by", by, "--json").json["groups"]
    assert rows == [{name: str(value) for name, value in group.items()} for group in groups]
    assert len(rows) == 1


def test_the_csv_of_nothing_is_its_heading(call: Callable[..., Said]) -> None:
    said = call("report", "--csv")

    (heading,) = said.out.splitlines()
    assert heading.startswith("run,name,answers,")
    assert said.code == 0


@pytest.mark.usefixtures("done")
def test_days_choose_what_is_told(call: Callable[..., Said]) -> None:
    day = call("report", "--by", "day", "--json").json["groups"][0]["day"]

    assert call("report", "--since", day, "--until", day, "--json").json["total"]["runs"] == 1
    assert call("report", "--since", "2999-01-01", "--json").json["total"]["runs"] == 0
    assert "nothing was spent" in call("report", "--until", "1999-01-01").out


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "20261122", "2026-11-2"])
def test_what_is_no_day_is_refused(call: Callable[..., Said], day: str) -> None:
    said = call("report", "--since", day)

    assert said.code == 2
    assert f"since is no day: '{day}'" in said.err
    assert "2026-11-22" in said.err


@pytest.mark.usefixtures("done")
def test_a_lane_of_another_upstream_is_reported_all_the_same(call: Callable[..., Said]) -> None:
    environment = {"ANTHROPIC_BASE_URL": "https://elsewhere.example"}

    said = call("report", "--json", client=None, environment=environment)

    assert said.json["total"]["runs"] == 1


def test_csv_and_json_exclude_each_other(call: Callable[..., Said]) -> None:
    said = call("report", "--csv", "--json")

    assert said.code == 2
    assert "exclude each other" in json.loads(said.err)["error"]["message"]


@pytest.mark.usefixtures("done")
def test_an_older_page_is_replaced_and_nothing_else(
    call: Callable[..., Said], tmp_path: Path
) -> None:
    page, other = tmp_path / "report.html", tmp_path / "notes.html"
    other.write_text("<html>mine</html>")

    codes = [call("report", "--html", page).code for _ in range(2)]
    refused = call("report", "--html", other)

    assert codes == [0, 0]
    assert refused.code == 2
    assert "is there already, and is no page of ours" in refused.err
    assert other.read_text() == "<html>mine</html>"
    assert call("report", "--html", other, "--force").code == 0
    assert other.read_text().startswith("<!doctype html>")


@pytest.mark.usefixtures("done")
def test_a_page_into_a_folder_that_is_not_there_is_refused(
    call: Callable[..., Said], tmp_path: Path
) -> None:
    said = call("report", "--html", tmp_path / "gone" / "report.html")

    assert said.code == 2
    assert "is not there" in said.err

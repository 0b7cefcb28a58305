"""The figures of the cache planner, on the beginnings of two real tables."""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = 400
ORDERS = ["the table's", "best fixed", "ours", "bound"]


@pytest.fixture(scope="module")
def figures(tmp_path_factory):
    path = tmp_path_factory.mktemp("caching") / "figures.json"
    command = [sys.executable, "-m", "bench.caching", "--rows", str(ROWS), "--sizes", "1000"]
    subprocess.run([*command, "--json", str(path)], cwd=ROOT, capture_output=True, check=True)
    return json.loads(path.read_bytes())


def test_on_every_table_ours_shares_at_least_what_others_do_and_at_most_the_bound(figures):
    tables = defaultdict(list)
    for one in figures["shares"]:
        tables[one["table"]].append(one)

    assert "functions" in tables
    for lines in tables.values():
        assert [one["order"] for one in lines] == ORDERS
        assert {one["rows"] for one in lines} == {ROWS}
        shared = [one["by_cells"] for one in lines]
        assert shared == sorted(shared)
        assert lines[2]["of_bound"] > 0.8


def test_the_planner_is_never_dearer_than_no_cache_and_the_oracle_never_dearer_than_it(figures):
    for lines in figures["costs"].values():
        by_case = defaultdict(dict)
        for one in lines:
            by_case[one["instructions"], one["minimum"]][one["policy"]] = one["costs"]
        assert len(by_case) == 3
        for costs in by_case.values():
            for policy in ("planner, 5 minutes", "planner, 1 hour"):
                assert all(cost <= 1 for cost in costs[policy])
                assert all(map(float.__le__, costs["oracle"], costs[policy]))


def test_marking_all_for_an_hour_at_30_percent_hits_costs_more_than_no_cache(figures):
    ours = [one for one in figures["costs"]["our layout"] if one["policy"] == "mark all, 1 hour"]

    assert any(one["costs"][0] > 1.4 for one in ours)


def test_the_worst_case_is_timed_beside_the_tables(figures):
    timed = {one["table"] for one in figures["seconds"]}

    assert {"pairs, equal", "pairs, 60 % of the cells equal"} <= timed

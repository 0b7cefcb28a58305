"""Whose a run is, and what it is for: kept with it, and unknown of a run from before."""

from sqlalchemy import text

from backburner.store.runs import run_get, run_insert


def test_a_run_keeps_its_owner_its_tags_its_cache_and_its_budget_mode(store, new_run):
    labelled = new_run(
        "r2", owner="ann", tags="nightly,seo", cache='{"marks":1}', budget_mode="expected"
    )

    with store.write() as tx:
        run_insert(tx, labelled)

    with store.read() as tx:
        assert run_get(tx, "r2") == labelled


def test_a_run_of_an_older_store_has_none(store):
    with store.write() as tx:
        tx.execute(
            text(
                """INSERT INTO run (id, lane, name, identity, parts, spec, source, rows, requests,
                   collapsed, prefix, created_at, collapsed_sync, price_date)
                   VALUES ('old', 'default', '', '', '{}', '', '', 0, 0, 0, '', 0, 0, '')"""
            )
        )

    with store.read() as tx:
        old = run_get(tx, "old")
    assert (old.owner, old.tags, old.cache, old.budget_mode) == ("", "", "", "worst")

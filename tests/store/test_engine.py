"""Opening a store: made from nothing, opened again, and refused where it would lose commits."""

import fcntl
import subprocess
import sys
import threading

import pytest
from sqlalchemy import create_engine, text

from backburner.errors import StoreDamaged, StoreUnusable
from backburner.store import Store
from backburner.store.engine import SCHEMA_VERSION, file_system_of
from backburner.store.lanes import lane_get, lane_pin
from backburner.store.migrations import upgrade
from backburner.store.owners import Owner
from backburner.store.schema import metadata


def test_migrations_make_what_a_new_store_has(store, tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'migrated.db'}")

    upgrade(engine)

    with engine.connect() as migrated, store.read() as made:
        assert described(migrated) == described(made)
    engine.dispose()


def described(tx):
    """What a store has, but for the texts of its statements."""
    names = tx.execute(text("SELECT name, type FROM sqlite_master WHERE sql NOT NULL")).all()
    found = {}
    for name, kind in names:
        if kind == "index":
            found[name] = [row[2] for row in tx.execute(text(f"PRAGMA index_info({name})"))]
            continue
        columns = [tuple(row) for row in tx.execute(text(f"PRAGMA table_info({name})"))]
        keys = sorted(
            (row.table, row[3], row[4])
            for row in tx.execute(text(f"PRAGMA foreign_key_list({name})"))
        )
        unique = sorted(
            tuple(one[2] for one in tx.execute(text(f"PRAGMA index_info({row.name})")))
            for row in tx.execute(text(f"PRAGMA index_list({name})"))
            if row.unique
        )
        found[name] = (columns, keys, unique)
    return found


def test_a_new_store_is_what_the_statements_are_written_against(store):
    with store.read() as tx:
        for table in metadata.sorted_tables:
            found = tx.execute(text(f"PRAGMA table_info({table.name})")).all()
            assert [column.name for column in table.columns] == [row.name for row in found]
        assert (
            tx.execute(text("SELECT version_num FROM alembic_version")).scalar() == SCHEMA_VERSION
        )


def test_indexes_are_those_of_the_schema(store):
    with store.read() as tx:
        rows = tx.execute(
            text("SELECT name FROM sqlite_master WHERE type='index' AND sql NOT NULL")
        )
        made = {row.name for row in rows}
    assert made == {index.name for table in metadata.sorted_tables for index in table.indexes}


def test_a_store_is_opened_again_with_what_was_committed(store, open_store):
    store.close()

    with open_store().read() as tx:
        assert lane_get(tx, "default").base_url == "http://emulator"


def test_two_threads_may_open_a_new_store_at_once(tmp_path):
    faults = []

    def open_one():
        try:
            Store(tmp_path).close()
        except StoreUnusable as error:
            faults.append(error)

    threads = [threading.Thread(target=open_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []


def test_a_store_of_a_newer_version_is_refused(store, tmp_path):
    with store.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(StoreUnusable, match="9999") as raised:
        Store(tmp_path)
    assert "upgrade" in raised.value.hint


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_a_network_file_system_is_refused(tmp_path, kind):
    with pytest.raises(StoreUnusable, match=kind):
        Store(tmp_path, file_system=lambda _home: kind)

    assert not (tmp_path / "backburner.db").exists()


def test_this_file_system_is_known(tmp_path):
    assert file_system_of(tmp_path)


def test_what_is_no_database_is_told(tmp_path):
    (tmp_path / "backburner.db").write_bytes(b"not a database" * 1000)

    with pytest.raises(StoreDamaged, match=r"backburner\.db"):
        Store(tmp_path)


def test_a_full_disk_and_a_fault_of_ours_are_told_apart(store):
    def fill() -> None:
        with store.write() as tx:
            tx.execute(text("PRAGMA max_page_count = 1"))
            tx.execute(text("CREATE TABLE one_more (x)"))

    with pytest.raises(StoreUnusable) as full:
        fill()
    with pytest.raises(StoreUnusable) as ours, store.write() as tx:
        tx.execute(text("SELECT nothing"))

    assert "free space" in full.value.hint
    assert "a fault of Backburner" in ours.value.hint


@pytest.mark.parametrize("death", [ValueError, KeyboardInterrupt])
def test_a_transaction_that_is_broken_off_leaves_nothing(store, now, death):
    with pytest.raises(death), store.write() as tx:  # noqa: PT012  # the death is the block's end
        lane_pin(tx, "other", "u", now)
        raise death

    with store.read() as tx:
        assert lane_get(tx, "other") is None


def test_a_reader_sees_one_state_throughout(store, now):
    with store.read() as before:
        assert lane_get(before, "other") is None
        with store.write() as tx:
            lane_pin(tx, "other", "u", now)
        assert lane_get(before, "other") is None
    with store.read() as after:
        assert lane_get(after, "other") is not None


def test_commits_outlast_power(store):
    with store.write() as tx:
        assert tx.execute(text("PRAGMA synchronous")).scalar() == 2
        assert tx.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert tx.execute(text("PRAGMA foreign_keys")).scalar() == 1


def test_an_owner_is_alive_while_its_object_holds_the_lock(tmp_path):
    one, two = Owner(tmp_path, "one"), Owner(tmp_path, "two")

    assert one.is_alive("two")
    assert one.is_alive("one")
    assert not one.is_alive("nobody")
    two.close()
    assert not one.is_alive("two")
    one.close()


def test_an_owner_whose_process_was_killed_is_dead_at_once(tmp_path):
    script = (
        "import sys, pathlib; from backburner.store.owners import Owner;"
        "owner = Owner(pathlib.Path(sys.argv[1]), 'v2');"
        "print('ready', flush=True); sys.stdin.read()"
    )
    me = Owner(tmp_path, "me")
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        child.stdout.readline()
        assert me.is_alive("v2")
        child.kill()
        child.wait()
        assert not me.is_alive("v2")
    assert not (tmp_path / "owners" / "v2.lock").exists()
    me.close()


def test_a_lock_file_left_by_a_death_is_free(tmp_path):
    owner = Owner(tmp_path, "me")
    left = tmp_path / "owners" / "gone.lock"
    left.write_text("")

    assert not owner.is_alive("gone")
    with (tmp_path / "owners" / "me.lock").open() as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    owner.close()

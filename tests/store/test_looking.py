"""A look into a store tells how it stands, and leaves it as it is."""

from sqlalchemy import text

from backburner.store import Store
from backburner.store.engine import SCHEMA_VERSION
from backburner.store.lanes import lane_pin
from backburner.store.looking import look_into


def set_version(home, version):
    store = Store(home)
    with store.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version})
    store.close()


def test_where_there_is_no_store_none_is_made(tmp_path):
    assert look_into(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_a_store_in_use_tells_its_schema_and_its_lanes(tmp_path):
    store = Store(tmp_path)
    with store.write() as tx:
        lane_pin(tx, "default", "http://emulator", 1.0)

    look = look_into(tmp_path)

    assert (look.version, look.fault) == (SCHEMA_VERSION, "")
    assert [(one.name, one.base_url) for one in look.lanes] == [("default", "http://emulator")]
    store.close()


def test_an_older_store_is_told_and_not_migrated(tmp_path):
    set_version(tmp_path, "0001")

    look = look_into(tmp_path)

    assert look.is_older
    assert not look.is_newer
    assert look.lanes == ()
    assert look_into(tmp_path).version == "0001"


def test_a_newer_store_is_told(tmp_path):
    set_version(tmp_path, "9999")

    look = look_into(tmp_path)

    assert look.is_newer
    assert not look.is_older


def test_a_damaged_store_is_told(tmp_path):
    Store(tmp_path).close()
    path = tmp_path / "backburner.db"
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)

    assert look_into(tmp_path).fault

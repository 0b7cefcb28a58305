"""Migrations, from the first table on. Imported only when the store is not at the newest one."""

from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Engine


def upgrade(engine: Engine) -> None:
    """Bring a store to the newest schema, in one transaction."""
    scripts = ScriptDirectory(str(Path(__file__).parent))
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        context = MigrationContext.configure(
            connection,
            opts={"fn": lambda rev, _: scripts._upgrade_revs("head", rev)},  # noqa: SLF001  # Alembic's own commands do the same
        )
        with Operations.context(context):
            context.run_migrations()
        connection.exec_driver_sql("COMMIT")

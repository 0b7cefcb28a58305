"""The daily search for late duplicates is called looking back: `audit` is what reads logs."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Rename a column."""
    op.execute("ALTER TABLE lane RENAME COLUMN audited_at TO looked_back_at")

"""Packs of rows: how many requests of a run are packs, and where rows that left theirs are."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the columns. Runs that are there have no packs."""
    packed = sa.Column("packed", sa.Integer, nullable=False, server_default=sa.text("0"))
    op.add_column("run", packed)
    op.add_column("run", sa.Column("moved", sa.Text))

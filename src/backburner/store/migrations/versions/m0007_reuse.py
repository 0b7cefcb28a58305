"""Reuse: how many of a run's answers are those of earlier runs, and what they would have cost."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the columns. A run that is there already has reused nothing."""
    for name, kind in (("reused", sa.Integer), ("reused_sync", sa.BigInteger)):
        column = sa.Column(name, kind, nullable=False, server_default=sa.text("0"))
        op.add_column("run", column)

"""Budgets: limits, what is reserved under them, what batches can cost, and whose a run is."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns and tables. A run that is there already has no tags and no owner."""
    for name, default in (("owner", ""), ("tags", ""), ("cache", ""), ("budget_mode", "worst")):
        text = sa.text(f"'{default}'")
        op.add_column("run", sa.Column(name, sa.Text, nullable=False, server_default=text))
    op.create_table(
        "budget",
        sa.Column("scope", sa.String, primary_key=True),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("reserved", sa.BigInteger, nullable=False),
        sa.Column("spent", sa.BigInteger, nullable=False),
        sa.Column("set_at", sa.Float, nullable=False),
    )
    op.create_table(
        "reservation",
        sa.Column("batch", sa.Integer, sa.ForeignKey("batch.id"), primary_key=True),
        sa.Column("scope", sa.String, sa.ForeignKey("budget.scope"), primary_key=True),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("paid", sa.BigInteger, nullable=False),
    )
    op.create_index("reservation_scope", "reservation", ["scope"])
    op.create_table(
        "worst_case",
        sa.Column("batch", sa.Integer, sa.ForeignKey("batch.id"), primary_key=True),
        sa.Column("run", sa.String, sa.ForeignKey("run.id"), primary_key=True),
        sa.Column("requests", sa.Integer, nullable=False),
        sa.Column("unbounded", sa.Integer, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
    )

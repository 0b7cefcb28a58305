"""Web searches in the ledger: they are paid for by the request, beside the tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column. Searches of what was booked before are in no amount of it."""
    count = sa.Column("web_searches", sa.Integer, nullable=False, server_default=sa.text("0"))
    op.add_column("ledger", count)

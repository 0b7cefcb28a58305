"""On time: urgency and deadlines, inbox and tickets, direct calls, notices, pruning, outputs."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_RUN = (
    sa.Column("urgency", sa.Text, nullable=False, server_default=sa.text("'window'")),
    sa.Column("deadline", sa.Float),
    sa.Column("rescue", sa.BigInteger),
    sa.Column("rescued_at", sa.Float),
    sa.Column("missed_at", sa.Float),
    sa.Column("miss_cause", sa.Text),
    sa.Column("is_inbox", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("routes", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("pruned_at", sa.Float),
    sa.Column("kept", sa.Text, nullable=False, server_default=sa.text("''")),
)
_BATCH = (
    sa.Column("urgency", sa.Text, nullable=False, server_default=sa.text("'window'")),
    sa.Column("deadline", sa.Float),
    sa.Column("model", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("turnaround", sa.Float),
    sa.Column("forecast_median", sa.Float),
    sa.Column("forecast_late", sa.Float),
    sa.Column("deleted_at", sa.Float),
    sa.Column("pruned_at", sa.Float),
)


def upgrade() -> None:
    """Add the columns and tables. A run that is there already waits for its lane's window."""
    for column in _RUN:
        op.add_column("run", column)
    for column in _BATCH:
        op.add_column("batch", column)
    op.add_column("lane", sa.Column("window_seen_at", sa.Float))
    op.create_table(
        "output_file",
        sa.Column("path_hash", sa.String, primary_key=True),
        sa.Column("run", sa.String, sa.ForeignKey("run.id"), nullable=False),
        sa.Column("sha256", sa.String, nullable=False),
    )
    op.create_table(
        "ticket",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("lane", sa.String, sa.ForeignKey("lane.name"), nullable=False),
        sa.Column("key_hash", sa.String),
        sa.Column("body_hash", sa.String, nullable=False),
        sa.Column("urgency", sa.Text, nullable=False),
        sa.Column("deadline", sa.Float),
        sa.Column("rescue", sa.BigInteger),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("betas", sa.Text, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("batch", sa.Integer, sa.ForeignKey("batch.id")),
        sa.Column("position", sa.Integer),
        sa.Column("delivered_at", sa.Float),
        sa.Column("cancel_asked_at", sa.Float),
        sa.UniqueConstraint("lane", "key_hash"),
    )
    op.create_index("ticket_place", "ticket", ["batch", "position"])
    op.create_table(
        "inbox",
        sa.Column("ticket", sa.String, sa.ForeignKey("ticket.id"), primary_key=True),
        sa.Column("lane", sa.String, sa.ForeignKey("lane.name"), nullable=False),
        sa.Column("urgency", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("due_at", sa.Float, nullable=False),
    )
    op.create_index("inbox_due", "inbox", ["lane", "urgency", "due_at", "ticket"])
    op.create_table(
        "outbox",
        sa.Column("batch", sa.Integer, sa.ForeignKey("batch.id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("armed_at", sa.Float, nullable=False),
        sa.Column("line", sa.LargeBinary),
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("channel", sa.String, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("due_at", sa.Float, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("delivered_at", sa.Float),
        sa.Column("given_up_at", sa.Float),
        sa.Column("failure", sa.Text, nullable=False, server_default=sa.text("''")),
    )
    op.create_index("notice_due", "notice", ["delivered_at", "due_at"])

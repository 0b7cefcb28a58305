"""The first tables: lane, run, batch, exception, ledger, object."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "lane",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("base_url", sa.String, nullable=False),
        sa.Column("workspace", sa.String),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("reason", sa.Text),
        *_lease(),
        sa.Column("polled_at", sa.Float),
        sa.Column("faults", sa.Integer, nullable=False),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("lane", sa.String, sa.ForeignKey("lane.name"), nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("identity", sa.String, nullable=False),
        sa.Column("parts", sa.Text, nullable=False),
        sa.Column("spec", sa.String, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("row_map", sa.String),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("requests", sa.Integer, nullable=False),
        sa.Column("collapsed", sa.Integer, nullable=False),
        sa.Column("output", sa.String),
        sa.Column("prefix", sa.String, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("finished_at", sa.Float),
        sa.Column("written_at", sa.Float),
        sa.Column("cancel_asked_at", sa.Float),
        sa.Column("collapsed_sync", sa.BigInteger, nullable=False),
        sa.Column("price_date", sa.String, nullable=False),
    )
    op.create_index("run_identity", "run", ["identity", "created_at"])
    op.create_index("run_output", "run", ["output"])
    op.create_table(
        "batch",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("lane", sa.String, sa.ForeignKey("lane.name"), nullable=False),
        sa.Column("run", sa.String, sa.ForeignKey("run.id")),
        sa.Column("first_request", sa.Integer, nullable=False),
        sa.Column("nonce", sa.String, nullable=False, unique=True),
        sa.Column("attempt_try", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("hold", sa.String),
        sa.Column("via", sa.String, nullable=False),
        sa.Column("betas", sa.String, nullable=False),
        sa.Column("requests", sa.Integer, nullable=False),
        sa.Column("body_bytes", sa.BigInteger, nullable=False),
        sa.Column("segment", sa.String, nullable=False),
        sa.Column("origins", sa.String),
        *_lease(),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("fence", sa.String),
        sa.Column("armed_at", sa.Float),
        sa.Column("upstream_id", sa.String, unique=True),
        sa.Column("sent_at", sa.Float),
        sa.Column("expires_at", sa.Float),
        sa.Column("ended_at", sa.Float),
        sa.Column("cancel_asked_at", sa.Float),
        sa.Column("downloads", sa.Integer, nullable=False),
        sa.Column("faults", sa.Integer, nullable=False),
        sa.Column("results", sa.String),
        sa.Column("results_sha256", sa.String),
        sa.Column("outcomes", sa.LargeBinary),
    )
    op.create_index("batch_due", "batch", ["state", "due_at"])
    op.create_index("batch_run", "batch", ["run", "first_request"])
    op.create_table(
        "exception",
        sa.Column("batch", sa.Integer, sa.ForeignKey("batch.id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.Float, nullable=False),
        sa.Column("last_batch", sa.Integer, nullable=False),
        sa.Column("last_position", sa.Integer, nullable=False),
    )
    op.create_index("exception_due", "exception", ["state", "due_at"])
    op.create_index("exception_last", "exception", ["last_batch", "last_position"])
    op.create_table(
        "ledger",
        sa.Column("batch", sa.Integer, sa.ForeignKey("batch.id"), primary_key=True),
        sa.Column("run", sa.String, sa.ForeignKey("run.id"), primary_key=True),
        sa.Column("model", sa.String, primary_key=True),
        sa.Column("day", sa.String, primary_key=True),
        sa.Column("owner", sa.String, primary_key=True),
        sa.Column("tags", sa.String, primary_key=True),
        sa.Column("requests", sa.Integer, nullable=False),
        sa.Column("input_tokens", sa.BigInteger, nullable=False),
        sa.Column("output_tokens", sa.BigInteger, nullable=False),
        sa.Column("cache_write_5m_tokens", sa.BigInteger, nullable=False),
        sa.Column("cache_write_1h_tokens", sa.BigInteger, nullable=False),
        sa.Column("cache_read_tokens", sa.BigInteger, nullable=False),
        sa.Column("paid", sa.BigInteger),
        sa.Column("sync_price", sa.BigInteger),
        sa.Column("uncached_price", sa.BigInteger),
        sa.Column("price_date", sa.String, nullable=False),
    )
    op.create_table(
        "object",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("state", sa.String, nullable=False),
    )


def _lease() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("due_at", sa.Float, nullable=False),
        sa.Column("owner", sa.String),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("lease_until", sa.Float, nullable=False),
    )

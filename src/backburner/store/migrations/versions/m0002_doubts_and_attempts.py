"""What resolves a doubt, what an attempt changed, and what an adopted batch is read by."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns and tables, and give each ledger row the batch upstream that it paid."""
    _widen_batches()
    _widen_exceptions()
    op.add_column("lane", sa.Column("audited_at", sa.Float))
    op.add_column("lane", sa.Column("restored_at", sa.Float))
    op.create_table(
        "arming",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("batch", sa.Integer, sa.ForeignKey("batch.id"), nullable=False),
        sa.Column("attempt_try", sa.String, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("requests", sa.Integer, nullable=False),
        sa.Column("armed_at", sa.Float, nullable=False),
        sa.UniqueConstraint("batch", "epoch"),
    )
    op.create_table(
        "rejected",
        sa.Column("batch", sa.Integer, sa.ForeignKey("batch.id"), primary_key=True),
        sa.Column("upstream_id", sa.String, primary_key=True),
    )
    op.create_table(
        "duplicate",
        sa.Column("upstream_id", sa.String, primary_key=True),
        sa.Column("batch", sa.Integer, sa.ForeignKey("batch.id"), nullable=False),
        sa.Column("attempt_try", sa.String, nullable=False),
        sa.Column("requests", sa.Integer, nullable=False),
        sa.Column("found_at", sa.Float, nullable=False),
    )
    _rebuild_ledger()


def _widen_batches() -> None:
    zero = sa.text("0")
    op.add_column("batch", sa.Column("fence_at", sa.Float))
    op.add_column("batch", sa.Column("misses", sa.Integer, nullable=False, server_default=zero))
    op.add_column("batch", sa.Column("missed_at", sa.Float))
    op.add_column("batch", sa.Column("candidate", sa.String))
    op.add_column("batch", sa.Column("keys", sa.String))


def _widen_exceptions() -> None:
    op.add_column(
        "exception", sa.Column("via", sa.String, nullable=False, server_default=sa.text("'batch'"))
    )
    op.add_column("exception", sa.Column("change", sa.String))
    op.create_table(
        "attempt",
        sa.Column("batch", sa.Integer, sa.ForeignKey("batch.id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True),
        sa.Column("in_batch", sa.Integer, sa.ForeignKey("batch.id"), nullable=False),
        sa.Column("in_position", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("error_type", sa.String, nullable=False),
        sa.Column("change", sa.String),
    )


def _rebuild_ledger() -> None:
    """Put the batch upstream into the key: two of them may be paid for one of ours.

    SQLite changes no primary key in place, so the rows move to a new table.
    """
    op.rename_table("ledger", "ledger_0001")
    op.create_table(
        "ledger",
        sa.Column("batch", sa.Integer, sa.ForeignKey("batch.id"), primary_key=True),
        sa.Column("upstream_id", sa.String, primary_key=True),
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
    names = (
        "run, model, day, owner, tags, requests, input_tokens, output_tokens, "
        "cache_write_5m_tokens, cache_write_1h_tokens, cache_read_tokens, paid, sync_price, "
        "uncached_price, price_date"
    )
    op.execute(
        f"INSERT INTO ledger (batch, upstream_id, {names}) "  # noqa: S608  # names are ours
        f"SELECT batch, (SELECT coalesce(b.upstream_id, '') FROM batch AS b "
        f"WHERE b.id = ledger_0001.batch), {names} FROM ledger_0001"
    )
    op.drop_table("ledger_0001")

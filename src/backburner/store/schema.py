"""The tables. `migrations/` makes them; this is what the statements are written against.

Money is in picodollars, times are POSIX seconds, hashes and ids are text.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

lane = Table(
    "lane",
    metadata,
    Column("name", String, primary_key=True),
    Column("base_url", String, nullable=False),
    Column("workspace", String),
    Column("state", String, nullable=False),
    Column("reason", Text),
    Column("due_at", Float, nullable=False),
    Column("owner", String),
    Column("epoch", Integer, nullable=False),
    Column("lease_until", Float, nullable=False),
    Column("polled_at", Float),
    Column("faults", Integer, nullable=False),
    Column("looked_back_at", Float),
    Column("restored_at", Float),
)

run = Table(
    "run",
    metadata,
    Column("id", String, primary_key=True),
    Column("lane", String, ForeignKey("lane.name"), nullable=False),
    Column("name", String, nullable=False),
    Column("identity", String, nullable=False),
    Column("parts", Text, nullable=False),
    Column("spec", String, nullable=False),
    Column("source", String, nullable=False),
    Column("row_map", String),
    Column("rows", Integer, nullable=False),
    Column("requests", Integer, nullable=False),
    Column("collapsed", Integer, nullable=False),
    Column("output", String),
    Column("prefix", String, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("finished_at", Float),
    Column("written_at", Float),
    Column("cancel_asked_at", Float),
    Column("collapsed_sync", BigInteger, nullable=False),
    Column("price_date", String, nullable=False),
    Column("owner", Text, nullable=False, server_default=text("''")),
    Column("tags", Text, nullable=False, server_default=text("''")),
    Column("cache", Text, nullable=False, server_default=text("''")),
    Column("budget_mode", Text, nullable=False, server_default=text("'worst'")),
    Column("packed", Integer, nullable=False, server_default=text("0")),
    Column("moved", Text),
    Column("reused", Integer, nullable=False, server_default=text("0")),
    Column("reused_sync", BigInteger, nullable=False, server_default=text("0")),
    Index("run_identity", "identity", "created_at"),
    Index("run_output", "output"),
)

batch = Table(
    "batch",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("lane", String, ForeignKey("lane.name"), nullable=False),
    Column("run", String, ForeignKey("run.id")),
    Column("first_request", Integer, nullable=False),
    Column("nonce", String, nullable=False, unique=True),
    Column("attempt_try", String, nullable=False),
    Column("state", String, nullable=False),
    Column("hold", String),
    Column("via", String, nullable=False),
    Column("betas", String, nullable=False),
    Column("requests", Integer, nullable=False),
    Column("body_bytes", BigInteger, nullable=False),
    Column("segment", String, nullable=False),
    Column("origins", String),
    Column("due_at", Float, nullable=False),
    Column("owner", String),
    Column("epoch", Integer, nullable=False),
    Column("lease_until", Float, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("fence", String),
    Column("armed_at", Float),
    Column("upstream_id", String, unique=True),
    Column("sent_at", Float),
    Column("expires_at", Float),
    Column("ended_at", Float),
    Column("cancel_asked_at", Float),
    Column("downloads", Integer, nullable=False),
    Column("faults", Integer, nullable=False),
    Column("results", String),
    Column("results_sha256", String),
    Column("outcomes", LargeBinary),
    Column("fence_at", Float),
    Column("misses", Integer, nullable=False, server_default=text("0")),
    Column("missed_at", Float),
    Column("candidate", String),
    Column("keys", String),
    Index("batch_due", "state", "due_at"),
    Index("batch_run", "run", "first_request"),
)

exception = Table(
    "exception",
    metadata,
    Column("batch", Integer, ForeignKey("batch.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("state", String, nullable=False),
    Column("outcome", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Float, nullable=False),
    Column("last_batch", Integer, nullable=False),
    Column("last_position", Integer, nullable=False),
    Column("via", String, nullable=False, server_default=text("'batch'")),
    Column("change", String),
    Index("exception_due", "state", "due_at"),
    Index("exception_last", "last_batch", "last_position"),
)

arming = Table(
    "arming",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("batch", Integer, ForeignKey("batch.id"), nullable=False),
    Column("attempt_try", String, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("requests", Integer, nullable=False),
    Column("armed_at", Float, nullable=False),
    UniqueConstraint("batch", "epoch"),
)

rejected = Table(
    "rejected",
    metadata,
    Column("batch", Integer, ForeignKey("batch.id"), primary_key=True),
    Column("upstream_id", String, primary_key=True),
)

duplicate = Table(
    "duplicate",
    metadata,
    Column("upstream_id", String, primary_key=True),
    Column("batch", Integer, ForeignKey("batch.id"), nullable=False),
    Column("attempt_try", String, nullable=False),
    Column("requests", Integer, nullable=False),
    Column("found_at", Float, nullable=False),
)

attempt = Table(
    "attempt",
    metadata,
    Column("batch", Integer, ForeignKey("batch.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("in_batch", Integer, ForeignKey("batch.id"), nullable=False),
    Column("in_position", Integer, nullable=False),
    Column("outcome", String, nullable=False),
    Column("error_type", String, nullable=False),
    Column("change", String),
)

ledger = Table(
    "ledger",
    metadata,
    Column("batch", Integer, ForeignKey("batch.id"), primary_key=True),
    Column("upstream_id", String, primary_key=True),
    Column("run", String, ForeignKey("run.id"), primary_key=True),
    Column("model", String, primary_key=True),
    Column("day", String, primary_key=True),
    Column("owner", String, primary_key=True),
    Column("tags", String, primary_key=True),
    Column("requests", Integer, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cache_write_5m_tokens", BigInteger, nullable=False),
    Column("cache_write_1h_tokens", BigInteger, nullable=False),
    Column("cache_read_tokens", BigInteger, nullable=False),
    Column("paid", BigInteger),
    Column("sync_price", BigInteger),
    Column("uncached_price", BigInteger),
    Column("price_date", String, nullable=False),
    Column("web_searches", Integer, nullable=False, server_default=text("0")),
)

budget = Table(
    "budget",
    metadata,
    Column("scope", String, primary_key=True),
    Column("amount", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    Column("spent", BigInteger, nullable=False),
    Column("set_at", Float, nullable=False),
)

reservation = Table(
    "reservation",
    metadata,
    Column("batch", Integer, ForeignKey("batch.id"), primary_key=True),
    Column("scope", String, ForeignKey("budget.scope"), primary_key=True),
    Column("state", String, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("paid", BigInteger, nullable=False),
    Index("reservation_scope", "scope"),
)

worst_case = Table(
    "worst_case",
    metadata,
    Column("batch", Integer, ForeignKey("batch.id"), primary_key=True),
    Column("run", String, ForeignKey("run.id"), primary_key=True),
    Column("requests", Integer, nullable=False),
    Column("unbounded", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),
)

object_ = Table(
    "object",
    metadata,
    Column("name", String, primary_key=True),
    Column("state", String, nullable=False),
)

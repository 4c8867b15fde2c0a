"""Delivery: the providers' rates shared by all processes, alerts about people in danger who were not reached, parked messages."""

import sqlalchemy as sa
from alembic import op

from bot.store.tables import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_PARKED = sa.text("status = -1")


def upgrade() -> None:
    op.create_table(
        "rate_buckets",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("full_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_rate_buckets")),
    )
    op.create_table(
        "delivery_alerts",
        sa.Column("id", _ID, nullable=False),
        sa.Column("conversation_id", _ID, nullable=False),
        sa.Column("outbound_id", _ID, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("told_at", UtcDateTime(), nullable=True),
        sa.Column("times_told", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name=op.f("fk_delivery_alerts_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_alerts")),
    )
    op.create_index("ix_delivery_alerts_conversation_id", "delivery_alerts", ["conversation_id"])
    op.create_index("ix_delivery_alerts_open", "delivery_alerts", ["at"])
    op.create_index(
        "ix_outbound_parked", "outbound_messages", ["conversation_id"], sqlite_where=_PARKED, postgresql_where=_PARKED
    )


def downgrade() -> None:
    op.drop_index("ix_outbound_parked", "outbound_messages")
    op.drop_table("delivery_alerts")
    op.drop_table("rate_buckets")

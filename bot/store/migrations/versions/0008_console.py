"""What two people decide, debriefs asked for, what each volunteer chose, and when supervisors were told of a call."""

import sqlalchemy as sa
from alembic import op

from bot.store.tables import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", ID, nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("what", sa.String(length=24), nullable=False),
        sa.Column("told", sa.String(length=12), nullable=False),
        sa.Column("days", sa.SmallInteger(), nullable=True),
        sa.Column("asked_by", ID, nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", ID, nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("is_agreed", sa.Boolean(), nullable=True),
        sa.Column("made_by", ID, nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_decisions_conversation_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.create_index("ix_decisions_conversation", ["conversation_id", "id"], unique=False)
        batch_op.create_index("ix_decisions_open", ["decided_at", "made_at"], unique=False)

    op.create_table(
        "debriefs",
        sa.Column("id", ID, nullable=False),
        sa.Column("volunteer_id", ID, nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("done_by", ID, nullable=True),
        sa.Column("note_sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["volunteer_id"], ["volunteers.id"], name=op.f("fk_debriefs_volunteer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_debriefs")),
    )
    with op.batch_alter_table("debriefs", schema=None) as batch_op:
        batch_op.create_index("ix_debriefs_open", ["done_at", "asked_at"], unique=False)

    op.create_table(
        "console_choices",
        sa.Column("volunteer_id", ID, autoincrement=False, nullable=False),
        sa.Column("is_muted", sa.Boolean(), nullable=False),
        sa.Column("wants_notices", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["volunteer_id"], ["volunteers.id"], name=op.f("fk_console_choices_volunteer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("volunteer_id", name=op.f("pk_console_choices")),
    )
    with op.batch_alter_table("help_calls", schema=None) as batch_op:
        batch_op.add_column(sa.Column("alerted_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("help_calls", schema=None) as batch_op:
        batch_op.drop_column("alerted_at")

    op.drop_table("console_choices")
    with op.batch_alter_table("debriefs", schema=None) as batch_op:
        batch_op.drop_index("ix_debriefs_open")

    op.drop_table("debriefs")
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.drop_index("ix_decisions_open")
        batch_op.drop_index("ix_decisions_conversation")

    op.drop_table("decisions")

"""The first schema. On SQLite, triggers refuse to change or delete rows of append-only tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = (
    "claim",
    "claim_retraction",
    "consent_event",
    "mandate",
    "mandate_retraction",
    "posting",
    "log_entry",
    "settlement",
    "settlement_file",
    "revenue_report",
    "revenue_line",
)


def upgrade() -> None:
    op.create_table(
        "log_entry",
        sa.Column("position", WHOLE, autoincrement=False, nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_log_entry")),
        sqlite_strict=True,
    )
    op.create_table(
        "party",
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ipi", sa.Text(), nullable=True),
        sa.Column("isni", sa.Text(), nullable=True),
        sa.Column("dpid", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("payout_account", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("party_id", name=op.f("pk_party")),
        sqlite_strict=True,
    )
    op.create_table(
        "programme",
        sa.Column("programme_id", sa.Text(), nullable=False),
        sa.Column("version", WHOLE, autoincrement=False, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("registered_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("programme_id", "version", name=op.f("pk_programme")),
        sa.UniqueConstraint("sha256", name=op.f("uq_programme_sha256")),
        sqlite_strict=True,
    )
    op.create_table(
        "revenue_report",
        sa.Column("report_sha256", sa.Text(), nullable=False),
        sa.Column("programme_id", sa.Text(), nullable=False),
        sa.Column("period_id", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("recorded_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("report_sha256", name=op.f("pk_revenue_report")),
        sqlite_strict=True,
    )
    op.create_table(
        "run",
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("programme_id", sa.Text(), nullable=False),
        sa.Column("parents", sa.Text(), nullable=False),
        sa.Column("snapshot_ids", sa.Text(), nullable=False),
        sa.Column("code_sha256", sa.Text(), nullable=False),
        sa.Column("weights_sha256", sa.Text(), nullable=False),
        sa.Column("trained_on", sa.Text(), nullable=False),
        sa.Column("exposure_root", sa.Text(), nullable=False),
        sa.Column("exposure_sha256", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("model_version", name=op.f("pk_run")),
        sa.UniqueConstraint("run_id", name=op.f("uq_run_run_id")),
        sqlite_strict=True,
    )
    op.create_table(
        "settlement",
        sa.Column("settlement_id", sa.Text(), nullable=False),
        sa.Column("programme_id", sa.Text(), nullable=False),
        sa.Column("period_id", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Text(), nullable=False),
        sa.Column("last_day", sa.Text(), nullable=False),
        sa.Column("settled_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("settlement_id", name=op.f("pk_settlement")),
        sa.UniqueConstraint("programme_id", "period_id", name=op.f("uq_settlement_programme_id")),
        sqlite_strict=True,
    )
    op.create_table(
        "snapshot",
        sa.Column("snapshot_id", sa.Text(), nullable=False),
        sa.Column("programme_id", sa.Text(), nullable=False),
        sa.Column("programme_sha256", sa.Text(), nullable=False),
        sa.Column("purposes", sa.Text(), nullable=False),
        sa.Column("territory", sa.Text(), nullable=False),
        sa.Column("quorum", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("known_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.Column("manifest_root", sa.Text(), nullable=False),
        sa.Column("manifest_sha256", sa.Text(), nullable=False),
        sa.Column("refusals_sha256", sa.Text(), nullable=False),
        sa.Column("assets", WHOLE, autoincrement=False, nullable=False),
        sa.Column("duration_ms", WHOLE, autoincrement=False, nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("snapshot_id", name=op.f("pk_snapshot")),
        sqlite_strict=True,
    )
    op.create_table(
        "work",
        sa.Column("work_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("iswc", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("work_id", name=op.f("pk_work")),
        sqlite_strict=True,
    )
    op.create_table(
        "attribution",
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("batch", WHOLE, autoincrement=False, nullable=False),
        sa.Column("weights_sha256", sa.Text(), nullable=False),
        sa.Column("quality_sha256", sa.Text(), nullable=False),
        sa.Column("recorded_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["model_version"], ["run.model_version"], name=op.f("fk_attribution_model_version")),
        sa.PrimaryKeyConstraint("model_version", "batch", name=op.f("pk_attribution")),
        sqlite_strict=True,
    )
    op.create_table(
        "claim",
        sa.Column("claim_id", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("share_e8", WHOLE, autoincrement=False, nullable=False),
        sa.Column("territory", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Text(), nullable=False),
        sa.Column("valid_to", sa.Text(), nullable=True),
        sa.Column("recorded_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.CheckConstraint("share_e8 BETWEEN 1 AND 100000000", name=op.f("ck_claim_share")),
        sa.ForeignKeyConstraint(["party_id"], ["party.party_id"], name=op.f("fk_claim_party_id")),
        sa.PrimaryKeyConstraint("claim_id", name=op.f("pk_claim")),
        sqlite_strict=True,
    )
    op.create_table(
        "output",
        sa.Column("output_id", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("duration_ms", WHOLE, autoincrement=False, nullable=False),
        sa.Column("made_on", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["model_version"], ["run.model_version"], name=op.f("fk_output_model_version")),
        sa.PrimaryKeyConstraint("output_id", name=op.f("pk_output")),
        sqlite_strict=True,
    )
    op.create_table(
        "posting",
        sa.Column("transfer_id", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("settlement_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_units", WHOLE, autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["settlement_id"], ["settlement.settlement_id"], name=op.f("fk_posting_settlement_id")),
        sa.PrimaryKeyConstraint("transfer_id", "account", name=op.f("pk_posting")),
        sqlite_strict=True,
    )
    op.create_table(
        "recording",
        sa.Column("recording_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("artist", sa.Text(), nullable=False),
        sa.Column("isrc", sa.Text(), nullable=True),
        sa.Column("work_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["work_id"], ["work.work_id"], name=op.f("fk_recording_work_id")),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_recording")),
        sqlite_strict=True,
    )
    op.create_table(
        "revenue_line",
        sa.Column("report_sha256", sa.Text(), nullable=False),
        sa.Column("line_id", sa.Text(), nullable=False),
        sa.Column("row", WHOLE, nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("territory", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("net_units", WHOLE, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["model_version"], ["run.model_version"], name=op.f("fk_revenue_line_model_version")),
        sa.ForeignKeyConstraint(["report_sha256"], ["revenue_report.report_sha256"], name=op.f("fk_revenue_line_report_sha256")),
        sa.PrimaryKeyConstraint("report_sha256", "line_id", name=op.f("pk_revenue_line")),
        sqlite_strict=True,
    )
    op.create_table(
        "settlement_file",
        sa.Column("settlement_id", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("rows", WHOLE, autoincrement=False, nullable=True),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["settlement_id"], ["settlement.settlement_id"], name=op.f("fk_settlement_file_settlement_id")),
        sa.PrimaryKeyConstraint("settlement_id", "path", name=op.f("pk_settlement_file")),
        sqlite_strict=True,
    )
    op.create_table(
        "asset",
        sa.Column("asset_id", sa.Text(), nullable=False),
        sa.Column("recording_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("bytes", WHOLE, autoincrement=False, nullable=False),
        sa.Column("duration_ms", WHOLE, autoincrement=False, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["recording_id"], ["recording.recording_id"], name=op.f("fk_asset_recording_id")),
        sa.PrimaryKeyConstraint("asset_id", name=op.f("pk_asset")),
        sqlite_strict=True,
    )
    op.create_table(
        "claim_retraction",
        sa.Column("claim_id", sa.Text(), nullable=False),
        sa.Column("retracted_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["claim_id"], ["claim.claim_id"], name=op.f("fk_claim_retraction_claim_id")),
        sa.PrimaryKeyConstraint("claim_id", name=op.f("pk_claim_retraction")),
        sqlite_strict=True,
    )
    op.create_table(
        "contribution",
        sa.Column("recording_id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["party_id"], ["party.party_id"], name=op.f("fk_contribution_party_id")),
        sa.ForeignKeyConstraint(["recording_id"], ["recording.recording_id"], name=op.f("fk_contribution_recording_id")),
        sa.PrimaryKeyConstraint("recording_id", "party_id", "role", name=op.f("pk_contribution")),
        sqlite_strict=True,
    )
    op.create_table(
        "usage",
        sa.Column("programme_id", sa.Text(), nullable=False),
        sa.Column("usage_id", sa.Text(), nullable=False),
        sa.Column("period_id", sa.Text(), nullable=False),
        sa.Column("output_id", sa.Text(), nullable=False),
        sa.Column("territory", sa.Text(), nullable=False),
        sa.Column("uses", WHOLE, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["output_id"], ["output.output_id"], name=op.f("fk_usage_output_id")),
        sa.PrimaryKeyConstraint("programme_id", "usage_id", name=op.f("pk_usage")),
        sqlite_strict=True,
    )
    op.create_table(
        "mandate",
        sa.Column("mandate_id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("representative_id", sa.Text(), nullable=False),
        sa.Column("lanes", sa.Text(), nullable=False),
        sa.Column("purposes", sa.Text(), nullable=False),
        sa.Column("programme_id", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Text(), nullable=False),
        sa.Column("valid_to", sa.Text(), nullable=True),
        sa.Column("recorded_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["party_id"], ["party.party_id"], name=op.f("fk_mandate_party_id")),
        sa.ForeignKeyConstraint(["representative_id"], ["party.party_id"], name=op.f("fk_mandate_representative_id")),
        sa.PrimaryKeyConstraint("mandate_id", name=op.f("pk_mandate")),
        sqlite_strict=True,
    )
    op.create_table(
        "mandate_retraction",
        sa.Column("mandate_id", sa.Text(), nullable=False),
        sa.Column("retracted_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["mandate_id"], ["mandate.mandate_id"], name=op.f("fk_mandate_retraction_mandate_id")),
        sa.PrimaryKeyConstraint("mandate_id", name=op.f("pk_mandate_retraction")),
        sqlite_strict=True,
    )
    op.create_table(
        "consent_event",
        sa.Column("seq", WHOLE, autoincrement=False, nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("mandate_id", sa.Text(), nullable=True),
        sa.Column("asset_id", sa.Text(), nullable=False),
        sa.Column("recording_id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("programme_id", sa.Text(), nullable=False),
        sa.Column("terms_sha256", sa.Text(), nullable=False),
        sa.Column("territory", sa.Text(), nullable=False),
        sa.Column("effective_from", sa.Text(), nullable=False),
        sa.Column("effective_to", sa.Text(), nullable=True),
        sa.Column("recorded_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("authentication", sa.Text(), nullable=False),
        sa.Column("evidence_sha256", sa.Text(), nullable=True),
        sa.Column("previous_sha256", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["party.party_id"], name=op.f("fk_consent_event_actor_id")),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.asset_id"], name=op.f("fk_consent_event_asset_id")),
        sa.ForeignKeyConstraint(["mandate_id"], ["mandate.mandate_id"], name=op.f("fk_consent_event_mandate_id")),
        sa.ForeignKeyConstraint(["party_id"], ["party.party_id"], name=op.f("fk_consent_event_party_id")),
        sa.ForeignKeyConstraint(["recording_id"], ["recording.recording_id"], name=op.f("fk_consent_event_recording_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_consent_event")),
        sa.UniqueConstraint("event_id", name=op.f("uq_consent_event_event_id")),
        sqlite_strict=True,
    )
    op.create_table(
        "evidence",
        sa.Column("evidence_sha256", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["party_id"], ["party.party_id"], name=op.f("fk_evidence_party_id")),
        sa.PrimaryKeyConstraint("evidence_sha256", name=op.f("pk_evidence")),
        sqlite_strict=True,
    )
    op.create_table(
        "notice",
        sa.Column("notice_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=True),
        sa.Column("snapshot_id", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("recorded_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.Column("acknowledged_at_us", WHOLE, autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(["event_id"], ["consent_event.event_id"], name=op.f("fk_notice_event_id")),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_notice")),
        sqlite_strict=True,
    )
    for table, column in (("asset", "recording_id"), ("claim", "subject_id"), ("consent_event", "recording_id")):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    if op.get_bind().dialect.name == "sqlite":
        for table in APPEND_ONLY:
            for verb in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )

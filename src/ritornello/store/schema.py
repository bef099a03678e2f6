"""The database's tables, for SQLite (STRICT) and PostgreSQL alike. Days are ISO text, moments are UTC integer microseconds, money is ledger units.

Append-only tables are guarded by triggers: see append_only.py.
"""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
Whole = BigInteger().with_variant(Integer, "sqlite")


def _table(name: str, *parts: "Column[object] | UniqueConstraint | CheckConstraint") -> Table:
    return Table(name, metadata, *parts, sqlite_strict=True)


def _text(name: str, *, null: bool = False, key: bool = False, of: str | None = None, index: bool = False) -> "Column[object]":
    return Column(name, Text, *([ForeignKey(of)] if of else []), nullable=null, primary_key=key, index=index or None)


def _whole(name: str, *, null: bool = False, key: bool = False, default: int | None = None) -> "Column[object]":
    shown = None if default is None else str(default)
    return Column(name, Whole, nullable=null, primary_key=key, autoincrement=False, server_default=shown)


party = _table(
    "party",
    _text("party_id", key=True),
    _text("name"),
    _text("kind"),
    _text("ipi", null=True),
    _text("isni", null=True),
    _text("dpid", null=True),
    _text("country", null=True),
)
payout_account = _table(
    "payout_account",
    _text("account_id", key=True),
    _text("party_id", of="party.party_id", index=True),
    _text("kind"),
    _text("currency", null=True),  # null: any
    _text("masked"),
    _text("commitment"),
    _whole("recorded_at_us"),
    _text("recorded_by"),
)
payout_account_end = _table(
    "payout_account_end",
    _text("account_id", key=True, of="payout_account.account_id"),
    _whole("ended_at_us"),
    _text("ended_by"),
    _text("ended_why"),
)
payout_account_details = _table(
    "payout_account_details",  # current state: sealed anew when the key changes
    _text("account_id", key=True, of="payout_account.account_id"),
    _text("key_id", null=True),  # null: in clear, since it means nothing outside the operator's account at a payout service
    Column("sealed", LargeBinary, nullable=False),
)
work = _table("work", _text("work_id", key=True), _text("title"), _text("iswc", null=True))
recording = _table(
    "recording",
    _text("recording_id", key=True),
    _text("title"),
    _text("artist"),
    _text("isrc", null=True),
    _text("work_id", null=True, of="work.work_id"),
)
asset = _table(
    "asset",
    _text("asset_id", key=True),
    _text("recording_id", of="recording.recording_id", index=True),
    _text("kind"),
    _text("label"),
    _text("file"),
    _whole("bytes"),
    _whole("duration_ms"),
    _text("path"),  # where the file lies on this machine; never leaves it
)
release = _table("release", _text("release_id", key=True), _text("title"), _text("barcode", null=True), UniqueConstraint("barcode"))
release_track = _table(
    "release_track",
    _text("release_id", key=True, of="release.release_id"),
    _whole("disc", key=True),
    _whole("track", key=True),
    _text("recording_id", of="recording.recording_id", index=True),
)
contribution = _table(
    "contribution",
    _text("recording_id", key=True, of="recording.recording_id"),
    _text("party_id", key=True, of="party.party_id"),
    _text("role", key=True),
)
declaration = _table(
    "declaration",  # what a message of somebody else says about AI and a recording: never consent
    _text("recording_id", key=True, of="recording.recording_id"),
    _text("message_sha256", key=True),  # of the message in the file store
    _text("contains_ai", null=True),
    _text("ai_contributions"),  # JSON: [party, value] …
    _text("preferences"),  # JSON: purpose → use and conditions
    _whole("recorded_at_us"),
)
claim = _table(
    "claim",
    _text("claim_id", key=True),
    _text("subject_kind"),
    _text("subject_id", index=True),
    _text("lane"),
    _text("party_id", of="party.party_id"),
    _whole("share_e8"),
    _text("territory"),
    _text("valid_from"),
    _text("valid_to", null=True),
    _whole("recorded_at_us"),
    CheckConstraint("share_e8 BETWEEN 1 AND 100000000", name="share"),
)
claim_retraction = _table("claim_retraction", _text("claim_id", key=True, of="claim.claim_id"), _whole("retracted_at_us"))
programme = _table(
    "programme",
    _text("programme_id", key=True),
    _whole("version", key=True),
    _text("sha256"),
    _whole("registered_at_us"),
    UniqueConstraint("sha256"),
)
licensee_class = _table(
    "licensee_class",
    _text("class_id", key=True),
    _whole("version", key=True),
    _text("sha256"),
    _whole("registered_at_us"),
    UniqueConstraint("sha256"),
)
admission = _table(
    "admission",
    _text("admission_id", key=True),
    _text("class_id"),
    _text("class_sha256", of="licensee_class.sha256"),
    _text("programme_id"),
    _text("programme_sha256", of="programme.sha256"),
    _text("basis"),
    _text("valid_from"),
    _text("valid_to", null=True),
    _whole("recorded_at_us"),
)
admission_end = _table(
    "admission_end", _text("admission_id", key=True, of="admission.admission_id"), _text("ended_from"), _whole("ended_at_us")
)
mandate = _table(
    "mandate",
    _text("mandate_id", key=True),
    _text("party_id", of="party.party_id"),
    _text("representative_id", of="party.party_id"),
    _text("lanes"),  # separated by spaces
    _text("purposes"),  # separated by spaces
    _text("programme_id"),
    _text("valid_from"),
    _text("valid_to", null=True),
    _whole("recorded_at_us"),
)
mandate_retraction = _table("mandate_retraction", _text("mandate_id", key=True, of="mandate.mandate_id"), _whole("retracted_at_us"))
consent_event = _table(
    "consent_event",
    _whole("seq", key=True),
    _text("event_id"),
    _text("decision"),
    _text("party_id", of="party.party_id"),
    _text("actor_id", of="party.party_id"),
    _text("mandate_id", null=True, of="mandate.mandate_id"),
    _text("asset_id", of="asset.asset_id"),
    _text("recording_id", of="recording.recording_id", index=True),
    _text("purpose"),
    _text("programme_id"),
    _text("terms_sha256"),
    _text("territory"),
    _text("effective_from"),
    _text("effective_to", null=True),
    _whole("recorded_at_us"),
    _text("channel"),
    _text("authentication"),
    _text("evidence_sha256", null=True),
    _text("previous_sha256"),
    UniqueConstraint("event_id"),
)
evidence = _table(
    "evidence",
    _text("evidence_sha256", key=True),  # of the encrypted bytes in the file store
    _text("party_id", of="party.party_id"),
    Column("key", LargeBinary, nullable=True),  # null once erased: then nobody can read it again
)
notice = _table(
    "notice",
    _text("notice_id", key=True),
    _text("kind"),  # withdrawal or admission
    _text("recipient"),  # the licensee's name, or `party:` and a party
    _text("event_id", null=True, of="consent_event.event_id"),
    _text("model_version", null=True),
    _text("snapshot_id", null=True),
    _text("admission_id", null=True, of="admission.admission_id"),
    _whole("recorded_at_us"),
    _whole("acknowledged_at_us", null=True),
)
notice_attempt = _table(
    "notice_attempt",
    _text("notice_id", key=True, of="notice.notice_id"),
    _whole("number", key=True),
    _text("target"),
    _whole("started_at_us"),
    _whole("finished_at_us", null=True),
    _whole("delivered"),  # 0 or 1
    _text("detail", null=True),
)
snapshot = _table(
    "snapshot",
    _text("snapshot_id", key=True),
    _text("programme_id"),
    _text("programme_sha256"),
    _text("purposes"),  # separated by spaces
    _text("territory"),
    _text("quorum"),  # JSON: lane → ppm
    _text("day"),
    _whole("known_at_us"),
    _text("manifest_root"),
    _text("manifest_sha256"),  # of the table's bytes in the file store
    _text("refusals_sha256"),
    _whole("assets"),
    _whole("duration_ms"),
    _text("licence"),
)
run = _table(
    "run",
    _text("model_version", key=True),
    _text("run_id"),
    _text("programme_id"),
    _text("parents"),
    _text("snapshot_ids"),
    _text("code_sha256"),
    _text("weights_sha256"),
    _text("trained_on"),
    _text("exposure_root"),
    _text("exposure_sha256"),
    _whole("recorded_at_us", default=0),
    UniqueConstraint("run_id"),
)
output = _table(
    "output",
    _text("output_id", key=True),
    _text("model_version", of="run.model_version"),
    _text("sha256"),
    _whole("duration_ms"),
    _text("made_on"),
    _text("path"),
    _whole("recorded_at_us", default=0),
)
attribution = _table(
    "attribution",
    _text("model_version", key=True, of="run.model_version"),
    _whole("batch", key=True),
    _text("weights_sha256"),
    _text("quality_sha256"),
    _whole("recorded_at_us"),
)
report = _table(
    "report",  # what a licensee sent in for a period: revenue, usage, points, or dsr: revenue with usage
    _text("report_sha256", key=True),
    _text("programme_id"),
    _text("period_id"),
    _text("file"),
    _whole("recorded_at_us"),
    Column("kind", Text, nullable=False, server_default="revenue"),
)
report_withdrawal = _table(
    "report_withdrawal",
    _text("report_sha256", key=True, of="report.report_sha256"),
    _whole("withdrawn_at_us"),
    _text("reason"),
)
revenue_line = _table(
    "revenue_line",
    _text("report_sha256", key=True, of="report.report_sha256"),
    _text("line_id", key=True),
    Column("row", Whole, nullable=False),
    _text("product"),
    _text("model_version", of="run.model_version"),
    _text("territory"),
    _text("currency"),
    _whole("net_units"),
    _whole("gross_units", null=True),
    _whole("quantity_e6", null=True),
    _text("unit", null=True),
    _text("user_id", null=True),
)
usage_record = _table(
    "usage_record",
    _text("report_sha256", key=True, of="report.report_sha256"),
    _text("usage_id", key=True),
    _text("output_id", of="output.output_id"),
    _text("territory"),
    _whole("uses"),
    _text("user_id", null=True),
)
points = _table(
    "points",
    _text("report_sha256", key=True, of="report.report_sha256"),
    _text("recording_id", key=True, of="recording.recording_id"),
    _whole("points"),
    _text("tier"),
)
rate = _table(
    "rate",
    _text("currency", key=True),
    _text("into", key=True),
    _text("day", key=True),
    _whole("recorded_at_us", key=True),
    _text("rate_e12"),  # digits: how much of `into` one of `currency` is, × 10^12
    _text("source"),
)
dispute = _table(
    "dispute",
    _text("dispute_id", key=True),
    _text("claim_id", of="claim.claim_id"),
    _text("opened_by"),
    _text("reason"),
    _whole("opened_at_us"),
)
dispute_resolution = _table(
    "dispute_resolution",
    _text("dispute_id", key=True, of="dispute.dispute_id"),
    _text("resolved_by"),
    _text("outcome"),
    _whole("resolved_at_us"),
)
advance = _table(
    "advance",
    _text("advance_id", key=True),
    _text("programme_id"),
    _text("party_id", of="party.party_id"),
    _text("collateral_group"),
    _text("currency"),
    _text("recordings"),  # JSON list; ["*"]: all
    _whole("rate_ppm"),
    _text("granted_on"),
    _whole("recorded_at_us"),
)
tax = _table(
    "tax",
    _text("party_id", key=True, of="party.party_id"),
    _whole("recorded_at_us", key=True),
    _whole("rate_ppm"),
    _text("authority"),
)
catalogue_version = _table(
    "catalogue_version",  # how parties, works and recordings read over time: the newest version known counts
    _text("kind", key=True),
    _text("subject_id", key=True),
    _whole("recorded_at_us", key=True),
    _text("content"),  # canonical JSON
)
settlement = _table(
    "settlement",
    _text("settlement_id", key=True),
    _text("programme_id"),
    _text("period_id"),
    _text("first_day"),
    _text("last_day"),
    _whole("settled_at_us"),
    UniqueConstraint("programme_id", "period_id"),
)
correction = _table(
    "correction",
    _text("correction_id", key=True),
    _text("settlement_id", of="settlement.settlement_id"),
    _whole("number"),  # counted from 1 for each settlement; its files lie under `correction-NUMBER/`
    _whole("settled_at_us"),
    UniqueConstraint("settlement_id", "number"),
)
settlement_file = _table(
    "settlement_file",
    _text("settlement_id", key=True, of="settlement.settlement_id"),
    _text("path", key=True),
    _text("kind"),
    _text("hash"),
    _whole("rows", null=True),
    _text("sha256"),  # of the bytes in the file store
)
ledger_batch = _table(
    "ledger_batch",
    _whole("seq", key=True),  # counted from 1, without a hole
    _text("batch_id"),
    _text("kind"),
    _text("programme_id"),
    _text("settlement_id", null=True, of="settlement.settlement_id"),
    _whole("recorded_at_us"),
    _whole("postings"),
    _text("root"),  # over its postings
    _text("previous_sha256"),
    _text("sha256"),
    UniqueConstraint("batch_id"),
    UniqueConstraint("previous_sha256"),
)
posting = _table(
    "posting",  # written before its batch's header: the header closes the batch
    Column(
        "batch_seq",
        Whole,
        ForeignKey("ledger_batch.seq", deferrable=True, initially="DEFERRED"),
        nullable=False,
        primary_key=True,
        autoincrement=False,
    ),
    _text("transfer_id", key=True),
    _text("account", key=True, index=True),
    _text("currency", key=True),
    _whole("amount_units"),
    _text("state"),
    CheckConstraint("amount_units <> 0", name="amount"),
)
payout_batch = _table(
    "payout_batch",  # one payout file; its bytes are made again from what it refers to
    _text("batch_id", key=True),
    _text("settlement_id", of="settlement.settlement_id", index=True),
    _text("message_id"),
    _text("format"),
    _text("execute_on"),
    _whole("day_sequence"),
    _text("sha256"),  # of the file's bytes
    _whole("created_at_us"),
    UniqueConstraint("message_id"),
)
payout_report = _table(
    "payout_report",  # a file from the bank that was read
    _text("report_sha256", key=True),
    _text("file"),
    _text("kind"),
    _whole("entries"),
    _whole("recorded_at_us"),
)
payout_event = _table(
    "payout_event",
    _whole("seq", key=True),
    _text("payout_id", index=True),
    _text("settlement_id", of="settlement.settlement_id", index=True),
    _text("end_to_end_id", index=True),
    _text("kind"),
    _text("batch_id", null=True, of="payout_batch.batch_id"),
    _text("block", null=True),
    _text("account_id", null=True, of="payout_account.account_id"),
    _text("reason_code", null=True),
    _text("reason", null=True),
    _text("report_sha256", null=True, of="payout_report.report_sha256"),
    _whole("recorded_at_us"),
    _text("recorded_by"),
)
payout_open_item = _table(
    "payout_open_item",  # what a bank reported that nobody could match
    _text("item_id", key=True),
    _text("report_sha256", of="payout_report.report_sha256"),
    _text("place"),
    _text("says"),
    _text("end_to_end_id", null=True),
    _text("amount", null=True),
    _text("currency", null=True),
    _text("why"),
    _text("todo"),
)
payout_open_item_end = _table(
    "payout_open_item_end",
    _text("item_id", key=True, of="payout_open_item.item_id"),
    _text("resolution"),
    _text("resolved_by"),
    _whole("resolved_at_us"),
)
log_entry = _table(
    "log_entry",
    _whole("position", key=True),
    _text("entry"),
    Column("leaf", LargeBinary, nullable=False),
)
log_name = _table(
    "log_name",  # where each artefact stands in the log
    _text("kind", key=True),
    _text("id", key=True),
    _whole("position", key=True),
)
log_subtree = _table(
    "log_subtree",  # one row per full tile of 256 hashes
    _whole("level", key=True),
    _whole("number", key=True),
    Column("nodes", LargeBinary, nullable=False),  # the 255 hashes above them, from the root down, each level from left to right
)
membership_map = _table(
    "membership_map",
    _text("snapshot_id", key=True, of="snapshot.snapshot_id"),
    _text("root"),
    _text("entries_sha256"),  # of the blinded entries in the file store
)
rendition = _table(
    "rendition",  # a signed copy of an output; append-only
    _text("signed_sha256", key=True),
    _text("output_id", of="output.output_id", index=True),
    _text("source_sha256"),  # of the bytes it was signed from
    _text("record_sha256"),  # of the document in the file store that the log commits to
    _text("path"),  # where it was written on this machine; never leaves it
)
canary = _table(
    "canary",  # marked files that are never released; append-only
    _text("canary_id", key=True),
    _whole("batch"),  # which were drawn together
    _text("sha256"),
    _text("file"),
    _whole("used"),  # 0 or 1
    _text("salt"),
    _text("commitment"),
    _whole("recorded_at_us"),
    UniqueConstraint("sha256"),
)
asset_iscc = _table(
    "asset_iscc",  # content codes (ISO 24138), where they were computed
    _text("asset_id", key=True, of="asset.asset_id"),
    _text("iscc", index=True),
    _text("audio", null=True),
    _text("data"),
    _text("instance"),
)
generated_flag = _table(
    "generated_flag",  # files that say of themselves that AI made them
    _text("asset_id", key=True, of="asset.asset_id"),
    _text("term"),
    _whole("recorded_at_us"),
)
clone_check = _table(
    "clone_check",  # assets that were compared with the catalogue
    _text("asset_id", key=True, of="asset.asset_id"),
    _text("method"),
    _whole("recorded_at_us"),
)
clone_verdict = _table(
    "clone_verdict",  # what an asset is to another asset, an output, or by its own word
    _text("verdict_id", key=True),
    _text("asset_id", of="asset.asset_id", index=True),
    _text("other_kind"),  # asset, recording, output or mark
    _text("other_id", index=True),
    _text("kind"),
    _text("evidence_sha256"),  # of the document in the file store
    _whole("recorded_at_us"),
)
clone_decision = _table(
    "clone_decision",  # the one with the highest number counts
    _text("verdict_id", key=True, of="clone_verdict.verdict_id"),
    _whole("number", key=True),
    _text("decision"),  # confirmed or dismissed
    _text("decided_by"),
    _text("reason"),
    _whole("decided_at_us"),
)
login = _table(
    "login",  # people (and programs) who may open the service; current state, whose changes are in access_event
    _text("user_id", key=True),
    _text("name"),
    _text("role"),
    _text("party_id", null=True, of="party.party_id"),
    _text("password", null=True),  # argon2's own text; null until the invitation is taken
    _whole("created_at_us"),
    _whole("ended_at_us", null=True),
)
login_session = _table(
    "login_session",  # current state
    _text("token_sha256", key=True),
    _text("user_id", of="login.user_id", index=True),
    _whole("expires_at_us"),
)
invitation = _table(
    "invitation",  # current state: gone when it is taken
    _text("token_sha256", key=True),
    _text("user_id", of="login.user_id", index=True),
    _whole("expires_at_us"),
)
api_key = _table(
    "api_key",
    _text("key_id", key=True),
    _text("secret_sha256"),
    _text("user_id", of="login.user_id", index=True),
    _text("label"),
    _text("scopes"),  # separated by spaces
    _whole("created_at_us"),
    _whole("expires_at_us"),
    _whole("ended_at_us", null=True),
    UniqueConstraint("secret_sha256"),
)
access_event = _table(
    "access_event",  # who did what at the doors of the service; append-only
    _whole("number", key=True),
    _whole("at_us"),
    _text("user_id", index=True),  # whom it is about; not always one who exists
    _text("action"),
    _text("detail"),
)

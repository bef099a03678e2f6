"""Both catalogues' spreadsheets parse and hold the special cases they promise; computed here from the written files alone."""

import csv
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ritornello.demo import portable_catalogue, real_catalogue, sheets
from ritornello.formats.catalogue_csv import read_claims, read_contributions, read_parties, read_recordings
from ritornello.formats.consents_csv import read_consents

Row = dict[str, str]
CATALOGUES = [("real", real_catalogue), ("portable", portable_catalogue)]
TOLERANCE = Decimal("0.05")  # docs/formats/spreadsheets.md


class Written:
    """A catalogue's spreadsheets, read back with nothing but csv."""

    def __init__(self, name: str, cast: Any, folder: Path) -> None:
        rows = sheets.read_table("real-recordings") if name == "real" else portable_catalogue.list_assets()
        sheets.write_spreadsheets(name, rows, folder)
        self.folder, self.cast = folder, cast
        self.parties, self.recordings, self.contributions, self.claims, self.late, self.consents = (
            read(folder / f"{sheet}.csv") for sheet in ("parties", "recordings", "contributions", "claims", "claims-late", "consents")
        )
        self.work_of = {row["recording_id"]: row["work_id"] for row in self.recordings if row["kind"] == "recording"}

    def shares(self, recording: str, lane: str, claims: list[Row] | None = None) -> dict[str, Decimal]:
        subject = self.work_of[recording] if lane == "publishing" else recording
        found: dict[str, Decimal] = defaultdict(Decimal)
        for row in self.claims if claims is None else claims:
            if (row["subject"], row["lane"]) == (subject, lane):
                found[row["party_id"]] += Decimal(row["share_percent"])
        return found

    def missing(self, recording: str, kind: str = "recording") -> set[str]:
        """Claimants who have not granted every purpose for every such asset."""
        granted = {
            (row["party_id"], row["purpose"])
            for row in self.consents
            if (row["recording_id"], row["kind"], row["label"]) == (recording, kind, "")
        }
        claimants = {party for lane in sheets.LANES for party in self.shares(recording, lane)}
        return {party for party in claimants if not {(party, purpose) for purpose in sheets.PURPOSES} <= granted}

    def is_trainable(self, recording: str, kind: str = "recording") -> bool:
        totals = [sum(self.shares(recording, lane).values(), Decimal()) for lane in sheets.LANES]
        return all(abs(total - 100) <= TOLERANCE for total in totals) and not self.missing(recording, kind)

    def after_late_claims(self) -> list[Row]:
        """Today's claims once claims-late.csv is in: rows with the same key replace, ended ones are gone."""
        key = ("subject", "lane", "party_id", "territory", "valid_from")
        latest = {tuple(row[name] for name in key): row for row in [*self.claims, *self.late]}
        return [row for row in latest.values() if not row["valid_to"] or date.fromisoformat(row["valid_to"]) >= date(2026, 7, 1)]


def read(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(params=CATALOGUES, ids=lambda param: param[0])
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Written:
    name, cast = request.param
    return Written(name, cast, tmp_path)


def test_everything_parses_and_points_somewhere(written: Written) -> None:
    folder = written.folder
    read_all = [
        read_parties(folder / "parties.csv"),
        read_recordings(folder / "recordings.csv"),
        read_contributions(folder / "contributions.csv"),
        read_claims(folder / "claims.csv"),
        read_claims(folder / "claims-late.csv"),
        read_consents(folder / "consents.csv"),
    ]
    assert [problem for *_, sheet in read_all for problem in sheet.problems] == []
    parties = {row["party_id"] for row in written.parties}
    assert {row["party_id"] for row in [*written.claims, *written.late, *written.contributions, *written.consents]} <= parties
    for row in [*written.claims, *written.late]:
        assert row["subject"] in (set(written.work_of.values()) if row["lane"] == "publishing" else written.work_of)
    assets = {(row["recording_id"], row["kind"]) for row in written.recordings}
    assert {(row["recording_id"], row["kind"]) for row in written.consents} <= assets
    assert {row["recording_id"] for row in written.contributions} <= set(written.work_of)
    assert {"recording_id", "file"} <= written.recordings[0].keys()
    assert 28 <= len(written.work_of) <= 32


def test_most_reach_quorum(written: Written) -> None:
    trainable = [recording for recording in written.work_of if written.is_trainable(recording)]
    assert len(trainable) >= 16
    cast = written.cast
    for recording in (cast.WITHDRAWN_LATER_RECORDING, cast.LATE_GAP, cast.LATE_OVERCLAIM, cast.STEMS_GRANTED, cast.STEMS_SILENT):
        assert recording in trainable
    assert any(cast.SHOWN_PARTY in written.shares(recording, "master") for recording in trainable)
    assert any(cast.UNPAYABLE_PARTY in written.shares(recording, "publishing") for recording in trainable)


def test_refused_from_the_start(written: Written) -> None:
    cast = written.cast
    assert sum(written.shares(cast.GAP, "publishing").values()) == 80
    assert sum(written.shares(cast.OVERCLAIM, "master").values()) == 110
    assert not written.missing(cast.GAP) and not written.missing(cast.OVERCLAIM)  # their claims alone are what is wrong
    for recording in written.work_of:
        totals = {lane: sum(written.shares(recording, lane).values(), Decimal()) for lane in sheets.LANES}
        wrong = {lane for lane, total in totals.items() if abs(total - 100) > TOLERANCE}
        assert wrong == ({"publishing"} if recording == cast.GAP else {"master"} if recording == cast.OVERCLAIM else set())


def test_silence(written: Written) -> None:
    cast = written.cast
    assert cast.CONTROL not in {row["recording_id"] for row in written.consents}
    assert cast.SILENT_PARTY not in {row["party_id"] for row in written.consents}
    assert any(cast.SILENT_PARTY in written.shares(recording, "performer") for recording in written.work_of)
    for recording in cast.MISSING_ONE:
        (missing,) = written.missing(recording)
        assert missing in written.shares(recording, "publishing")


def test_stems_need_consent_of_their_own(written: Written) -> None:
    cast = written.cast
    stems = [row["recording_id"] for row in written.recordings if row["kind"] == "stem"]
    assert stems.count(cast.STEMS_GRANTED) == stems.count(cast.STEMS_SILENT) == 2
    assert written.is_trainable(cast.STEMS_GRANTED, "stem")
    assert written.is_trainable(cast.STEMS_SILENT) and not written.is_trainable(cast.STEMS_SILENT, "stem")


def test_late_claims_and_withdrawal(written: Written) -> None:
    cast, today = written.cast, written.after_late_claims()
    assert sum(written.shares(cast.LATE_OVERCLAIM, "master", today).values()) == 110
    assert sum(written.shares(cast.LATE_GAP, "publishing", today).values()) == 75
    withdrawing = [
        row
        for row in written.consents
        if (row["recording_id"], row["party_id"]) == (cast.WITHDRAWN_LATER_RECORDING, cast.WITHDRAWN_LATER_PARTY)
    ]
    assert {row["decision"] for row in withdrawing} == {"grant"}


def test_catalogue_shapes(written: Written) -> None:
    sets = [written.shares(recording, lane) for recording in written.work_of for lane in sheets.LANES]
    assert sum(sorted(shares.values()) == [Decimal("33.33")] * 3 for shares in sets) >= 2
    assert {lane for recording in written.work_of for lane in sheets.LANES if len(written.shares(recording, lane)) >= 3} == set(
        sheets.LANES
    )
    assert [row["party_id"] for row in written.parties if not row["payout_account"]] == [written.cast.UNPAYABLE_PARTY]
    # Nobody real is given a number, and every invented organisation says so in its name.
    invented = {row["party_id"] for row in written.parties if "Example" in row["name"]}
    assert {row["party_id"] for row in written.parties if row["ipi"] or row["isni"] or row["dpid"] or row["country"]} <= invented
    real = [party for party in written.parties if party["party_id"] not in invented]
    for party in real:
        assert any(party["party_id"] == row["party_id"] for row in written.claims), f"{party['name']} holds no share"
    assert not any(row["isrc"] for row in written.recordings)


def test_a_misspelt_consent_cell_is_refused() -> None:
    right = sheets.Rights("a", "w-a", {"master": {"x": "100"}, "publishing": {"x": "100"}, "performer": {}}, "everyone but y", "")
    with pytest.raises(ValueError, match="'everyone but y'"):
        sheets.list_consents([right])

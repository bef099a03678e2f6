"""The snapshot rule, and the way from exposure back to a manifest, on bundles that are logged and signed as they stand."""

import copy
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bundle_maker.period import ASSET_1, ASSET_2, KNOWN, PROGRAMME, chain, claim
from bundle_maker.superseded import FIRST, make_superseded
from bundle_maker.writing import Contents, render_files, rows_root

Verify = Callable[..., tuple[int, dict[str, Any]]]
Write = Callable[[Contents], Path]
NEWER = PROGRAMME.replace(b"version = 1\n", b"version = 2\n").replace(b"notice_days = ", b"notice_days = 1")
"""The same terms but one, so that snapshots and grants of PROGRAMME are under older terms."""


def seal(contents: Contents) -> None:
    """Bring the roots and totals that the period folder holds of itself up to date."""
    manifest, exposure = contents.period["manifest.jsonl"], contents.period["exposure.jsonl"]
    snapshot = contents.period["snapshots.jsonl"][0]
    snapshot.update(manifest_root=rows_root(manifest), assets=len(manifest), duration_ms=sum(row["duration_ms"] for row in manifest))
    contents.period["runs.jsonl"][0]["exposure_root"] = rows_root(exposure)
    chain(contents.period["consents.jsonl"])


def find_consent(report: dict[str, Any]) -> list[str]:
    (step,) = [step for step in report["steps"] if step["name"].startswith("Consent")]
    return [f"{problem['path']} row {problem['row']}: {problem['message']}" for problem in step["problems"]]


def find_counts(report: dict[str, Any]) -> dict[str, int]:
    return {what: count for step in report["steps"] for what, count in step["counts"].items()}


def test_an_asset_without_any_consent(contents: Contents, write: Write, verify: Verify) -> None:
    row = copy.deepcopy(contents.period["manifest.jsonl"][1])
    row["asset_id"] = "sha256:" + "33" * 32
    row["consent_events"] = []
    contents.period["manifest.jsonl"].append(row)
    seal(contents)
    code, report = verify(write(contents))
    assert code == 1
    assert find_consent(report) == [
        'period/manifest.jsonl row 3: party "bob" has decided nothing about "ai_training", and no event means no'
    ]


@pytest.mark.parametrize(
    ("index", "change", "message"),
    [
        (1, {"decision": "withdraw"}, "is a withdrawal (seq 11)"),
        (1, {"effective_from": "2026-09-02"}, "has decided nothing"),
        (1, {"recorded_at_us": KNOWN}, "has decided nothing"),
        (1, {"programme_id": "other"}, 'programme_id is "other", its terms are of "mosaic"'),
        (1, {"recording_id": "r2"}, 'is for recording "r2"'),
        (1, {"event_id": "e99"}, 'consent_events is ["e11"'),
        (0, {"seq": 10, "event_id": "e16"}, "occurs twice"),
        (1, {"effective_to": "2026-08-31"}, "ended on 2026-08-31"),
        (1, {"territory": "DE"}, "is for territory DE alone"),
        (1, {"actor_id": "bob"}, 'was made by "bob" without a mandate'),
        (1, {"actor_id": "carol", "mandate_id": "d1"}, "without a mandate"),
        (1, {"actor_id": "bob", "mandate_id": "d0"}, "without a mandate"),
        (0, {"decision": "hold"}, 'party "bob" holds it for "ai_training" (seq 10)'),
        (0, {"seq": 1}, "previous_sha256 is"),
    ],
)
def test_a_grant_must_be_the_latest_in_time(
    contents: Contents, write: Write, verify: Verify, index: int, change: dict[str, Any], message: str
) -> None:
    contents.period["consents.jsonl"][index].update(change)
    seal(contents)
    code, report = verify(write(contents))
    assert code == 1
    assert message in find_consent(report)[0]


def test_a_later_withdrawal_counts_only_from_its_day(contents: Contents, write: Write, verify: Verify) -> None:
    row = {**contents.period["consents.jsonl"][1], "seq": 50, "event_id": "e50", "decision": "withdraw", "effective_from": "2026-09-02"}
    contents.period["consents.jsonl"].append(row)
    assert verify(write(contents))[0] == 0
    row["effective_from"] = "2026-09-01"
    assert "is a withdrawal (seq 50)" in find_consent(verify(write(contents))[1])[0]


def test_grants_not_relied_on_may_not_be_listed(contents: Contents, write: Write, verify: Verify) -> None:
    contents.period["manifest.jsonl"][0]["consent_events"].append("e17")
    seal(contents)
    assert find_consent(verify(write(contents))[1])[0].startswith("period/manifest.jsonl row 1: consent_events is ")


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ([claim("c8", "r2", "master", "alice", 50_000_000)], 'lane "master" in WW is overclaim (claims total 150000000 of 100000000)'),
        ([claim("c8", "r2", "master", "alice", 50_000_000, territory="DE")], 'lane "master" in DE is overclaim'),
        ([claim("c8", "r2", "master", "alice", 50_000_000, territory="DE", recorded_at_us=KNOWN)], None),
        ([claim("c8", "r2", "master", "alice", 50_000_000, territory="DE", valid_from="2026-11-01")], None),
    ],
)
def test_incomplete_claims_forbid(
    contents: Contents, write: Write, verify: Verify, claims: list[dict[str, Any]], message: str | None
) -> None:
    contents.period["claims.jsonl"] += claims
    problems = find_consent(verify(write(contents))[1])
    assert problems == [] if message is None else problems[0].startswith(f"period/manifest.jsonl row 2: {message}")


def test_parties_of_a_single_territory_must_grant_too(contents: Contents, write: Write, verify: Verify) -> None:
    """w1 is whole without dora; her 0.04 % in DE is within what is completed there."""
    contents.period["claims.jsonl"].append(claim("c8", "w1", "publishing", "dora", 40_000, territory="DE"))
    contents.period["parties.jsonl"].append({"party_id": "dora", "name": "Dora", "kind": "person", "payable": True})
    assert 'party "dora" has decided nothing' in find_consent(verify(write(contents))[1])[0]


def test_an_exposed_asset_outside_of_the_snapshot(contents: Contents, write: Write, verify: Verify) -> None:
    contents.period["exposure.jsonl"].append(
        {"model_version": "m1", "asset_id": "sha256:" + "33" * 32, "recording_id": "r1", "exposure_ms": 0}
    )
    seal(contents)
    code, report = verify(write(contents))
    assert code == 1
    assert find_consent(report) == ["period/exposure.jsonl row 3: the asset is in no manifest of the run's snapshots"]


def test_exposure_may_not_change_an_assets_recording(contents: Contents, write: Write, verify: Verify) -> None:
    contents.period["exposure.jsonl"][0]["recording_id"] = "r2"
    seal(contents)
    assert find_consent(verify(write(contents))[1])[0] == 'period/exposure.jsonl row 1: recording_id is "r2", the manifest has ["r1"]'


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        ("snapshots.jsonl", {"manifest_root": "00" * 32}, "manifest_root is"),
        ("snapshots.jsonl", {"assets": 3}, "assets is 3, recomputed 2"),
        ("snapshots.jsonl", {"duration_ms": 3}, "duration_ms is 3, recomputed 120000"),
        ("snapshots.jsonl", {"purposes": ["ai_training"]}, "purposes is"),
        ("runs.jsonl", {"exposure_root": "00" * 32}, "exposure_root is"),
        ("runs.jsonl", {"snapshot_ids": ["snap-2"]}, "the asset is in no manifest"),
        ("runs.jsonl", {"parents": ["m1"]}, "parents lead in a circle"),
        ("exposure.jsonl", {"model_version": "m0"}, "model_version is not in runs.jsonl"),
        ("attribution.jsonl", {"weight_ppm": 1}, "the output's weights total 300001, not 1000000"),
        ("attribution.jsonl", {"recording_id": "r0"}, "the recording was not exposed to model version"),
        ("attribution.jsonl", {"output_id": "o0"}, "output_id is not in outputs.jsonl"),
        ("usage.jsonl", {"output_id": "o0"}, "output_id is not in outputs.jsonl"),
    ],
)
def test_roots_totals_and_references(
    contents: Contents, write: Write, verify: Verify, table: str, change: dict[str, Any], message: str
) -> None:
    contents.period[table][0].update(change)
    problems = find_consent(verify(write(contents))[1])
    assert any(message in problem for problem in problems), problems


def test_every_output_needs_an_unattributed_row(contents: Contents, write: Write, verify: Verify) -> None:
    del contents.period["attribution.jsonl"][2]
    contents.period["attribution.jsonl"][1]["weight_ppm"] = 300_000
    assert "has no `unattributed` row" in find_consent(verify(write(contents))[1])[0]


def test_an_empty_quorum_still_binds_roots(contents: Contents, write: Write, verify: Verify) -> None:
    use_terms(contents, PROGRAMME.replace(b'["master", "publishing"]', b"[]"), {})
    for row in contents.period["manifest.jsonl"]:
        row["consent_events"] = []
    seal(contents)
    assert find_consent(verify(write(contents))[1]) == []
    assert {row["asset_id"] for row in contents.period["manifest.jsonl"]} == {ASSET_1, ASSET_2}


def test_a_representative_answers_under_a_mandate(contents: Contents, write: Write, verify: Verify) -> None:
    contents.period["consents.jsonl"][1].update(actor_id="bob", mandate_id="d1")
    seal(contents)
    assert verify(write(contents))[0] == 0
    moment = contents.period["consents.jsonl"][1]["recorded_at_us"]
    mandate = contents.period["mandates.jsonl"][0]
    for change in (
        {"lanes": ["publishing"]},
        {"purposes": ["ai_use"]},
        {"programme_id": "other"},
        {"recorded_at_us": moment + 1},
        {"retracted_at_us": moment},
        {"valid_to": "2026-01-02"},
        {"valid_from": "2026-12-31"},
    ):
        contents.period["mandates.jsonl"][0] = {**mandate, **change}
        assert "without a mandate" in find_consent(verify(write(contents))[1])[0], change


def test_a_hold_stands_until_it_is_released(contents: Contents, write: Write, verify: Verify) -> None:
    rows = contents.period["consents.jsonl"]
    hold = {**rows[1], "seq": 50, "event_id": "e50", "decision": "hold", "party_id": "nobody", "actor_id": "nobody"}
    rows.append(hold)
    assert 'party "nobody" holds it for "ai_training" (seq 50)' in find_consent(verify(write(contents))[1])[0]
    rows.append({**hold, "seq": 52, "event_id": "e52", "decision": "release"})
    assert verify(write(contents))[0] == 0


def test_a_share_of_a_lane_may_be_enough(contents: Contents, write: Write, verify: Verify) -> None:
    """alice and carol hold 33,333,334 + 33,333,333 of r1's master; bob withdraws. The part asked for is met to the unit, or missed by 33."""
    rows = contents.period["consents.jsonl"]
    rows.append({**rows[0], "seq": 50, "event_id": "e50"})
    contents.period["manifest.jsonl"][0]["consent_events"] = ["e11", "e12", "e15", "e16"]
    seal(contents)
    for share, enough in ((666_666, True), (666_667, False)):
        quorum = f'quorum = {{ master = {{ share_ppm = {share} }}, publishing = "everyone" }}'
        terms = PROGRAMME.replace(b'quorum = ["master", "publishing"]', quorum.encode())
        use_terms(contents, terms, {"master": share, "publishing": 1_000_000})
        problems = find_consent(verify(write(contents))[1])
        assert problems == [] if enough else "shares of 66666667 agree, 66666700 must" in problems[0]


def use_terms(contents: Contents, terms: bytes, quorum: dict[str, int]) -> None:
    """Another programme from the beginning: shown to everybody, and the snapshot's."""
    contents.programme = terms
    contents.period["snapshots.jsonl"][0].update(programme_sha256=sha256(terms).hexdigest(), quorum=quorum)
    for row in contents.period["consents.jsonl"]:
        row["terms_sha256"] = sha256(terms).hexdigest()
    seal(contents)


def test_a_grant_counts_only_under_the_snapshots_own_terms(contents: Contents, write: Write, verify: Verify) -> None:
    contents.terms = [NEWER]
    contents.period["consents.jsonl"][1]["terms_sha256"] = sha256(NEWER).hexdigest()
    seal(contents)
    assert "was given under other terms" in find_consent(verify(write(contents))[1])[0]


def test_a_snapshot_may_be_older_than_the_programme_but_not_differ_from_it(contents: Contents, write: Write, verify: Verify) -> None:
    snapshot = contents.period["snapshots.jsonl"][0]
    for name, value in (
        ("quorum", {"master": 1_000_000}),
        ("quorum", {"master": 1_000_000, "publishing": 999_999}),
        ("territory", "DE"),
        ("purposes", ["ai_use"]),
        ("purposes", ["ai_use", "ai_training"]),
    ):
        contents.period["snapshots.jsonl"][0] = {**snapshot, name: value}
        assert any(f"{name} is" in problem for problem in find_consent(verify(write(contents))[1])), name
    contents.period["snapshots.jsonl"][0] = snapshot
    contents.programme, contents.terms = NEWER, [PROGRAMME]
    _, report = verify(write(contents))
    assert find_consent(report) == []
    assert find_counts(report)["of the snapshots were frozen under other terms than programme.toml"] == 1
    assert find_counts(report)["files of other terms read"] == 1
    assert find_counts(report)["of the consent events were shown other terms than programme.toml"] == 13


def test_grants_under_the_newer_terms_are_none_under_the_older(contents: Contents, write: Write, verify: Verify) -> None:
    contents.programme, contents.terms = NEWER, [PROGRAMME]
    contents.period["consents.jsonl"][1]["terms_sha256"] = sha256(NEWER).hexdigest()
    seal(contents)
    assert "was given under other terms" in find_consent(verify(write(contents))[1])[0]


def age(contents: Contents, older: bytes, **row: Any) -> None:
    """Everybody decided, and the snapshot was frozen, under older terms; the money is divided by PROGRAMME."""
    contents.programme, contents.terms = PROGRAMME, [older]
    contents.period["snapshots.jsonl"][0].update(programme_sha256=sha256(older).hexdigest(), **row)
    for event in contents.period["consents.jsonl"]:
        event["terms_sha256"] = sha256(older).hexdigest()
    seal(contents)


def test_an_older_snapshot_is_judged_by_the_quorum_of_its_own_terms(contents: Contents, write: Write, verify: Verify) -> None:
    """programme.toml asks everyone; the older terms ask 66.6666 % of r1's master, which alice and carol hold, and bob withdraws."""
    rows = contents.period["consents.jsonl"]
    rows.append({**rows[0], "seq": 50, "event_id": "e50"})
    contents.period["manifest.jsonl"][0]["consent_events"] = ["e11", "e12", "e15", "e16"]
    for share, message in ((666_666, None), (666_667, "shares of 66666667 agree, 66666700 must"), (1_000_000, "is a withdrawal (seq 50)")):
        quorum = f'quorum = {{ master = {{ share_ppm = {share} }}, publishing = "everyone" }}\nlicence = "older"'.encode()
        older = PROGRAMME.replace(b'quorum = ["master", "publishing"]', quorum).replace(b'licence = "LicenseRef-mosaic-1"\n', b"")
        age(contents, older, quorum={"master": share, "publishing": 1_000_000}, licence="older")
        problems = find_consent(verify(write(contents))[1])
        assert problems == [] if message is None else message in problems[0], problems
        shutil.rmtree(write(contents))


def test_an_older_snapshot_is_judged_by_the_purposes_and_territory_of_its_own_terms(
    contents: Contents, write: Write, verify: Verify
) -> None:
    older = PROGRAMME.replace(b'purposes = ["ai_training", "ai_use"]', b'purposes = ["ai_use"]\nterritory = "DE"')
    contents.period["consents.jsonl"][2]["territory"] = "DE"
    contents.period["manifest.jsonl"][0]["consent_events"] = ["e12", "e14", "e16"]
    contents.period["manifest.jsonl"][1]["consent_events"] = ["e18", "e20", "e22"]
    age(contents, older, purposes=["ai_use"], territory="DE")
    assert find_consent(verify(write(contents))[1]) == []
    contents.period["consents.jsonl"][2]["territory"] = "FR"
    seal(contents)
    assert "is for territory FR alone" in find_consent(verify(write(contents))[1])[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"purposes": ["ai_training"]}, 'purposes is ["ai_training"], recomputed ["ai_training","ai_use"]'),
        ({"territory": "DE"}, 'territory is "DE", recomputed "WW"'),
        ({"quorum": {"master": 1_000_000}}, 'quorum is {"master":1000000}, recomputed {"master":1000000,"publishing":1000000}'),
        ({"licence": "free for all"}, 'licence is "free for all", recomputed "LicenseRef-mosaic-1"'),
        ({"programme_id": "other"}, 'programme_id is "other", its terms are of "mosaic"'),
        ({"programme_sha256": "00" * 32}, f"its terms are not in the bundle: period/terms/{'00' * 32}.toml is missing"),
        ({"day": "2028-01-01"}, "day is 2028-01-01, but its terms are in force from 2026-01-01 to 2027-12-31"),
        ({"day": "2025-12-31"}, "day is 2025-12-31, but its terms are in force from 2026-01-01 to 2027-12-31"),
    ],
)
def test_a_row_that_disagrees_with_its_older_terms(
    contents: Contents, write: Write, verify: Verify, change: dict[str, Any], message: str
) -> None:
    contents.programme, contents.terms = NEWER, [PROGRAMME]
    contents.period["snapshots.jsonl"][0].update(change)
    assert f"period/snapshots.jsonl row 1: {message}" in find_consent(verify(write(contents))[1])


def test_terms_that_are_missing_or_of_nobody(contents: Contents, write: Write, verify: Verify) -> None:
    """However well the bundle is logged and signed: rows without terms, and terms without rows."""
    older = sha256(PROGRAMME).hexdigest()
    contents.programme = NEWER
    problems = find_consent(verify(write(contents))[1])
    missing = f"its terms are not in the bundle: period/terms/{older}.toml is missing"
    assert problems == [f"period/consents.jsonl row 1: {missing}", f"period/snapshots.jsonl row 1: {missing}"]
    shutil.rmtree(write(contents))
    for terms in ([PROGRAMME, NEWER], [PROGRAMME, b"stray"]):
        contents.terms = terms
        problems = find_consent(verify(write(contents))[1])
        assert problems[0].startswith(f"period/terms/{sha256(terms[1]).hexdigest()}.toml row None: "), problems
        shutil.rmtree(write(contents))


@pytest.mark.parametrize("terms", [b"", b"\xff", b"format = 1", b"a = " + b"[" * 100_000, PROGRAMME + b"surprise = 1\n"])
def test_older_terms_that_cannot_be_read(contents: Contents, write: Write, verify: Verify, terms: bytes) -> None:
    age(contents, terms)
    path = f"period/terms/{sha256(terms).hexdigest()}.toml"
    assert any(problem.startswith(f"{path} row None: ") for problem in find_consent(verify(write(contents))[1]))


def test_older_terms_changed_afterwards(write: Write, verify: Verify) -> None:
    bundle = write(make_superseded())
    path = f"period/terms/{sha256(FIRST).hexdigest()}.toml"
    assert verify(bundle)[0] == 0
    (bundle / path).write_bytes(FIRST.replace(b"tail_days = 20", b"tail_days = 5"))
    assert verify(bundle)[1]["verdict"].startswith(f"FAILED: {path}: SHA-256 is ")
    (bundle / path).rename(bundle / "period/terms/elsewhere.toml")
    assert verify(bundle)[1]["verdict"] == f"FAILED: {path}: is missing"
    (bundle / "period/terms/elsewhere.toml").rename(bundle / path)
    (bundle / path).write_bytes(FIRST)
    (bundle / "period/terms/elsewhere.toml").write_bytes(FIRST)
    assert verify(bundle)[1]["verdict"] == "FAILED: period/terms/elsewhere.toml: is not listed in bundle.json"


def test_older_terms_under_anothers_name(contents: Contents, write: Write, verify: Verify, monkeypatch: pytest.MonkeyPatch) -> None:
    """Listed, logged and signed with the hash that they have, and named by the hash that the rows want."""
    contents.programme, contents.terms = NEWER, [PROGRAMME]
    wanted, forged = sha256(PROGRAMME).hexdigest(), PROGRAMME.replace(b"tail_days = 365", b"tail_days = 5")
    rendered = render_files(contents)
    files = {**rendered, f"period/terms/{wanted}.toml": forged}
    monkeypatch.setattr("bundle_maker.writing.render_files", lambda contents: files)
    problems = find_consent(verify(write(contents))[1])
    assert problems == [f"period/terms/{wanted}.toml row None: is named by a hash that is not its own, {sha256(forged).hexdigest()}"]


def test_stopping_needs_no_mandate(contents: Contents, write: Write, verify: Verify) -> None:
    rows = contents.period["consents.jsonl"]
    stop = {**rows[1], "seq": 50, "event_id": "e50", "actor_id": "stranger"}
    for decision, message in (("withdraw", "is a withdrawal (seq 50)"), ("hold", 'holds it for "ai_training" (seq 50)')):
        contents.period["consents.jsonl"] = [*rows, {**stop, "decision": decision}]
        assert message in find_consent(verify(write(contents))[1])[0]


@pytest.mark.parametrize(
    "quorum", [[], {"master": 0}, {"master": 1_000_001}, {"master": "everyone"}, {"master": True}, {"master": None}, None]
)
def test_a_quorum_that_is_none(contents: Contents, write: Write, verify: Verify, quorum: object) -> None:
    contents.period["snapshots.jsonl"][0]["quorum"] = quorum
    code, report = verify(write(contents))
    assert code == 1
    assert report["verdict"].startswith("FAILED: period/snapshots.jsonl row 1 (snapshot_id snap-1): quorum is ")

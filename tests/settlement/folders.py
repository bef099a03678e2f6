"""Period folders at random, as files: every rule of the programme page, every table of the period folder, small and large amounts."""

import copy
import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from ritornello_verify.tables import PERIOD_TABLES

Rows = list[dict[str, Any]]
KNOWN = 1_793_500_000_000_000
CURRENCIES, TERRITORIES, USERS = ("EUR", "JPY", "KWD", "USD"), ("DE", "SE", "WW"), ("ann", "bo", "cy", "zoe", None)
PRODUCTS = ("app", "api")
FALLBACKS = ("exposure", "count", "seconds", "reserve")
LANES: tuple[dict[str, int], ...] = (
    {"master": 1_000_000},
    {"master": 500_000, "publishing": 500_000},
    {"master": 333_333, "performer": 333_333, "publishing": 333_334},
    {"master": 600_001, "publishing": 399_999},
    {"publishing": 1_000_000},
)


@dataclass
class Folder:
    """A period folder before it is written: rows by table, the header and the terms."""

    header: dict[str, Any]
    programme: str
    tables: dict[str, Rows] = field(default_factory=dict)
    older: str | None = None  # the terms that snapshot s1 was frozen under, if they are others

    def write(self, place: Path) -> Path:
        place.mkdir(parents=True)
        terms = self.programme.encode()
        for row in self.tables["snapshots.jsonl"]:
            row["programme_sha256"] = sha256(terms).hexdigest()
            if self.older is not None and row["snapshot_id"] == "s1":
                row["programme_sha256"] = sha256(self.older.encode()).hexdigest()
                (place / "terms").mkdir()
                (place / "terms" / f"{row['programme_sha256']}.toml").write_text(self.older)
        for row in self.tables["consents.jsonl"]:
            row["terms_sha256"] = sha256(terms).hexdigest()
        for name, table in PERIOD_TABLES.items():
            rows = sorted(self.tables.get(name, []), key=lambda row, key=table.key: [row[column] for column in key])
            (place / name).write_bytes(b"".join(encode(row) + b"\n" for row in rows))
        (place / "programme.toml").write_bytes(terms)
        (place / "period.json").write_bytes(encode({**self.header, "programme_sha256": sha256(terms).hexdigest()}) + b"\n")
        return place


def encode(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def read_rows(path: Path) -> Rows:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def random_folder(source: random.Random) -> Folder:
    world = World(source)
    folder = Folder(
        {
            "format": "ritornello-period-1",
            "settlement_id": "p-2026-10",
            "programme_id": "p",
            "period_id": "2026-10",
            "first_day": "2026-10-01",
            "last_day": "2026-10-31",
            "known_at_us": KNOWN,
            "corrects": None,
        },
        world.make_programme(2),
        older=world.make_programme(1) if world.is_superseded else None,
    )
    folder.tables = {f"{name}.jsonl": rows for name, rows in world.make_tables().items()}
    return folder


def measured_folder(source: random.Random) -> Folder:
    """The same, where attribution may divide: error and noise are measured, outputs are of many recordings and used everywhere, incomes ask for a signal."""
    folder = random_folder(source)
    tables = folder.tables
    noise = ("noise_recording_ppm", "noise_catalogue_ppm")
    tables["quality.jsonl"] = [
        {"model_version": row["model_version"], "method": "landmarks", "method_version": "1", "outputs_with_truth": 3, "error_ppm": 0}
        | {"error_low_ppm": 0, "error_high_ppm": 1, "aggregate_error_ppm": 0, "leak_ppm": 0}
        | {name: source.choice([source.randint(0, 1_000_000), 50_000, None]) for name in noise}
        for row in tables["runs.jsonl"]
    ]
    for row in tables["runs.jsonl"]:
        own = {"output_id": f"more-{row['model_version']}", "model_version": row["model_version"]}
        tables["outputs.jsonl"].append({**own, "sha256": "0" * 64, "duration_ms": 9000, "made_on": "2026-10-02"})
    trained: dict[str, set[str]] = {}
    for row in tables["exposure.jsonl"]:
        trained.setdefault(row["model_version"], set()).add(row["recording_id"])
    tables["attribution.jsonl"] = []
    for output in tables["outputs.jsonl"]:
        names = [*sorted(trained.get(output["model_version"], ())), "unattributed"]
        cuts = [0, *sorted(source.randint(0, 1_000_000) for _ in names[1:]), 1_000_000]
        for name, low, high in zip(names, cuts, cuts[1:], strict=False):
            tables["attribution.jsonl"].append({"output_id": output["output_id"], "recording_id": name, "weight_ppm": high - low})
        for territory in TERRITORIES:
            use = {"usage_id": f"{output['output_id']}-{territory}", "output_id": output["output_id"], "territory": territory}
            tables["usage.jsonl"].append(
                {**use, "uses": source.randint(1, 10**6), "user_id": source.choice(USERS), "report_sha256": "a" * 64}
            )

    def ask(terms: str) -> str:
        least = f"max_error_ppm = 200000\nmin_signal_to_noise = {json.dumps(source.choice(['0.5', '1', '2.0', '2.505']))}"
        return re.sub(r"\bmax_error_ppm = 200000", least, re.sub(r"min_signal_to_noise = .*\n", "", terms))

    folder.programme, folder.older = ask(folder.programme), ask(folder.older) if folder.older else None
    return folder


def correct(source: random.Random, folder: Folder, result: Path, number: int) -> Folder:
    """The folder again, somewhat later and somewhat changed, with what `result` left standing."""
    again = copy.deepcopy(folder)
    tables = again.tables
    again.header |= {"corrects": "p-2026-10", "settlement_id": f"p-2026-10-c{number}", "known_at_us": KNOWN + 10 * number}
    change_something(source, again)
    if "[held]" in again.programme and "released_at_us" not in again.header and source.random() < 0.5:
        again.header["released_at_us"] = again.header["known_at_us"]
    owed = {(row["account"], row["currency"]): row["balance_units"] for row in tables["opening.jsonl"]}
    owed |= {(row["account"], row["currency"]): row["closing_units"] for row in read_rows(result / "balances.jsonl")}
    tables["opening.jsonl"] = [
        {"account": account, "currency": currency, "balance_units": units} for (account, currency), units in owed.items() if units != "0"
    ]
    tables["reserves.jsonl"] = read_rows(result / "reserves_closing.jsonl")
    left = {row["advance_id"]: row["closing_units"] for row in read_rows(result / "recoupments.jsonl")}
    for row in tables["advances.jsonl"]:
        row["open_units"] = left.get(row["advance_id"], row["open_units"])
    tables["previous_receipts.jsonl"] = read_rows(result / "receipts.jsonl")
    for name in ("pools", "allocations"):
        columns = PERIOD_TABLES[f"previous_{name}.jsonl"].columns
        tables[f"previous_{name}.jsonl"] = [{column: row[column] for column in columns} for row in read_rows(result / f"{name}.jsonl")]
    if source.random() < 0.3:
        drift(source, tables)
    return again


def drift(source: random.Random, tables: dict[str, Rows]) -> None:
    """Move a few units between payees of a pool and their balances, as many earlier corrections might have done."""
    lines = tables["previous_allocations.jsonl"]
    one = source.choice(lines) if lines else None
    for other in lines:
        if one and other["pool"] == one["pool"] and other["payee"] != one["payee"]:
            units = min(source.randint(1, 8), int(one["amount_units"]))
            for row, moved in ((one, -units), (other, units)):
                row["amount_units"] = str(int(row["amount_units"]) + moved)
                account = {"account": row["payee"], "currency": row["pool"].split("/")[2]}
                opening = next((found for found in tables["opening.jsonl"] if found.items() >= account.items()), None)
                if opening is None:
                    tables["opening.jsonl"].append({**account, "balance_units": str(moved)})
                else:
                    opening["balance_units"] = str(int(opening["balance_units"]) + moved)
            return


def change_something(source: random.Random, folder: Folder) -> None:
    """One to three changes such as late reports, retracted and new claims, disputes, rates stored last."""
    tables, now = folder.tables, folder.header["known_at_us"]
    for step in range(source.randint(0, 3)):
        match source.randint(0, 9):
            case 0 if tables["claims.jsonl"]:
                row = source.choice(tables["claims.jsonl"])
                row["retracted_at_us"] = now
                if source.random() < 0.7:
                    new = {"claim_id": f"c{now}-{step}", "recorded_at_us": now, "retracted_at_us": None}
                    new |= {"share_e8": source.randint(1, 100_000_000), "party_id": source.choice(tables["parties.jsonl"])["party_id"]}
                    tables["claims.jsonl"].append({**row, **new})
            case 1 if tables["revenue.jsonl"]:
                row = source.choice(tables["revenue.jsonl"])
                tables["revenue.jsonl"].append({**row, "line_id": f"l{now}-{step}", "net_units": big(source)})
            case 2 if tables["revenue.jsonl"]:
                tables["revenue.jsonl"].remove(source.choice(tables["revenue.jsonl"]))
            case 3 if tables["usage.jsonl"]:
                tables["usage.jsonl"].remove(source.choice(tables["usage.jsonl"]))
            case 4 if tables["rates.jsonl"]:
                row = source.choice(tables["rates.jsonl"])
                row["rate_e12"] = str(int(row["rate_e12"]) + source.choice([1, 10**9]))
            case 5 if tables["claims.jsonl"]:
                row = source.choice(tables["claims.jsonl"])
                tables["disputes.jsonl"].append(dispute(f"d{now}-{step}", row["claim_id"], now, None))
            case 6 if tables["disputes.jsonl"]:
                source.choice(tables["disputes.jsonl"])["resolved_at_us"] = now
            case 7 if tables["points.jsonl"]:
                source.choice(tables["points.jsonl"])["points"] += 1
            case 8 if tables["usage.jsonl"]:
                source.choice(tables["usage.jsonl"])["uses"] += 1
            case 9:
                tables["clusters.jsonl"].clear()


def big(source: random.Random, lowest: int = 0) -> str:
    return str(source.randint(lowest, 10 ** source.randint(1, 12)))


def dispute(dispute_id: str, claim_id: str, opened: int, resolved: int | None) -> dict[str, Any]:
    return {"dispute_id": dispute_id, "claim_id": claim_id, "opened_at_us": opened, "resolved_at_us": resolved, "reason": "who wrote it"}


class World:
    """Parties, recordings and models that one random folder is about."""

    def __init__(self, source: random.Random) -> None:
        self.source = source
        self.parties = [f"p{number}" for number in range(source.randint(1, 6))]
        self.recordings = [source.choice(["r", "v"]) + str(number) for number in range(source.randint(1, 7))]
        self.works = {name: source.choice(["w1", "w2", f"w-{name}", f"w-{name}", None]) for name in self.recordings}
        self.models = [f"m{number}" for number in range(1, source.randint(1, 4) + 1)]
        self.lanes: dict[str, int] = {}
        self.conversion: str | None = None
        self.tiers = {"gold": source.choice(["2.5", "3"]), "plain": source.choice(["1", "0.000001"])}
        self.converts_to: dict[int, str] = {}  # by version of the terms
        self.is_superseded = source.random() < 0.4
        self.assets: dict[str, tuple[str, int]] = {}
        for name in self.recordings:
            for number in range(source.randint(1, 2)):
                asset = "sha256:" + sha256(f"{name}-{number}".encode()).hexdigest()
                self.assets[asset] = name, source.choice([1, source.randint(1, 10**6)])

    def make_programme(self, version: int) -> str:
        """Older terms may end, and the period's own begin, in the middle of the period."""
        source = self.source
        self.conversion = source.choice([None, None, "EUR", "USD", "JPY"])
        self.lanes = source.choice(LANES)
        incomes = [self.make_income(number) for number in range(source.randint(1, 4))]
        terms: dict[str, Any] = {
            "format": "ritornello-programme-1",
            "programme_id": "p",
            "version": version,
            "title": "A programme",
            "licensor": "Society",
            "licensee": "Company",
            "purposes": ["ai_training"],
            "licence": "LicenseRef-p",
            "valid_from": Bare("2026-10-15" if version == 2 and self.is_superseded and source.random() < 0.5 else "2026-01-01"),
            "valid_to": Bare(source.choice(["2026-10-14", "2027-12-31"]) if version == 1 else "2027-12-31"),
            "notice_days": source.choice([0, 29, 30, 90, 365]),
            "tail_days": source.choice([0, 20, 365]),
            "quorum": ["master"],
            "lanes": self.lanes,
            "income": incomes,
            "tiers": self.tiers if version == 2 else {"gold": "7", **({"plain": "1.5"} if source.random() < 0.8 else {})},
        }
        if source.random() < 0.3 and {"master", "publishing"} <= self.lanes.keys():
            terms["parity"] = source.choice([["publishing>=master"], ["master>=publishing", "publishing>=master"]])
        if self.conversion:
            terms["conversion"] = {"currency": self.conversion}
            self.converts_to[version] = self.conversion
        if source.random() < 0.5:
            terms["lineage"] = self.make_lineage()
        names = [income["name"] for income in incomes]
        fees = [
            {"name": "administration", "rate": source.choice(["0.1", "0.333333", "0"])},
            {"name": "levy", "rate": source.choice(["0.000001", "0.25"]), "incomes": source.sample(names, source.randint(1, len(names)))},
        ]
        terms["fee"] = source.sample(fees, source.randint(0, 2))
        if source.random() < 0.5:
            terms["reserve"] = {"rate": source.choice(["0.2", "0.333333", "1"]), "release_after_days": source.choice([1, 31, 180])}
        if source.random() < 0.5:
            rule = source.choice([{}, {"reserve": "exposure"}, {"reserve": "count"}, {"reserve": "seconds"}])
            terms["held"] = {"release_after_days": 1, **rule}
        if source.random() < 0.7:
            terms["payout"] = {"thresholds": {"EUR": "10.00", "JPY": "1"}, "fees": {"EUR": "0.353535", "JPY": "0.5"}}
        return write_toml(terms)

    def make_income(self, number: int) -> dict[str, Any]:
        source = self.source
        kind = source.choice(["amount", "rate", "rate", "unit_rate"])
        rules = ["exposure", "count", "seconds", "points", "attribution", "attribution"]
        income: dict[str, Any] = {"name": f"i{number}"}
        if source.random() < 0.2:
            income["lanes"] = source.choice(LANES)
        if {lane for lane, ppm in income.get("lanes", self.lanes).items() if ppm} == {"publishing"}:
            rules.append("works")
        currency = source.choice(CURRENCIES)
        if kind == "amount":
            income |= {"amount": source.choice(["0", "1", str(source.randint(1, 10**6))]), "currency": currency}
            if source.random() < 0.3:
                income["period"] = source.choice(["2026-10", "2026-Q4"])
            if source.random() < 0.4:
                income["model_version"] = source.choice(self.models)
        elif kind == "rate":
            income |= {"rate": source.choice(["0.3", "1", "0.000001", "0.654321"])}
            rules += ["user_centric"] * 3
            if source.random() < 0.3:
                income["of"] = source.choice(["net", "gross"])
        else:
            prices = ["0.011", "0.5", "3"]
            ladder = {"0": prices[0], "30": prices[1], "90": prices[2]}
            income |= {"unit_rate": source.choice([*prices, ladder]), "unit": source.choice(["minute", "track"]), "currency": currency}
            if source.random() < 0.5:
                income["per"] = source.choice([1, 7, 1000])
        if kind != "amount":
            if source.random() < 0.4:
                income |= {"minimum": source.choice(["0", "7", "500"]), "currency": self.conversion or currency}
            if source.random() < 0.3:
                income["products"] = source.choice([["app"], ["api", "app"]])
            if source.random() < 0.3:
                income["model_versions"] = source.sample(self.models, source.randint(1, len(self.models)))
        income["divide_by"] = source.choice([rule for rule in rules if kind != "amount" or rule != "attribution"])
        if income["divide_by"] in ("attribution", "user_centric"):
            income["unattributed"] = source.choice([*FALLBACKS, "attribution"])
            income |= {"fallback": source.choice(FALLBACKS), "max_error_ppm": 200_000}
            if source.random() < 0.4:
                income["min_signal_to_noise"] = source.choice(["0", "1", "2.0", "2.505", "30"])
            if source.random() < 0.4:
                income["aggregate_by"] = source.choice(["recording", "catalogue", "catalogue", ["recording", "catalogue"]])
                if isinstance(income["aggregate_by"], list):
                    income["min_signal_to_noise"] = "1.5"
            if source.random() < 0.4 and (income["unattributed"] != "attribution" or source.random() < 0.05):
                income["cap_ppm"] = source.choice([1, 250_000, 333_333, 1_000_000])
        return income

    def make_lineage(self) -> dict[str, Any]:
        source = self.source
        lineage = {
            "ancestors": source.choice(["all", "direct"]),
            "share_ppm": source.choice([0, 50_000, 333_333]),
            "divide_by": source.choice(["exposure", "count", "seconds"]),
        }
        if source.random() < 0.4:
            lineage["links"] = [{"parent": "m1", "child": "m3", "share_ppm": source.choice([1, 100_000])}]
        return lineage

    def make_tables(self) -> Mapping[str, Rows]:
        source = self.source
        tables: dict[str, Rows] = {name.removesuffix(".jsonl"): [] for name in PERIOD_TABLES}
        tables["parties"] = [
            {"party_id": name, "name": name.title(), "kind": "person", "payable": source.random() < 0.8} for name in self.parties
        ]
        tables["works"] = [{"work_id": name, "title": name, "iswc": None} for name in {*self.works.values()} - {None}]
        tables["recordings"] = [
            {"recording_id": name, "title": name, "artist": "Trio", "isrc": None, "work_id": work} for name, work in self.works.items()
        ]
        tables["claims"] = self.make_claims()
        self.add_models(tables)
        self.add_decisions(tables)
        self.add_outputs(tables)
        self.add_reports(tables)
        self.add_money(tables)
        self.add_copies(tables)
        return tables

    def make_claims(self) -> Rows:
        source = self.source
        subjects = [("recording", name, lane) for name in self.recordings for lane in ("master", "performer")]
        subjects += [("work", name, "publishing") for name in {*self.works.values()} - {None}]
        rows: Rows = []
        for kind, subject, lane in sorted(subjects):
            owners = source.sample(self.parties, source.randint(0, min(3, len(self.parties))))
            shares = {
                "equal": [100_000_000 // len(owners)] * len(owners) if owners else [],
                "thirds": [round(10_000 / len(owners)) * 10_000] * len(owners) if owners else [],
                "random": [source.randint(1, 70_000_000) for _ in owners],
            }
            for party, share in zip(owners, source.choice([shares["equal"], *shares.values()]), strict=True):
                rows.append(
                    {
                        "claim_id": f"c{len(rows)}",
                        "subject_kind": kind,
                        "subject_id": subject,
                        "lane": lane,
                        "party_id": party,
                        "share_e8": share,
                        "territory": source.choice(["WW", "WW", "WW", "DE"]),
                        "valid_from": source.choice(["2000-01-01", "2000-01-01", "2026-10-31", "2026-11-01"]),
                        "valid_to": source.choice([None, None, None, "2026-10-31", "2026-10-30"]),
                        "recorded_at_us": source.choice([0, 0, KNOWN, KNOWN + 1]),
                        "retracted_at_us": source.choice([None, None, None, None, KNOWN, KNOWN + 1]),
                    }
                )
        return rows

    def add_models(self, tables: dict[str, Rows]) -> None:
        source = self.source
        snapshots = {name: source.sample(sorted(self.assets), source.randint(1, len(self.assets))) for name in ("s1", "s2")}
        for name, assets in snapshots.items():
            for asset in assets:
                recording, duration = self.assets[asset]
                tables["manifest"].append(
                    {
                        "snapshot_id": name,
                        "asset_id": asset,
                        "recording_id": recording,
                        "kind": "recording",
                        "file": f"{asset[7:20]}.wav",
                        "bytes": 1000,
                        "duration_ms": duration,
                        "dataset_split": "train",
                        "consent_events": [],
                    }
                )
            tables["snapshots"].append(
                {
                    "snapshot_id": name,
                    "programme_id": "p",
                    "programme_sha256": "0" * 64,
                    "purposes": ["ai_training"],
                    "territory": "WW",
                    "quorum": {"master": 1_000_000},
                    "day": "2026-09-01" if name == "s1" else "2026-10-20",
                    "known_at_us": 1,
                    "manifest_root": "0" * 64,
                    "assets": len(assets),
                    "duration_ms": 1,
                    "licence": "LicenseRef-p",
                }
            )
        for number, model in enumerate(self.models):
            chosen = sorted(source.sample(["s1", "s2"], source.randint(1, 2) if not self.is_superseded or source.random() < 0.02 else 1))
            unknown = ["m0"] if source.random() < 0.02 else []
            tables["runs"].append(
                {
                    "model_version": model,
                    "run_id": f"run-{model}",
                    "parents": sorted([*source.sample(self.models[:number], source.randint(0, number)), *unknown]),
                    "snapshot_ids": chosen,
                    "code_sha256": "0" * 64,
                    "weights_sha256": "0" * 64,
                    "trained_on": "2026-09-02",
                    "exposure_root": "0" * 64,
                }
            )
            for asset in sorted({asset for name in chosen for asset in snapshots[name]}):
                exposure = source.choice([0, 1, 1, source.randint(1, 10**7)])
                row = {"model_version": model, "asset_id": asset, "recording_id": self.assets[asset][0], "exposure_ms": exposure}
                tables["exposure"].append(row)
            if source.random() < 0.9:
                quality = {"method": "landmarks", "method_version": "1", "outputs_with_truth": 3, "error_low_ppm": 0, "error_high_ppm": 1}
                error = source.choice([None, 0, 0, 200_000, 200_000, 200_001])
                quality |= {"model_version": model, "error_ppm": error, "aggregate_error_ppm": 0, "leak_ppm": 0}
                for name in ("evidence_ppm", "noise_recording_ppm", "noise_catalogue_ppm"):
                    if source.random() < 0.8:
                        quality[name] = source.choice([None, 0, 1, 30_000, 300_000])
                tables["quality"].append(quality)

    def add_decisions(self, tables: dict[str, Rows]) -> None:
        """Grants that some rows rely on; withdrawals before and after the period, some taken back."""
        source = self.source
        for row in tables["manifest"]:
            if source.random() < 0.5:
                continue
            party, day = source.choice(self.parties), source.choice(["2025-09-30", "2026-09-10", "2026-09-30", "2026-10-05", "2026-11-01"])
            for decision in source.choice([["grant"], ["grant", "withdraw"], ["grant", "withdraw"], ["grant", "withdraw", "grant"]]):
                seq = len(tables["consents"]) + 1
                known = KNOWN + 1 if decision == "withdraw" and source.random() < 0.1 else 5
                event = {"seq": seq, "event_id": f"e{seq}", "decision": decision, "party_id": party, "actor_id": party, "mandate_id": None}
                event |= {"asset_id": row["asset_id"], "recording_id": row["recording_id"], "programme_id": "p", "territory": "WW"}
                event |= {"purpose": source.choice(["ai_training"] * 9 + ["data_mining"]), "terms_sha256": "0" * 64}
                event |= {"effective_from": day if decision == "withdraw" else "2025-01-01", "effective_to": None, "recorded_at_us": known}
                event |= {"channel": "portal", "authentication": "password", "evidence_sha256": None, "previous_sha256": "0" * 64}
                tables["consents"].append(event)
                if decision == "grant" and not row["consent_events"]:
                    row["consent_events"] = [event["event_id"]]

    def add_outputs(self, tables: dict[str, Rows]) -> None:
        source = self.source
        for number in range(source.randint(0, 7)):
            model, output = source.choice(self.models), f"o{number}"
            tables["outputs"].append(
                {"output_id": output, "model_version": model, "sha256": "0" * 64, "duration_ms": 9000, "made_on": "2026-10-02"}
            )
            if source.random() < 0.15:
                continue
            trained = sorted({row["recording_id"] for row in tables["exposure"] if row["model_version"] == model})
            left = 1_000_000
            for name in source.sample(trained, source.randint(0, min(3, len(trained)))):
                weight = source.choice([0, left // 2, left, source.randint(0, left)])
                tables["attribution"].append({"output_id": output, "recording_id": name, "weight_ppm": weight})
                left -= weight
            tables["attribution"].append({"output_id": output, "recording_id": "unattributed", "weight_ppm": left})

    def add_reports(self, tables: dict[str, Rows]) -> None:
        source = self.source
        for number in range(source.randint(0, 12)):
            if tables["outputs"]:
                tables["usage"].append(
                    {
                        "usage_id": f"u{number}",
                        "output_id": source.choice(tables["outputs"])["output_id"],
                        "territory": source.choice(TERRITORIES),
                        "uses": source.randint(1, 10 ** source.randint(0, 9)),
                        "user_id": source.choice(USERS),
                        "report_sha256": "a" * 64,
                    }
                )
        for number in range(source.randint(0, 12)):
            net = int(big(source))
            unit = source.choice([None, "minute", "track"])
            tables["revenue"].append(
                {
                    "report_sha256": "b" * 64,
                    "line_id": f"l{number}",
                    "row": number + 2,
                    "product": source.choice(PRODUCTS),
                    "model_version": source.choice(self.models),
                    "territory": source.choice(TERRITORIES),
                    "currency": source.choice(CURRENCIES),
                    "net_units": str(net if source.random() < 0.98 else -min(net, 1000)),
                    "gross_units": str(net + 7) if source.random() < 0.99 else None,
                    "quantity_e6": big(source) if unit and source.random() < 0.99 else None,
                    "unit": unit,
                    "user_id": source.choice(USERS),
                }
            )
        for name in self.recordings:
            if source.random() < 0.8:
                row = {"recording_id": name, "points": source.randint(1, 9), "tier": source.choice(list(self.tiers))}
                tables["points"].append({**row, "report_sha256": "c" * 64})

    def add_copies(self, tables: dict[str, Rows]) -> None:
        source, groups = self.source, list[list[str]]()
        for name in self.recordings if source.random() < 0.4 else ():
            if groups and source.random() < 0.6:
                source.choice(groups).append(name)
            else:
                groups.append([name])
        rows = [{"recording_id": name, "cluster": min(group)} for group in groups if len(group) > 1 for name in group]
        tables["clusters"] = sorted(rows, key=lambda row: row["recording_id"])

    def add_money(self, tables: dict[str, Rows]) -> None:
        source = self.source
        is_older_followed = any("s1" in row["snapshot_ids"] for row in tables["runs"])
        for into in sorted({into for version, into in self.converts_to.items() if version == 2 or is_older_followed}):
            for currency in CURRENCIES:
                if currency != into and source.random() < 0.98:
                    rate = source.choice([1, 10**12, 1_085_700_000_000, source.randint(1, 10**14)])
                    row = {"currency": currency, "into": into, "rate_e12": str(rate), "day": "2026-10-30"}
                    tables["rates"].append({**row, "source": "a bank", "recorded_at_us": 5})
        for number, claim in enumerate(tables["claims"]):
            if source.random() < 0.15:
                opened, resolved = source.choice([0, KNOWN, KNOWN + 1]), source.choice([None, None, KNOWN, KNOWN + 1])
                tables["disputes"].append(dispute(f"d{number}", claim["claim_id"], opened, resolved))
        for party in self.parties:
            for currency in ("EUR", "JPY"):
                if source.random() < 0.3:
                    lowest = -(10**6) if source.random() < 0.3 else 0
                    units = big(source, lowest)
                    tables["opening"].append({"account": f"party:{party}", "currency": currency, "balance_units": units})
                for settlement, day in (("p-2026-04", "2026-10-31"), ("p-2026-09", "2026-11-01")):
                    if source.random() < 0.15:
                        row = {"party_id": party, "currency": currency, "settlement_id": settlement, "units": big(source, 1)}
                        tables["reserves"].append({**row, "release_on": day})
            if source.random() < 0.3:
                tables["taxes"].append({"party_id": party, "rate_ppm": source.choice([0, 158_250, 1_000_000]), "authority": "DE"})
        tables["opening"].append({"account": "held:suspense", "currency": "EUR", "balance_units": str(10**12)})
        for number in range(source.randint(0, 4)):
            group, party = source.choice(["a", "b"]), source.choice(self.parties)
            first = next((row for row in tables["advances"] if row["group"] == group), None)
            terms = {"party_id": party, "currency": source.choice(["EUR", "JPY"]), "rate_ppm": source.choice([0, 500_000, 1_000_000])}
            if first:
                terms = {name: first[name] for name in terms}
            recordings = ["*"] if source.random() < 0.4 else sorted(source.sample(self.recordings, source.randint(1, len(self.recordings))))
            own = {"advance_id": f"a{number}", "group": group, "recordings": recordings, "open_units": big(source)}
            tables["advances"].append({**terms, **own, "granted_on": source.choice(["2026-01-01", "2026-02-01"])})


class Bare(str):
    """A TOML value written as it is."""

    __slots__ = ()


def write_toml(terms: Mapping[str, Any]) -> str:
    """Plain keys first, then tables and lists of tables."""
    lines = [f"{name} = {write_value(value)}" for name, value in terms.items() if not is_nested(value)]
    for name, value in terms.items():
        for head, table in ((f"[{name}]", value),) if isinstance(value, Mapping) else ():
            lines += [head, *(f"{key} = {write_value(item)}" for key, item in table.items())]
        if is_nested(value) and isinstance(value, list):
            for table in value:
                lines += [f"[[{name}]]", *(f"{key} = {write_value(item)}" for key, item in table.items())]
    return "\n".join(lines) + "\n"


def is_nested(value: object) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, list) and (not value or isinstance(value[0], Mapping)))


def write_value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {write_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(write_value, value)) + "]"
    return str(value) if isinstance(value, Bare | int) else json.dumps(value)

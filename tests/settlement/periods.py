"""Periods made by hand or at random, and an oracle that settles them in plain integers, line by line, without sets or engines."""

import random
from collections import defaultdict
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

from ritornello.domain.catalogue import Claim, Party, Recording
from ritornello.domain.period import UNATTRIBUTED, Exposure, Period, RevenueLine, Usage, Weight
from ritornello.domain.programme import Income, Programme

WHOLE = {"master": 1_000_000}
FEE = Income("fee", "exposure", "EUR", amount_units=100_000_000)


def share_income(
    rate_ppm: int = 300_000, *, minimum: int | None = None, unattributed: str = "exposure", max_error: int = 200_000, currency: str = "EUR"
) -> Income:
    return Income(
        "share",
        "attribution",
        currency if minimum is not None else None,
        rate_ppm=rate_ppm,
        minimum_units=minimum,
        unattributed=unattributed,
        max_error_ppm=max_error,
        fallback="exposure",
    )


def programme(*incomes: Income, lanes: dict[str, int] | None = None, thresholds: dict[str, int] | None = None, **terms: Any) -> Programme:
    """Incomes without lanes of their own get the programme's."""
    lanes = lanes or WHOLE
    return Programme(
        "p", 1, "t", "licensor", "licensee", ("ai_training",), "l", date(2020, 1, 1), date(2099, 1, 1), 30, 365, "WW", {"master": 1_000_000},
        lanes, tuple(income if income.lanes else replace(income, lanes=lanes) for income in incomes), thresholds or {}, "0" * 64, **terms,
    )  # fmt: skip


def claim(subject: str, party: str, share_e8: int, *, lane: str = "master", territory: str = "WW", **fields: Any) -> Claim:
    kind = "work" if lane == "publishing" else "recording"
    values = {"valid_from": date(1900, 1, 1), "valid_to": None, "recorded_at_us": 0, **fields}
    return Claim(f"c-{subject}-{lane}-{party}-{territory}", kind, subject, lane, party, share_e8, territory, **values)


def period(terms: Programme, **fields: Any) -> Period:
    """A period of October 2026, known at the end of it, with whatever is given."""
    claims = fields.get("claims", [])
    recordings = {row.recording_id for row in fields.get("exposures", [])} | {c.subject_id for c in claims if c.subject_kind == "recording"}
    parties = {c.party_id for c in claims}
    values: dict[str, Any] = {
        "settlement_id": "s",
        "period_id": "2026-10",
        "first_day": date(2026, 10, 1),
        "last_day": date(2026, 10, 31),
        "known_at_us": 10**15,
        "programme": terms,
        "parties": {name: Party(name, name.title(), "person") for name in parties},
        "payable": frozenset(parties),
        "recordings": {name: Recording(name, name, "artist", None, f"w-{name}") for name in recordings},
        "claims": [],
        "exposures": [],
        "outputs": {},
        "usage": [],
        "error_ppm": {},
        "attribution": [],
        "revenue": [],
        "opening": {},
    }
    return Period(**{**values, **fields})


def exposure(recording: str, milliseconds: int, model: str = "m") -> Exposure:
    return Exposure(model, f"sha256:{recording}-{model}", recording, milliseconds)


def revenue(units: int, *, model: str = "m", territory: str = "DE", currency: str = "EUR", line: str = "l1") -> RevenueLine:
    return RevenueLine("0" * 64, line, 2, "app", model, territory, currency, units)


def attributed(output: str, **ppm: int) -> list[Weight]:
    """Weights of one output; what is missing to 1,000,000 is unattributed."""
    return [*(Weight(output, name, value) for name, value in ppm.items()), Weight(output, UNATTRIBUTED, 1_000_000 - sum(ppm.values()))]


def random_period(random: random.Random) -> Period:
    """Messy like life: several models, territories, currencies; gaps, overclaims, thirds; unused outputs; old balances."""
    recordings = [f"r{n}" for n in range(random.randint(1, 9))]
    parties = [f"p{n}" for n in range(random.randint(1, 7))]
    models = [f"m{n}" for n in range(random.randint(1, 3))]
    lanes = random.choice(
        [
            {"master": 1_000_000},
            {"master": 500_000, "publishing": 500_000},
            {"master": 333_333, "performer": 333_333, "publishing": 333_334},
        ]
    )
    claims = []
    for name in recordings:
        for lane in lanes:
            claims += _random_claims(random, f"w-{name}" if lane == "publishing" else name, lane, parties)
    exposures = [exposure(name, random.choice([0, 1, random.randint(1, 10**7)]), model) for model in models for name in recordings]
    exposures += [
        exposure(recordings[0], 7, model) for model in models if not any(row.exposure_ms for row in exposures if row.model_version == model)
    ]
    exposures = list({(row.model_version, row.recording_id): row for row in exposures}.values())
    outputs = {f"o{n}": random.choice(models) for n in range(random.randint(0, 8))}
    weights = []
    for output, model in outputs.items():
        trained = [row.recording_id for row in exposures if row.model_version == model and row.exposure_ms]
        if random.random() < 0.85:
            left, ppm = 1_000_000, {}
            for name in random.sample(trained, random.randint(0, len(trained))):
                ppm[name] = random.randint(0, left)
                left -= ppm[name]
            weights += attributed(output, **ppm)
    territories, currencies = ["WW", "DE", "SE", "US"], ["EUR", "JPY", "KWD"]
    usage = [
        Usage(f"u{n}", random.choice(list(outputs)), random.choice(territories), random.randint(1, 10 ** random.randint(0, 9)))
        for n in range(random.randint(0, 12))
        if outputs
    ]
    lines = [
        revenue(
            random.randint(0, 10 ** random.randint(0, 14)),
            model=random.choice(models),
            territory=random.choice(territories),
            currency=random.choice(currencies),
            line=f"l{n}",
        )
        for n in range(random.randint(0, 10))
    ]
    incomes = [
        share_income(
            random.randint(0, 1_000_000), minimum=random.choice([None, 0, 10**9]), unattributed=random.choice(["exposure", "reserve"])
        )
    ]
    if random.random() < 0.7:
        incomes.append(Income("fee", "exposure", "JPY", amount_units=random.randint(0, 10**12)))
    opening = {(f"party:{name}", "EUR"): random.randint(0, 10**9) for name in parties if random.random() < 0.3}
    return period(
        programme(*incomes, lanes=lanes, thresholds=random.choice([{}, {"EUR": 10**7}])),
        claims=claims,
        parties={name: Party(name, name, "person") for name in parties},
        payable=frozenset(name for name in parties if random.random() < 0.8),
        exposures=exposures,
        outputs=outputs,
        usage=usage,
        attribution=weights,
        error_ppm={model: random.choice([None, 0, 200_000, 200_001]) for model in models if random.random() < 0.9},
        revenue=lines,
        opening=opening,
    )


def _random_claims(random: random.Random, subject: str, lane: str, parties: list[str]) -> list[Claim]:
    owners = random.sample(parties, random.randint(0, min(4, len(parties))))
    kind = random.choice(["whole", "whole", "thirds", "random", "over"])
    if not owners:
        return []
    if kind == "whole":
        each = 100_000_000 // len(owners)
        shares = [each] * (len(owners) - 1) + [100_000_000 - each * (len(owners) - 1)]
    elif kind == "thirds":
        shares = [round(10_000 / len(owners)) * 10_000] * len(owners)
    else:
        shares = [random.randint(1, 100_000_000 if kind == "over" else 50_000_000) for _ in owners]
    return [
        claim(subject, owner, share, lane=lane, territory=random.choice(["WW", "WW", "WW", "DE"]))
        for owner, share in zip(owners, shares, strict=True)
    ]


def oracle(given: Period) -> dict[str, dict[tuple[str, str], Fraction]]:
    """Per pool and (payee, recording), the exact amount as a fraction of units: no rounding but that of receipts, lanes and bases.

    Written from docs/formats/settlement.md a second time, as loops over rows.
    """
    exact: dict[str, dict[tuple[str, str], Fraction]] = {}
    for name, units, weights, lane, territory in _oracle_pools(given):
        total = sum(weights.values())
        lines: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
        for recording, weight in weights.items():
            for payee, share in _oracle_split(given, recording, lane, territory).items():
                lines[payee, recording] += Fraction(units * weight * share, total * 100_000_000)
        exact[name] = dict(lines) if weights else {("held:reserve", ""): Fraction(units)}
    return exact


def hamilton(total: int, weights: dict[str, int]) -> dict[str, int]:
    """Largest remainder, once more, by fractions."""
    whole = sum(weights.values())
    quotas = {key: Fraction(total * weight, whole) for key, weight in weights.items()}
    parts = {key: quota.numerator // quota.denominator for key, quota in quotas.items()}
    for key in sorted(weights, key=lambda key: (parts[key] - quotas[key], key))[: total - sum(parts.values())]:
        parts[key] += 1
    return parts


def _oracle_receipts(given: Period) -> dict[tuple[str, str, str, str], int]:
    receipts: dict[tuple[str, str, str, str], int] = {}
    for income in given.programme.incomes:
        if income.amount_units is not None:
            receipts[income.name, "*", str(income.currency), "WW"] = income.amount_units
            continue
        sums: dict[tuple[str, str, str], int] = defaultdict(int)
        for line in given.revenue:
            sums[line.model_version, line.currency, line.territory] += line.net_units
        own = {(income.name, *key): total * int(income.rate_ppm or 0) // 1_000_000 for key, total in sums.items()}
        own = {key: units for key, units in own.items() if units}
        if income.minimum_units:
            same = {key: units for key, units in own.items() if key[2] == income.currency}
            missing = income.minimum_units - sum(same.values())
            if missing > 0 and same:
                extra = hamilton(missing, {f"{key[1]}/{key[3]}": units for key, units in same.items()})
                own |= {key: units + extra[f"{key[1]}/{key[3]}"] for key, units in same.items()}
            elif missing > 0:
                own[income.name, "*", str(income.currency), "WW"] = missing
        receipts |= own
    return {key: units for key, units in receipts.items() if units}


def _oracle_pools(given: Period) -> list[tuple[str, int, dict[str, int], str, str]]:
    incomes = {income.name: income for income in given.programme.incomes}
    attributed_outputs = {weight.output_id for weight in given.attribution}
    pools = []
    for (income_name, model, currency, territory), units in _oracle_receipts(given).items():
        income = incomes[income_name]
        trained: dict[str, int] = defaultdict(int)
        for row in given.exposures:
            if model in {"*", row.model_version} and row.exposure_ms:
                trained[row.recording_id] += row.exposure_ms
        heard: dict[str, int] = defaultdict(int)
        nothing = 0
        for usage in given.usage:
            if usage.territory == territory and given.outputs[usage.output_id] == model and usage.output_id in attributed_outputs:
                for weight in given.attribution:
                    if weight.output_id == usage.output_id:
                        if weight.recording_id == UNATTRIBUTED:
                            nothing += usage.uses * weight.weight_ppm
                        elif weight.weight_ppm:
                            heard[weight.recording_id] += usage.uses * weight.weight_ppm
        error = given.error_ppm.get(model)
        by_ear = (
            income.divide_by == "attribution"
            and model != "*"
            and error is not None
            and error <= int(income.max_error_ppm or 0)
            and sum(heard.values()) + nothing > 0
        )
        for lane, part in hamilton(units, dict(given.programme.lanes)).items():
            stem = f"{income_name}/{model}/{currency}/{territory}/{lane}"
            if not by_ear:
                pools.append((f"{stem}/exposure", part, dict(trained), lane, territory))
                continue
            parts = hamilton(part, {"attribution": sum(heard.values()), "unattributed": nothing})
            pools.append((f"{stem}/attribution", parts["attribution"], dict(heard), lane, territory))
            rest = {} if income.unattributed == "reserve" else dict(trained)
            pools.append((f"{stem}/unattributed-{income.unattributed}", parts["unattributed"], rest, lane, territory))
    return [pool for pool in pools if pool[1]]


def _oracle_split(given: Period, recording: str, lane: str, territory: str) -> dict[str, int]:
    subject = given.recordings[recording].work_id if lane == "publishing" else recording
    shares: dict[str, int] = defaultdict(int)
    for one in given.claims:
        if one.subject_id == subject and one.lane == lane and one.territory in {"WW", territory}:
            shares[one.party_id] += one.share_e8
    total = sum(shares.values())
    if total > 100_050_000:
        return {"held:dispute": 100_000_000}
    if 0 < abs(total - 100_000_000) <= 50_000:
        shares = defaultdict(int, hamilton(100_000_000, dict(shares)))
    found = {f"party:{party}": share for party, share in shares.items()}
    if total < 99_950_000:
        found["held:suspense"] = 100_000_000 - total
    return found

"""A programme's terms of use in ODRL (W3C Recommendation, ODRL Information Model 2.2), in the place that Croissant 1.1 has for them (`usageInfo`).

What ODRL has no words for (quorum, lanes, pools, notice and tail) stays in LICENCE.txt, which holds the terms themselves.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from ritornello.domain.programme import Programme

NAMESPACES = {"odrl": "http://www.w3.org/ns/odrl/2/", "xsd": "http://www.w3.org/2001/XMLSchema#"}


def describe_terms(programme: Programme, purposes: Sequence[str], not_after: date) -> dict[str, Any]:
    """An `odrl:Offer` from licensor to licensee: use for each purpose, until a day (the last one), in the programme's territory.

    Each permission is a duty to report (the training run with its exposure) and, where the programme brings in money, to pay. Passing the audio on is prohibited;
    so is everything else (`odrl:conflict` says that a prohibition wins), but ODRL can only list what it prohibits.
    """
    limits = [_constrain("odrl:dateTime", "odrl:lteq", {"@type": "xsd:date", "@value": not_after.isoformat()})]
    if programme.territory != "WW":
        limits.append(_constrain("odrl:spatial", "odrl:eq", programme.territory))
    duties = [{"@type": "odrl:Duty", "odrl:action": {"@id": "odrl:inform"}}]
    if programme.incomes:
        duties.append({"@type": "odrl:Duty", "odrl:action": {"@id": "odrl:compensate"}})
    return {
        "@type": ["sc:CreativeWork", "odrl:Offer"],
        "name": f"{programme.title} (programme {programme.programme_id}, version {programme.version}, licence {programme.licence})",
        "identifier": f"urn:sha256:{programme.sha256}",
        "odrl:conflict": {"@id": "odrl:prohibit"},
        "odrl:assigner": {"@type": "odrl:Party", "name": programme.licensor},
        "odrl:assignee": {"@type": "odrl:Party", "name": programme.licensee},
        "odrl:permission": [
            {
                "@type": "odrl:Permission",
                "odrl:action": {"@id": "odrl:use"},
                "odrl:constraint": [_constrain("odrl:purpose", "odrl:eq", purpose), *limits],
                "odrl:duty": duties,
            }
            for purpose in purposes
        ],
        "odrl:prohibition": [{"@type": "odrl:Prohibition", "odrl:action": {"@id": "odrl:distribute"}}],
    }


def _constrain(left: str, operator: str, right: Any) -> dict[str, Any]:
    return {
        "@type": "odrl:Constraint",
        "odrl:leftOperand": {"@id": left},
        "odrl:operator": {"@id": operator},
        "odrl:rightOperand": right,
    }

"""What models made from other models pass on to them (programme.md, `[lineage]`; settlement.md, step 1)."""

from ritornello_verify.forms import MILLION
from ritornello_verify.period import Period
from ritornello_verify.programme import Lineage
from ritornello_verify.report import Malformed, show

RUNS = "period/runs.jsonl"


def find_upstream(period: Period, model_version: str, units: int) -> dict[str, int]:
    """Ancestor → what its links take of a receipt's units."""
    lineage = period.find_terms(model_version).lineage
    if lineage is None:
        return {}
    upstream: dict[str, int] = {}
    total = 0
    for parent, child in find_links(period, lineage, model_version):
        share = lineage.find_share(parent, child)
        if share and parent not in period.runs:
            raise Malformed(RUNS, f"model version {show(parent)}, an ancestor of {show(model_version)}, is to get money and has no run")
        total += share
        taken = units * share // MILLION
        if taken:
            upstream[parent] = upstream.get(parent, 0) + taken
    if total > MILLION:
        raise Malformed(RUNS, f"the links of model version {show(model_version)} take {total} ppm, more than all of its money")
    return upstream


def find_links(period: Period, lineage: Lineage, model_version: str) -> list[tuple[str, str]]:
    """(parent, child) on the way up, each once."""
    links: list[tuple[str, str]] = []
    known, waiting = {model_version}, [model_version]
    while waiting:
        child = waiting.pop()
        run = period.runs.get(child)
        for parent in run.parents if run else ():
            links.append((parent, child))
            if parent not in known and not lineage.only_parents:
                known.add(parent)
                waiting.append(parent)
    return links

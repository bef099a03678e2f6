"""The licensed snapshots as a list: how each reached the models, who licensed it, what it holds."""

from ritornello.formats.disclosures.document import Grid, hours, join
from ritornello.formats.disclosures.material import Material, Part, count


def list_snapshots(material: Material) -> Grid:
    """One row a snapshot: how it reached the models, who licensed it, what it holds, what ended since."""
    counted = {row["snapshot_id"]: row for row in count(material)["snapshots"]}
    rows = []
    for name, part in material.parts.items():
        mine = counted[name]
        rows.append(
            (
                name,
                _reached_through(material, part),
                part.programme.licensor,
                str(part.snapshot["licence"]),
                str(part.snapshot["day"]),
                f"{mine['recordings']:,}",
                f"{mine['assets']:,}",
                hours(mine["duration_ms"]),
                f"{mine['ended_assets']:,}",
            )
        )
    columns = (
        "Snapshot",
        "Read by",
        "Licensor",
        "Licence",
        "Frozen on",
        "Recordings",
        "Files",
        "Length",
        "Files whose consent ended since",
    )
    return Grid(columns, tuple(rows))


def _reached_through(material: Material, part: Part) -> str:
    """`m`, or `m, a parent`: which model versions read a snapshot."""
    name = part.snapshot["snapshot_id"]
    readers = [model for model in material.models if name in model.run["snapshot_ids"]]
    return join(f"{model.model_version}{', a parent' if model.inherited else ''}" for model in readers)

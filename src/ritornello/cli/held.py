"""`ritornello held`: money that waits, and how it comes to an end."""

import click

from ritornello.cli.frame import Frame, pass_frame
from ritornello.cli.money import render_settled
from ritornello.service import held as holding
from ritornello.service import held_release, overview


@click.group(invoke_without_command=True)
@click.option("--programme", help="Only of this programme.")
@click.pass_context
def held(context: click.Context, programme: str | None) -> None:
    """Money that waits: unclaimed, contested or reserved, with its age and what would release it."""
    if context.invoked_subcommand is not None:
        return
    frame: Frame = context.obj
    with frame.context() as home:
        rows = holding.list_held(home, programme)
    text = [
        f"{row['period_id']:<8} {row['age_days']:>5} days  {overview.money(int(row['units']), row['currency']):>18}"
        f"  {row['recording_id'] or '(no recording)':<28} {row['lane']:<10} {row['todo']}"
        for row in rows
    ]
    frame.show(rows, "\n".join(text) or "nothing is held")


@held.command()
@click.option("--programme", required=True)
@click.option("--confirm", "token", help="The token of the preview: releases what it shows.")
@pass_frame
def release(frame: Frame, programme: str, token: str | None) -> None:
    """Release held money whose time is over, as the terms say, to those who are known. First shows what; --confirm TOKEN posts it."""
    with frame.context() as context:
        if token is not None:
            settled = held_release.release(context, programme, token)
            frame.show([one.document for one in settled], "\n".join(render_settled(one) for one in settled))
            return
        preview = held_release.preview_release(context, programme)
    text = [
        f"{row['period_id']:<8} {overview.money(int(row['units']), row['currency']):>18}  {row['recording_id'] or '(no recording)':<28} {row['lane']:<10} {row['why']}"
        for row in preview.rows
    ]
    nothing = "nothing can be released: no unclaimed money has reached its day, or the terms have no [held]; what waits: ritornello held"
    text.append(f"release it: ritornello held release --programme {programme} --confirm {preview.token}" if text else nothing)
    frame.show({"token": preview.token, "rows": preview.rows}, "\n".join(text))

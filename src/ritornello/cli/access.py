"""`ritornello access …`: who may open the service."""

import click

from ritornello.cli.frame import Frame, pass_frame
from ritornello.service import access as logins


@click.group()
def access() -> None:
    """Logins and API keys of the service (`ritornello serve`)."""


@access.command("add")
@click.argument("user_id")
@click.option(
    "--role", type=click.Choice(logins.ROLES), required=True, help="payee: sees a party's own money; the others: the operator's people."
)
@click.option("--party", help="The party that a payee is.")
@click.option("--name", default="", help="As shown in pages. [the login]")
@pass_frame
def add_login(frame: Frame, user_id: str, role: str, party: str | None, name: str) -> None:
    """Add the login USER_ID (an e-mail address, say) and print the path of its invitation, good for a week and one use."""
    with frame.context() as context:
        token = logins.invite(context, user_id, name, role, party)
    _show_invitation(frame, user_id, token)


@access.command("invite")
@click.argument("user_id")
@pass_frame
def invite_login(frame: Frame, user_id: str) -> None:
    """Invite USER_ID anew, to set another password."""
    with frame.context() as context:
        token = logins.invite_again(context, user_id)
    _show_invitation(frame, user_id, token)


@access.command("remove")
@click.argument("user_id")
@pass_frame
def remove_login(frame: Frame, user_id: str) -> None:
    """End a login at once, with its sessions and keys."""
    with frame.context() as context:
        logins.remove(context, user_id)
    frame.show({"removed": user_id}, f"{user_id} can't sign in any more.")


@access.command("list")
@pass_frame
def list_logins(frame: Frame) -> None:
    """Every login."""
    with frame.context() as context:
        found = logins.list_logins(context)
    lines = [f"{one['user_id']}  {one['role']}{' of ' + one['party_id'] if one['party_id'] else ''}  {_state(one)}" for one in found]
    frame.show(found, "\n".join(lines) or "No logins yet: ritornello access add")


@access.command("log")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@pass_frame
def show_events(frame: Frame, limit: int) -> None:
    """What was done with logins and keys, newest first."""
    with frame.context() as context:
        found = logins.list_events(context, limit)
    frame.show(
        found,
        "\n".join(f"{one['at_us']}  {one['user_id'] or '(no such login)'}  {one['action']}  {one['detail']}".rstrip() for one in found)
        or "Nothing yet.",
    )


@access.group()
def key() -> None:
    """Keys of programs that ask the API in a login's name."""


@key.command("add")
@click.argument("user_id")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(logins.SCOPES), required=True, help="May stand several times.")
@click.option("--label", default="", help="What it is for.")
@click.option("--days", type=int, default=logins.KEY_DAYS, show_default=True, help="How long it lasts.")
@pass_frame
def add_key(frame: Frame, user_id: str, scopes: tuple[str, ...], label: str, days: int) -> None:
    """Make a key and print its secret, this once."""
    with frame.context() as context:
        key_id, secret = logins.make_key(context, user_id, label, scopes, days)
    frame.show({"key_id": key_id, "secret": secret}, f"key {key_id}: {secret}\nKeep it now: it is not shown again.")


@key.command("list")
@pass_frame
def list_keys(frame: Frame) -> None:
    """Every key, without its secret."""
    with frame.context() as context:
        found = logins.list_keys(context)
    lines = [
        f"{one['key_id']}  {one['user_id']}  {one['scopes']}  {one['label']}{'  ended' if one['ended_at_us'] else ''}" for one in found
    ]
    frame.show(found, "\n".join(lines) or "No keys yet: ritornello access key add")


@key.command("end")
@click.argument("key_id")
@pass_frame
def end_key(frame: Frame, key_id: str) -> None:
    """End a key at once."""
    with frame.context() as context:
        logins.end_key(context, key_id)
    frame.show({"ended": key_id}, f"key {key_id} is of no use any more.")


def _state(login: dict[str, object]) -> str:
    if login["ended_at_us"] is not None:
        return "removed"
    return "invited" if login["invited"] else "active"


def _show_invitation(frame: Frame, user_id: str, token: str) -> None:
    path = f"/welcome/{token}"
    frame.show({"user_id": user_id, "invitation": path}, f"Send {user_id} this link behind the service's address: {path}")

"""`ritornello serve`: the pages and the API of a home."""

import click

from ritornello.cli.frame import Frame, pass_frame
from ritornello.domain.errors import Refused
from ritornello.wiring import Home


@click.command()
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="The address to listen on; behind a proxy that speaks HTTPS, leave it."
)
@click.option("--port", type=click.IntRange(0, 65_535), default=8_000, show_default=True, help="0: any that is free.")
@click.option("--proxy", default="127.0.0.1", show_default=True, help="Addresses whose X-Forwarded-For and -Proto are believed.")
@pass_frame
def serve(frame: Frame, host: str, port: int, proxy: str) -> None:
    """Serve the pages and the API of the home until interrupted."""
    if "*" in proxy:
        raise Refused("bad_proxy", "an address of --proxy is '*': then anybody could say who they are", "name the proxy's own address")
    import uvicorn  # here, since no other command needs it

    from ritornello.serving import build

    home = Home(frame.home, frame.database, data_key=frame.data_key)
    try:
        if not frame.quiet:
            click.echo(f"Serving {frame.home} on http://{host}:{port}/ until interrupted. Logins: ritornello access add", err=True)
        uvicorn.run(
            build(home),
            host=host,
            port=port,
            log_level="warning",
            server_header=False,
            http="h11",
            proxy_headers=True,
            forwarded_allow_ips=proxy,
            limit_concurrency=200,
        )
    finally:
        home.close()

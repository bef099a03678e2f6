"""`python -m ritornello`."""

from ritornello.cli.main import main

main()

"""`python -m ritornello`."""

from ritornello.entry import main

main()

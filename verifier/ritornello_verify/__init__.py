"""Checks a Ritornello bundle from its written formats alone (`docs/formats/`), with nothing but Python's standard library."""

"""Ritornello: the open meter and ledger for music used in AI."""

__version__ = "0.1.0"

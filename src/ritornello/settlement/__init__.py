"""Dividing the money: docs/formats/settlement.md in code. No database, no files."""

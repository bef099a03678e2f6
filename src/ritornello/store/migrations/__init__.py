"""Schema changes, by Alembic."""

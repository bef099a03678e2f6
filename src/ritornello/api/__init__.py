"""The JSON API: each route asks one service function and shows its answer (docs/api.md)."""

"""Measurements of speed, memory and quality, each re-runnable by one command."""

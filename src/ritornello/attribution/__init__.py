"""From an output's sound to weights over recordings, and from weights to a statement of how wrong they are."""

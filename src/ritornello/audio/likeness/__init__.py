"""How a sound resembles another: passages in common, what of each is in the other, and the same music played again."""

"""A small music generator whose every output comes with the truth about what it was made of."""

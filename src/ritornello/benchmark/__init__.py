"""The public benchmark of attribution: small worlds in which the truth can be found out by training again."""

"""Records, arithmetic and rules: what is true about consent and money, whatever the database or file format."""

"""What is kept: tables, content-addressed files, the transparency log. Rows in, records out; no rules."""

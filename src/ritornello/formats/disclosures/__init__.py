"""What laws and certifiers ask to be told about training: one file per disclosure, all made from the same records (docs/formats/disclosures.md)."""

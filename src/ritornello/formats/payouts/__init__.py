"""Files that banks and payout services read: ISO 20022 pain.001, NACHA, and the CSVs of payout services (docs/formats/payout-files.md)."""

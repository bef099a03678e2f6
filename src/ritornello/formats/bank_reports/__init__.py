"""What banks answer: ISO 20022 pain.002 and camt.053/054, and NACHA returns, read without trusting them (docs/formats/payout-files.md)."""

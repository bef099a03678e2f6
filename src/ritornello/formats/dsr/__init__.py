"""DDEX sales and usage reports as flat files (DSR): docs/formats/dsr.md."""

"""The extraction check: which recordings of the catalogue are inside what somebody trains on, in which passages, and what the consent was.

`scan` listens, without the database, and can be interrupted at any time; `report` joins what was found to consent and writes it down; `packs` tells each right
holder about their own recordings. For people: docs/auditing.md; the files: docs/formats/audit.md.
"""

"""Content Credentials (C2PA) of generated audio: what a signed output states, signing it, reading what any file claims: docs/formats/provenance.md."""

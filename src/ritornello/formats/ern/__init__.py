"""DDEX ERN 4.3 messages as a catalogue: docs/formats/ern.md."""

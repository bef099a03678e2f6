"""What a rights holder allows, to and from the vocabularies that machines of others read: docs/formats/preferences.md. Start at convert.py."""

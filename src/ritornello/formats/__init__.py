"""File formats: reading what people bring, writing what others read. No database, no network."""

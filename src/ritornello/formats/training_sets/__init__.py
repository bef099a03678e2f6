"""What somebody trains on, as it lies there: a folder of files, tar shards, ZIP archives, Parquet tables, or a mere list of hashes and ISRCs.

Everything is read as hostile: nothing is unpacked under a name that it brings along, no length is believed, links are not followed, and what can't be taken is
named with its reason while the walk goes on.
"""

from ritornello.formats.training_sets.hash_list import Listed, is_list, read_list
from ritornello.formats.training_sets.item import Item, Refusal, Source, Spool
from ritornello.formats.training_sets.walk import measure, walk

__all__ = ["Item", "Listed", "Refusal", "Source", "Spool", "is_list", "measure", "read_list", "walk"]

"""What a licensee imports: read an exported dataset, log what training really read, write the run's file (docs/loading.md).

Only `loader.pytorch` needs torch.
"""

from ritornello.loader.dataset import Asset, Dataset, Passage, open_dataset
from ritornello.loader.exposure import ExposureLog
from ritornello.loader.exposure_reading import Recorded, read_log, read_logs
from ritornello.loader.run_file import RunFile, write_run_file

__all__ = [
    "Asset",
    "Dataset",
    "ExposureLog",
    "Passage",
    "Recorded",
    "RunFile",
    "open_dataset",
    "read_log",
    "read_logs",
    "write_run_file",
]

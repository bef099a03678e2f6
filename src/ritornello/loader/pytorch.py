"""An exported dataset as an IterableDataset of PyTorch. The only file here that needs torch, which stays optional: pip install ritornello[torch]."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import IterableDataset, get_worker_info

from ritornello.loader.dataset import PASSAGE_MS, Dataset


class PassageStream(IterableDataset):  # type: ignore[misc]  # torch is optional, so unknown where types are checked
    """Every passage of a `dataset_split` once an epoch, shuffled by asset, divided over all workers of all ranks.

    Yields a dict: `samples` (float32 tensor of shape (channels, frames)), `rate_hz`, `asset_id`, `recording_id`, `start_frame`. Shapes differ from passage
    to passage: batch with `batch_size=None` or a `collate_fn` of your own. Each worker has its own exposure log in `log_folder` for each pass.
    What a worker decoded ahead counts as read.
    """

    def __init__(
        self,
        dataset: Dataset,
        log_folder: Path,
        *,
        seed: int,
        passage_ms: int = PASSAGE_MS,
        dataset_split: str = "train",
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        super().__init__()
        self.dataset, self.log_folder, self.seed, self.passage_ms, self.dataset_split = dataset, log_folder, seed, passage_ms, dataset_split
        self.rank, self.ranks = rank, ranks
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()  # seen by workers that live on between epochs

    def set_epoch(self, epoch: int) -> None:
        """Call before each epoch: it chooses the order and stands in the log."""
        self._epoch.fill_(epoch)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        info = get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        epoch = int(self._epoch)
        assets = self.dataset.shuffle(epoch, self.seed, self.rank * workers + worker, self.ranks * workers, self.dataset_split)
        with self.dataset.open_log(self.log_folder, f"rank-{self.rank}-worker-{worker}") as log:
            for passage in self.dataset.iterate(log=log, epoch=epoch, assets=assets, passage_ms=self.passage_ms):
                yield {
                    "samples": torch.from_numpy(passage.samples.T),
                    "rate_hz": passage.rate_hz,
                    "asset_id": passage.asset.asset_id,
                    "recording_id": passage.asset.recording_id,
                    "start_frame": passage.start_frame,
                }

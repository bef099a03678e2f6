"""The small transformer of the benchmark, and how it is trained: the same way for every subset of the music."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from ritornello.benchmark.world import PAD, SEGMENT, Tokens

WIDTH, HEADS, LAYERS = 64, 4, 2
EPOCHS, BATCH = 15, 16
LEARNING_RATE, WARM_UP = 3e-3, 0.1


class _Block(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.norm_attention, self.norm_feed = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.mixed, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, rows: Tensor) -> Tensor:
        batch, length, _ = rows.shape
        query, key, value = self.mixed(self.norm_attention(rows)).view(batch, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        heard = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        rows = rows + self.out(heard.transpose(1, 2).reshape(batch, length, WIDTH))
        return rows + self.down(functional.gelu(self.up(self.norm_feed(rows))))


class Transformer(nn.Module):  # type: ignore[misc]
    """Next-token model over segments of 128 tokens: two layers of width 64 (Vaswani and others, 2017; norms first)."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.embedding, self.places = nn.Embedding(vocabulary, WIDTH), nn.Parameter(torch.randn(SEGMENT, WIDTH) * 0.02)
        self.blocks = nn.ModuleList(_Block() for _ in range(LAYERS))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, vocabulary)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (n, length, vocabulary) of each token that follows; `tokens` (n, length), at most 128 long."""
        rows = self.embedding(tokens) + self.places[: tokens.shape[1]]
        for block in self.blocks:
            rows = block(rows)
        logits: Tensor = self.head(self.norm(rows))
        return logits


def losses(model: nn.Module, segments: Tensor) -> Tensor:
    """Summed negative log likelihood of each segment's tokens, shape (n,), in nats; padding doesn't count."""
    before = functional.pad(segments[:, :-1], (1, 0), value=PAD)
    logits = model(before)
    lost = functional.cross_entropy(logits.transpose(1, 2), segments, ignore_index=PAD, reduction="none")
    return lost.sum(dim=1)


def build(vocabulary: int, seed: int) -> Transformer:
    torch.manual_seed(seed)
    return Transformer(vocabulary)


def train(
    model: nn.Module,
    segments: Tokens,
    seed: int,
    *,
    epochs: int = EPOCHS,
    after_step: Callable[[int, npt.NDArray[np.int64], float], None] | None = None,
) -> None:
    """Train on `segments` (n, 128) for `epochs` rounds in an order drawn by `seed`; Adam, the learning rate rising over a tenth and falling to zero by a cosine.

    `after_step` is told the number of the step, the numbers of the segments that it read and its learning rate.
    """
    if not len(segments):
        return
    data = torch.from_numpy(segments)
    random = np.random.default_rng(seed)
    steps = epochs * -(-len(segments) // BATCH)
    optimiser = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    model.train()
    step = 0
    for _ in range(epochs):
        order = random.permutation(len(segments))
        for first in range(0, len(order), BATCH):
            chosen = order[first : first + BATCH]
            part = (step + 1) / steps
            rate = LEARNING_RATE * (
                part / WARM_UP if part < WARM_UP else 0.5 * (1 + float(np.cos(np.pi * (part - WARM_UP) / (1 - WARM_UP))))
            )
            for group in optimiser.param_groups:
                group["lr"] = rate
            batch = data[torch.from_numpy(chosen)]
            optimiser.zero_grad(set_to_none=True)
            lost = losses(model, batch).sum() / (batch != PAD).sum()
            lost.backward()
            optimiser.step()
            step += 1
            if after_step:
                after_step(step, chosen, rate)


def measure(model: nn.Module, segments: Tokens, batch: int = 256) -> npt.NDArray[np.float64]:
    """Mean negative log likelihood per token of each segment, in nats, shape (n,)."""
    model.eval()
    with torch.no_grad():
        rows = [losses(model, torch.from_numpy(segments[first : first + batch])).double() for first in range(0, len(segments), batch)]
    return np.asarray(torch.cat(rows).numpy() / (segments != PAD).sum(axis=1))


def generate(model: nn.Module, count: int, seed: int) -> Tokens:
    """Draw `count` segments of 128 tokens."""
    model.eval()
    source = torch.Generator().manual_seed(seed)
    tokens = torch.full((count, 1), PAD)
    with torch.no_grad():
        for _ in range(SEGMENT):
            logits = model(tokens)[:, -1]
            logits[:, PAD] = -torch.inf
            drawn = torch.multinomial(logits.softmax(dim=1), 1, generator=source)
            tokens = torch.cat([tokens, drawn], dim=1)
    return np.asarray(tokens[:, 1:].numpy())

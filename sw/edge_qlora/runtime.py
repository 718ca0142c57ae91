"""A decoder on the accelerator: tokens in, logits and tokens out, over any backend of ``driver.py``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import numpy as np

from . import decoder_program
from .commands import pack_list
from .driver import Accelerator
from .errors import ModelLimitError, OperandError
from .model_image import ModelImage
from .ordering import synchronize

Progress = Callable[[str, int, int], None]


def passes(tokens: int, most: int, logits: int) -> list[tuple[int, int]]:
    """Tokens of each pass, of which there are as few as ``most`` allows, of about the same size, and logits of each.

    Args:
        tokens: all of them.
        most: tokens that a pass takes.
        logits: of how many of the last tokens.
    """
    sizes = [len(part) for part in np.array_split(np.arange(tokens), -(-tokens // most))]
    ends = np.cumsum(sizes).tolist()
    return [(size, max(0, min(size, end - (tokens - logits)))) for size, end in zip(sizes, ends, strict=True)]


class Decoder:
    """A model in the accelerator's memory and the state of one conversation.

    Attributes:
        accelerator: opened; its limits are those the image was built for.
        image: the model's places in memory, which holds its contents.
        position: tokens in the caches.
    """

    def __init__(self, accelerator: Accelerator, image: ModelImage):
        self.accelerator = accelerator
        self.image = image
        self.position = 0

    def use(self, adapter: str | None) -> None:
        """Compute with another of the adapters in memory from now on, or without one.

        What the caches hold was computed with the one before; ``reset`` begins anew.

        Raises:
            OperandError: there is no such adapter.
        """
        self.image = self.image.with_adapter(adapter)

    def reset(self) -> None:
        """Forget all tokens."""
        self.position = 0

    async def forward(self, tokens: np.ndarray, logits: int = 1, progress: Progress = lambda *_: None) -> np.ndarray:
        """Let new tokens enter, in as few passes as they need, of about the same size: a small one computes little.

        Args:
            tokens: token numbers [M].
            logits: of how many of the last tokens.
            progress: is told of every pass.

        Returns:
            float32 [logits, vocab].

        Raises:
            OperandError: no token, one that the model does not have, or more logits than tokens.
            ModelLimitError: the context is full; nothing has changed.
            JobError: the accelerator reports an error.
        """
        tokens = np.asarray(tokens)
        if tokens.ndim != 1 or not len(tokens) or tokens.dtype.kind not in "iu" or not 0 <= logits <= len(tokens):
            raise OperandError(f"tokens of shape {tokens.shape} and {tokens.dtype} with {logits} logits")
        if tokens.min() < 0 or tokens.max() >= self.image.config.vocab_size:
            bad = tokens.max() if tokens.min() >= 0 else tokens.min()
            raise OperandError(f"token {bad} is not one of the {self.image.config.vocab_size}")
        decoder_program.check_context(self.image, self.position + len(tokens))
        results, first = [], 0
        for size, wanted in passes(len(tokens), self.image.tokens, logits):
            progress("tokens", first, len(tokens))
            results.append(await self._pass(tokens[first : first + size], wanted))
            first += size
        progress("tokens", len(tokens), len(tokens))
        return np.concatenate(results)

    async def _pass(self, tokens: np.ndarray, logits: int) -> np.ndarray:
        image, backend = self.image, self.accelerator.backend
        commands = decoder_program.forward(image, len(tokens), self.position, self.accelerator.limits, logits)
        data = pack_list(synchronize(commands))
        if len(data) > image.commands_bytes:
            raise ModelLimitError(f"a list of {len(data)} bytes is over the {image.commands_bytes} of its place")
        size = 2 * image.config.hidden_size
        for number, token in enumerate(tokens.tolist()):
            row = np.frombuffer(await backend.read(image.embedding + token * size, size), np.float16)
            await backend.write(image.x + number * 2 * size, row.astype(np.float32).tobytes())
        await backend.write(image.commands, data)
        await self.accelerator.run_list(image.commands)
        self.position += len(tokens)
        found = await backend.read(image.logits, 4 * logits * image.config.vocab_size)
        return np.frombuffer(found, np.float32).reshape(logits, image.config.vocab_size)

    async def generate(
        self, tokens: np.ndarray, count: int, stop: frozenset[int] = frozenset(), progress: Progress = lambda *_: None
    ) -> AsyncIterator[tuple[int, np.ndarray]]:
        """The most likely tokens after ``tokens``, each with its logits, until ``count`` or one of ``stop``.

        Raises:
            As ``forward``.
        """
        logits = (await self.forward(tokens, 1, progress))[0]
        for number in range(count):
            token = int(logits.argmax())
            yield token, logits
            if token in stop or number + 1 == count:
                return
            logits = (await self.forward(np.array([token]), 1, progress))[0]

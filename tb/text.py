"""Whether a decoder on the accelerator writes the text that PyTorch writes, and how far it is from PyTorch on the way.

PyTorch has the weights that the image has (``decoder_reference.packed_model``) and infers in FP32. What it gives with
the same weights in less precision is the measure of the accelerator's error:

* smaller than that of FP16, which is what models are usually run in, both relative and largest;
* with keys and values in FP32, by the golden decoder, relative, a sixteenth of FP16's: FP16 rounds every operand to
  2**-12 of itself, the array the coarser of its operands to 2**-18 of its block's largest, which among 64 normal values
  is two to four times the others (at least 64 / 4). In FP16, as here on the accelerator, they are most of its error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from edge_qlora.command_layout import ValueFormat
from edge_qlora.runtime import Decoder
from tqdm import tqdm
from transformers import LlamaForCausalLM

from tb.decoder_reference import HalfCache, greedy, in_precision, logits_of
from tb.models import llama
from tb.reference import relative_error

# Logits [M, vocab] of tokens [M].
Forward = Callable[[np.ndarray], np.ndarray]
GOLDEN, WIDE_CACHE = "golden", "golden with FP32 keys and values"


def less_precise(model: LlamaForCausalLM) -> dict[str, Forward]:
    """PyTorch in FP16, in BF16, and in FP32 but for keys and values in FP16."""
    return {
        "FP16": partial(logits_of, in_precision(model, torch.float16)),
        "BF16": partial(logits_of, in_precision(model, torch.bfloat16)),
        "FP16 keys and values": lambda tokens: logits_of(model, tokens, HalfCache()),
    }


def in_passes(decoder: llama.Decoder, size: int) -> Forward:
    """The golden decoder with tokens in the passes of ``runtime.Decoder.forward``: the same bits, in less time."""

    def forward(tokens: np.ndarray) -> np.ndarray:
        decoder.reset()
        return np.concatenate([decoder.forward(part) for part in np.array_split(tokens, -(-len(tokens) // size))])

    return forward


def comparisons(model: LlamaForCausalLM, golden: llama.Decoder) -> dict[str, Forward]:
    """All that a continuation is compared with but ``model``, PyTorch in FP32."""
    wide = replace(golden, stored=ValueFormat.FP32)
    return {WIDE_CACHE: in_passes(wide, golden.config.context)} | less_precise(model)


@dataclass(frozen=True)
class Continuation:
    """A prompt and what follows.

    Attributes:
        prompt: its tokens.
        found, expected: the most likely tokens by the accelerator and by PyTorch, each behind its own.
        exact: PyTorch's logits [count, vocab] behind the prompt and the accelerator's tokens.
        logits: the same by the accelerator, and by PyTorch in less precision, by name.
    """

    prompt: np.ndarray
    found: list[int]
    expected: list[int]
    exact: np.ndarray
    logits: dict[str, np.ndarray]

    @property
    def equal(self) -> int:
        """Tokens before the first that differs."""
        return int(np.cumprod(np.equal(self.found, self.expected)).sum())

    @property
    def smallest_gap(self) -> float:
        """Least distance of PyTorch's largest logit from the one after it."""
        second, first = np.partition(self.exact, -2, axis=1)[:, -2:].T
        return float((first - second).min())

    def errors(self) -> dict[str, tuple[float, float]]:
        """Relative error (Frobenius norms) and largest difference of the logits, by name."""
        return {
            name: (relative_error(logits, self.exact), float(np.abs(logits - self.exact).max()))
            for name, logits in self.logits.items()
        }

    def check(self) -> None:
        """Require PyTorch's tokens, and errors of the logits within the bounds at the module's head.

        Raises:
            AssertionError: it is otherwise.
        """
        errors = self.errors()
        for golden, half, measure in zip(errors[GOLDEN], errors["FP16"], ("relative", "largest"), strict=True):
            assert golden < half, f"{measure} error of the logits {golden:.2e}, of FP16 {half:.2e}"
        wide, bound = errors[WIDE_CACHE][0], errors["FP16"][0] / 16
        assert wide < bound, f"relative error of the logits with FP32 keys and values {wide:.2e}, bound {bound:.2e}"
        assert self.found == self.expected, (
            f"{self.equal} tokens are equal, then {self.found[self.equal]} is not {self.expected[self.equal]}; "
            f"smallest gap {self.smallest_gap:.2e}, largest error {errors[GOLDEN][1]:.2e}"
        )


async def continuation(
    decoder: Decoder, model: LlamaForCausalLM, others: dict[str, Forward], prompt: np.ndarray, count: int
) -> Continuation:
    """Continue a prompt on the accelerator and by PyTorch.

    Args:
        decoder: the accelerator; it forgets what was before.
        model: PyTorch in FP32.
        others: see ``comparisons``.
        prompt: its tokens.
        count: tokens to generate.
    """
    decoder.reset()
    found, golden = [], []
    with tqdm(total=count, desc="tokens", leave=False) as bar:
        async for token, logits in decoder.generate(prompt, count):
            found.append(token)
            golden.append(logits)
            bar.update()
    read = np.concatenate([prompt, found[:-1]])
    logits = {GOLDEN: np.stack(golden)} | {name: other(read)[-count:] for name, other in others.items()}
    return Continuation(prompt, found, greedy(model, prompt, count), logits_of(model, read)[-count:], logits)


def joined(continuations: Sequence[Continuation]) -> Continuation:
    """All of them as one, for the errors over all positions."""
    return Continuation(
        np.concatenate([one.prompt for one in continuations]),
        sum((one.found for one in continuations), []),
        sum((one.expected for one in continuations), []),
        np.concatenate([one.exact for one in continuations]),
        {name: np.concatenate([one.logits[name] for one in continuations]) for name in continuations[0].logits},
    )


def heading(one: Continuation) -> str:
    """First lines of a table of continuations in Markdown."""
    columns = [f"{name}, {measure}" for name in one.logits for measure in ("relative", "largest")]
    return f"| prompt | tokens equal | smallest gap | {' | '.join(columns)} |\n|---" + "|---" * (2 + len(columns)) + "|"


def row(name: str, one: Continuation) -> str:
    """A line of it."""
    errors = [f"{value:.2e}" for pair in one.errors().values() for value in pair]
    equal = f"{sum(np.equal(one.found, one.expected))} of {len(one.found)}"
    return f"| {' | '.join([name, equal, f'{one.smallest_gap:.2e}', *errors])} |"


def windows(tokens: np.ndarray, size: int, count: int) -> list[np.ndarray]:
    """The first ``count`` windows of ``size`` tokens, each with the token behind it: ``size`` tokens to predict."""
    return [tokens[begin : begin + size + 1] for begin in range(0, count * size, size)]


def perplexity(forward: Forward, texts: Sequence[np.ndarray], name: str) -> float:
    """Perplexity of all tokens of the windows but the first of each, in float64."""
    loss = 0.0
    for text in tqdm(texts, desc=name, leave=False):
        logits = torch.from_numpy(forward(text[:-1])).double()
        loss += torch.nn.functional.cross_entropy(logits, torch.from_numpy(text[1:]), reduction="sum").item()
    return float(np.exp(loss / sum(len(text) - 1 for text in texts)))

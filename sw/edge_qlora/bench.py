"""Speed of a model on simulated hardware, from the accelerator's counters, or predicted: decoding and prefill.

Cycles do not depend on values: keys and values of a context that nobody has computed are drawn from a seed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from . import cycle_model, decoder_program
from .adapter import Adapter
from .array_model import Hardware
from .checkpoint import PROJECTIONS, ModelConfig
from .command_layout import ValueFormat
from .commands import Limits
from .errors import OperandError
from .layout import BLOCK
from .model_image import ModelImage
from .ordering import synchronize
from .runtime import Decoder, passes

CLOCK_HZ = 200e6
HEADER = ("case", "cycles", "ms at 200 MHz", "bytes read", "beats per cycle", "MAC slots busy", "passes")


@dataclass(frozen=True)
class Case:
    """What is measured: ``tokens`` new tokens that end with ``context`` tokens."""

    tokens: int
    context: int

    @property
    def name(self) -> str:
        """As the table says it."""
        return f"prefill of {self.tokens}" if self.tokens == self.context > 1 else f"decode at context {self.context}"


@dataclass(frozen=True)
class Measurement:
    """What the counters say of a case, or the cycle model says that they would.

    Attributes:
        case: what was run.
        passes: lists of commands that it took.
        counters: event counters by name, all passes together.
        bus_bytes: bytes of a beat.
        predicted: nothing was run.
    """

    case: Case
    passes: int
    counters: dict[str, int]
    bus_bytes: int
    predicted: bool = False

    @property
    def name(self) -> str:
        """The case, and whether it is a prediction."""
        return f"{self.case.name} (predicted)" if self.predicted else self.case.name

    @property
    def cycles(self) -> int:
        """Cycles in which a list ran."""
        return self.counters["CYCLES_BUSY"]

    @property
    def bus(self) -> float:
        """Beats read per cycle: the share of the memory's peak rate."""
        return self.counters["READ_BEATS"] / self.cycles

    @property
    def array(self) -> float:
        """Share of all cycles in which a vector entered the array."""
        return self.counters["MAC_VECTORS"] / self.cycles

    def row(self) -> tuple[str, ...]:
        """Cells under HEADER."""
        return (
            self.name,
            f"{self.cycles:,}",
            f"{1e3 * self.cycles / CLOCK_HZ:.2f}",
            f"{self.counters['READ_BEATS'] * self.bus_bytes:,}",
            f"{self.bus:.3f}",
            f"{100 * self.array:.1f} %",
            str(self.passes),
        )

    def record(self) -> dict:
        """For a file that machines read."""
        return {"case": self.name, "passes": self.passes, "cycles": self.cycles, "counters": self.counters}


def random_adapter(config: ModelConfig, rank: int, seed: int = 0) -> Adapter:
    """An FP16 adapter of all projections with values drawn from a seed.

    Raises:
        OperandError: the rank is not from 1 to 64.
    """
    if not 1 <= rank <= 64:
        raise OperandError(f"an adapter of rank {rank}; 1 to 64 is possible")
    rng, layers = np.random.default_rng(seed), {}
    for name in (f"model.layers.{i}.{p}" for i in range(config.layers) for p in PROJECTIONS):
        n, k = config.linear_shape(name.split(".", 3)[3])
        layers[name] = tuple((0.02 * rng.standard_normal(shape)).astype(np.float16) for shape in ((rank, k), (n, rank)))
    return Adapter(rank, 2.0 * rank, layers)


def fill_caches(image: ModelImage, memory: np.ndarray, base: int, seed: int = 0) -> None:
    """Keys and values of a whole context."""
    c, rng = image.config, np.random.default_rng(seed)
    values = c.kv_heads * c.head_dim * image.context
    for layer in image.layers:
        for address in (layer.keys, layer.values):
            drawn = rng.standard_normal(values, np.float32)
            if image.cache == ValueFormat.BFP8:  # integers of 2^(19 - 24), the scale's bits 0, 1 and 4
                stored = (32 * drawn).clip(-127, 127).astype(np.int8).view(np.uint8).reshape(-1, BLOCK)
                stored[:, :6] = stored[:, :6] & 0xFE | [1, 1, 0, 0, 1, 0]
                stored = stored.reshape(-1)
            else:
                stored = drawn.astype({ValueFormat.FP16: np.float16, ValueFormat.FP32: np.float32}[image.cache])
                stored = stored.view(np.uint8)
            memory[address - base :][: stored.size] = stored


async def measure(
    decoder: Decoder, case: Case, bus_width: int, logits: bool = True, progress: Callable = lambda *_: None
) -> Measurement:
    """Run one case; the model's caches hold a context already.

    Args:
        decoder: on a backend whose counters count.
        case: what to run.
        bus_width: of the hardware, in bits.
        logits: compute those of the last token.
        progress: as in ``Decoder.forward``.

    Raises:
        OperandError: the backend counts no cycles.
        ModelLimitError: the case exceeds the caches.
    """
    accelerator, tokens = decoder.accelerator, np.zeros(case.tokens, np.int64)
    decoder.position = case.context - case.tokens
    await accelerator.clear_counters()
    await decoder.forward(tokens, int(logits), progress)
    counters = await accelerator.counters()
    if not counters["CYCLES_BUSY"]:
        raise OperandError("this backend counts no cycles; --backend rtl does")
    return Measurement(case, -(-case.tokens // decoder.image.tokens), counters, bus_width // 8)


def predict(
    image: ModelImage,
    limits: Limits,
    case: Case,
    hardware: Hardware,
    logits: bool = True,
    progress: Callable = lambda *_: None,
) -> Measurement:
    """What ``measure`` would find, by the cycle model; nothing is run and memory needs no contents.

    Args:
        image: the model's places in memory.
        limits: of the hardware.
        case, logits, progress: as of ``measure``.
        hardware: what the cycle model needs to know of it.

    Raises:
        ModelLimitError: the case exceeds the caches.
    """
    decoder_program.check_context(image, case.context)
    parts = passes(case.tokens, image.tokens, int(logits))
    counters: Counter[str] = Counter()
    position = case.context - case.tokens
    for number, (tokens, wanted) in enumerate(parts):
        progress("passes", number, len(parts))
        commands = synchronize(decoder_program.forward(image, tokens, position, limits, wanted))
        counters.update(cycle_model.predict(commands, hardware))
        position += tokens
    progress("passes", len(parts), len(parts))
    return Measurement(case, len(parts), dict(counters), hardware.bus_width // 8, predicted=True)


def table(measurements: list[Measurement]) -> Iterator[str]:
    """Lines of a Markdown table."""
    for row in (HEADER, ("---",) * len(HEADER), *(m.row() for m in measurements)):
        yield f"| {' | '.join(row)} |"

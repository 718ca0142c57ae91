"""Forward and backward of a QLoRA linear layer on the whole accelerator, bit for bit."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import cocotb
import numpy as np
import pyuvm
from edge_qlora.commands import Limits
from edge_qlora.footprint import MemoryWindow
from edge_qlora.planner import Job

from tb.accuracy import accuracy
from tb.cases import smollm2_case
from tb.common.base import config, scaled, simulator
from tb.common.scoreboard import ScoreboardError
from tb.core.device import LINE
from tb.core.env import ListTest, StrayAccessError
from tb.core.items import ListItem
from tb.lora_linear.coverage import sample
from tb.lora_linear.jobs import LayerJob, random_job
from tb.models.align import BLOCK
from tb.models.core import Core
from tb.reference import LinearCase

MEMORY_BASE = 0x12_4000_0000


def item_of(job: LayerJob, size: int) -> tuple[ListItem, Job]:
    """A job's list at a random address, in a window of at most ``size`` bytes that ends where its buffers do."""
    chosen, base = config(), MEMORY_BASE + LINE * random.randrange(64)
    sizes = (chosen[name] for name in ("scratch_words", "max_rows", "nested_depth"))
    limits = Limits(*sizes, MemoryWindow(base, size))
    plan, placed = job.place(limits)
    limits = replace(limits, window=MemoryWindow(base, plan.memory.end - base))
    memory = np.frombuffer(random.randbytes(limits.window.size), np.uint8).copy()
    core = Core(memory, limits, chosen["act_width"], base, chosen["columns"])
    for segment in placed.segments:
        core.write(segment.address, segment.data)
    return ListItem(job.name, core, placed.list_address), placed


class LayerTest(ListTest):
    """Run jobs one after the other; subclasses say which."""

    group = "lora_linear"
    size = 1 << 20

    def jobs(self) -> list[LayerJob]:
        """The jobs of this test."""
        raise NotImplementedError

    def lists(self) -> Iterator[ListItem]:
        for job in self.jobs():
            item, placed = item_of(job, self.size)
            yield item
            if not self.injected:
                sample(job)
                self.compare(item, job, placed)

    def compare(self, item: ListItem, job: LayerJob, placed: Job) -> None:
        """Hold what the list has made of the golden core's memory against the golden model of the layer."""
        for name, expected in job.expected(config()["act_width"]).items():
            output = placed.outputs[name]
            found = item.core.memory[output.address - item.core.base :][: output.size].tobytes()
            if found != np.ascontiguousarray(expected).tobytes():
                raise ScoreboardError(f"{job.name}: {name} of the list is not that of the layer's golden model")

    def total(self, counter: str) -> int:
        """An event counter, all jobs together."""
        return sum(item.counters[counter] for item in self.items)


@pyuvm.test()
class Random(LayerTest):
    """Random sizes, formats and values, with random stalls on every channel."""

    def jobs(self) -> list[LayerJob]:
        found = []
        for _ in range(scaled(12, 2)):
            n, k = (64 * random.randint(1, scaled(3, 2)) for _ in range(2))
            tokens = random.choice([1, 2, random.randint(1, 20), config()["max_rows"] + 1])
            rank = random.choice([0, 1, random.randint(2, 63), 64])
            found.append(random_job(random.random() < 0.5, n, k, tokens, rank))
        for tokens in random.sample((65, 128, 130), scaled(2, 0)):
            # The gradients' products reduce over blocks of 64 tokens, the last of which may be partial.
            found.append(random_job(True, 64, 64, tokens, random.choice([0, 1, 2, 5])))
        random.shuffle(found)
        return found


class CaseTest(LayerTest):
    """Forward and backward of one real or realistic layer; prints how close the results come to exact arithmetic."""

    size = 1 << 23

    def case(self) -> LinearCase:
        """The layer."""
        raise NotImplementedError

    def jobs(self) -> list[LayerJob]:
        self.layer = self.case()
        return [LayerJob.of_case(self.layer, backward) for backward in (False, True)]

    def utilisation(self) -> tuple[str, float]:
        return "of MAC slots in a real layer", self.total("MAC_VECTORS") / self.total("MAC_SLOTS")

    def report_phase(self) -> None:
        # The scoreboard has found memory equal to the model, bit for bit, so its accuracy is the hardware's.
        for result in accuracy(self.layer, config()["act_width"]):
            cocotb.log.info("%s %s", self.layer.name, result)
            assert result.of_bound <= 1 and result.of_torch_bound <= 1, str(result)
            assert result.error < result.baseline, str(result)


@pyuvm.test(skip=simulator() == "icarus")  # minutes there
class RealProjection(CaseTest):
    """A projection of SmolLM2-135M, quantized by bitsandbytes, under the activations and gradients it really sees."""

    def case(self) -> LinearCase:
        layer = random.randrange(2)
        projection = random.choice(["self_attn.q_proj", "self_attn.k_proj", "self_attn.o_proj"])
        return smollm2_case(layer, projection, random.choice([1, 5, 17]), seed=random.getrandbits(16))


@pyuvm.test(expect_error=ScoreboardError, skip=simulator() == "icarus")
class InjectedFault(LayerTest):
    """One flipped bit of one result row must be seen."""

    injected = True
    corrupt = 2

    def jobs(self) -> list[LayerJob]:
        return [random_job(False, 64, 64, 3, 2)]


class SteadyState(LayerTest):
    """Two products that differ in their output features alone, without pauses: what one has more is steady state."""

    full_speed = True
    tokens, blocks, unit, busy, slots = 1, (2, 8), "", "", ""

    def jobs(self) -> list[LayerJob]:
        k = BLOCK * scaled(4, 2)
        return [random_job(False, BLOCK * n, k, self.tokens, 0, (np.float32,) * 3) for n in self.blocks]

    def utilisation(self) -> tuple[str, float]:
        ratio = self.steady(self.busy) / self.steady(self.slots)
        assert 0.95 <= ratio <= 1, f"{100 * ratio:.1f} % {self.unit}, 95 % wanted"
        return self.unit, ratio

    def steady(self, counter: str) -> int:
        """An event counter: what the larger product has more."""
        small, large = (item.counters[counter] for item in self.items)
        return large - small


# With more than 8 columns the array waits for activations, 8 values a cycle; and on 512 bits each block of 64 outputs
# of so small a matrix takes some cycles more than its beats.
WIDE = config()["columns"] > 8


@pyuvm.test(skip=WIDE or simulator() == "icarus")
class OneToken(SteadyState):
    """Decoding, a matrix times one vector: the memory port takes a beat in at least 95 % of the cycles."""

    unit, busy, slots = "of cycles read a beat, one token", "READ_BEATS", "CYCLES_BUSY"

    def utilisation(self) -> tuple[str, float]:
        told = self.steady("MAC_VECTORS") + self.steady("WEIGHT_STALL")
        assert told >= 0.95 * self.steady("CYCLES_BUSY"), "an array without a vector waits for weights here"
        assert self.steady("ACT_STALL") <= 0.05 * self.steady("CYCLES_BUSY"), "activations are there"
        return super().utilisation()


@pyuvm.test(skip=WIDE or simulator() == "icarus")
class ManyTokens(SteadyState):
    """At least 95 % of the MAC slots are used by 2 x COLUMNS tokens, 4 x COLUMNS on a 64-bit bus."""

    busy, slots = "MAC_VECTORS", "MAC_SLOTS"

    @property
    def unit(self) -> str:
        return f"of MAC slots ({self.tokens} tokens, {config()['columns']} columns)"

    @property
    def tokens(self) -> int:
        return min(2 * config()["columns"] * max(1, 128 // config()["bus_width"]), config()["max_rows"])


@pyuvm.test(expect_error=StrayAccessError, skip=simulator() == "icarus")
class StrayAccess(LayerTest):
    """A read outside of what the job may touch, here of its descriptor, must be seen."""

    injected = True

    def end_of_elaboration_phase(self) -> None:
        permit = self.env.memory.permit
        self.env.memory.permit = lambda readable, writable: permit(readable[1:], writable)

    def jobs(self) -> list[LayerJob]:
        return [random_job(False, 64, 64, 1, 0)]

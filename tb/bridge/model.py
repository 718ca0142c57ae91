"""What the event counters must show after a job: pure arithmetic on its sizes and the hardware's parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from edge_qlora.job import DESCRIPTOR_BYTES
from edge_qlora.layout import BLOCK, TILE_BYTES

from sim.bench import Config
from tb.lora_linear.jobs import LayerJob


def blocks(length: int) -> int:
    """Blocks of 64 that hold ``length`` values."""
    return -(-length // BLOCK)


@dataclass(frozen=True)
class Matrix:
    """An operand: rows, columns, bytes per value; ``codes`` for tiles of 4-bit codes."""

    rows: int
    columns: int
    item: int
    codes: bool = False

    @property
    def row_bytes(self) -> int:
        """Bytes of a row, padded to blocks."""
        return blocks(self.columns) * BLOCK * self.item


@dataclass(frozen=True)
class Step:
    """One product or two: (activations, weights, T mode) of each, and the result."""

    products: tuple[tuple[Matrix, Matrix, bool], ...]
    out: Matrix


def steps(job: LayerJob) -> Iterator[Step]:
    """The steps of a job, as docs/ip/edge_qlora.md lists them."""
    (n, k), m, r = job.weight.shape, len(job.x), job.rank
    backward = job.dy is not None
    x_item, lora_item, y_item = (np.dtype(t).itemsize for t in (job.x.dtype, job.lora_a.dtype, job.y_dtype))
    w = Matrix(n, k, 0, True)
    x, dy = Matrix(m, k, x_item), Matrix(m, n, x_item)
    a, bt = Matrix(r, k, lora_item), Matrix(r, n, lora_item)
    low, low_t = Matrix(m, BLOCK, 4), Matrix(r, m, 4)
    source, first, second = (dy, bt, a) if backward else (x, a, bt)
    if r:
        yield Step(((source, first, False),), low)
    adapter = ((low, second, True),) if r else ()
    yield Step(((source, w, backward), *adapter), Matrix(m, k if backward else n, y_item))
    if backward and r:
        yield Step(((a, x, False),), low_t)
        yield Step(((bt, dy, False),), low_t)
        yield Step(((low_t, x, True),), Matrix(r, k, 4))
        yield Step(((low_t, dy, True),), Matrix(r, n, 4))


def expected_counters(job: LayerJob, config: Config) -> dict[str, int]:
    """READ_BEATS, WRITE_BEATS and MAC_VECTORS of a job."""
    n, k = job.weight.shape
    read = DESCRIPTOR_BYTES + blocks(blocks(n) * blocks(k)) * BLOCK
    written = vectors = 0
    for step in steps(job):
        left = step.products[0][0].rows
        per_row = sum(blocks(act.columns) for act, _, _ in step.products)
        while left:
            rows = min(left, config["max_rows"], config["act_depth"] // per_row)
            left -= rows
            written += rows * step.out.row_bytes
            for act, weight, transpose in step.products:
                read += rows * act.row_bytes
                if weight.codes:
                    read += blocks(weight.rows) * blocks(weight.columns) * TILE_BYTES
                else:
                    read += weight.rows * weight.row_bytes
                for row in range(blocks(weight.rows)):
                    lines = min(BLOCK, weight.rows - row * BLOCK)
                    passes = -(-(BLOCK if transpose else lines) // config["columns"])
                    vectors += rows * passes * blocks(weight.columns)
    beat = config["bus_width"] // 8
    return {"READ_BEATS": read // beat, "WRITE_BEATS": written // beat, "MAC_VECTORS": vectors}

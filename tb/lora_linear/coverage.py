"""Functional coverage of jobs."""

from __future__ import annotations

import numpy as np
from cocotb_coverage.coverage import CoverCross, CoverPoint

from tb.common.base import config
from tb.lora_linear.jobs import LayerJob
from tb.models.align import BLOCK

OPCODES = ["forward", "backward"]
RANKS = ["none", "one", "part of a block", "block"]
TOKENS = ["one", "one chunk", "several chunks", "several blocks"]
FORMATS = ["FP32", "FP16"]


def rank_bin(rank: int) -> str:
    """Bin of a rank."""
    return "none" if rank == 0 else "one" if rank == 1 else "block" if rank == BLOCK else "part of a block"


def tokens_bin(job: LayerJob) -> str:
    """Bin of the number of tokens: what one product takes at most, and blocks of 64 tokens in a reduction."""
    tokens = len(job.x)
    if tokens == 1:
        return "one"
    if tokens > BLOCK:
        return "several blocks"
    return "one chunk" if tokens <= config()["max_rows"] else "several chunks"


def _shape(job: LayerJob) -> str:
    n, k = job.weight.shape
    return "one tile" if n == k == BLOCK else "square" if n == k else "wide" if k > n else "tall"


def _format(dtype: np.dtype | type) -> str:
    return "FP16" if np.dtype(dtype) == np.float16 else "FP32"


@CoverPoint("lora_linear.opcode", xf=lambda job: OPCODES[job.dy is not None], bins=OPCODES)
@CoverPoint("lora_linear.rank", xf=lambda job: rank_bin(job.rank), bins=RANKS)
@CoverPoint("lora_linear.tokens", xf=tokens_bin, bins=TOKENS)
@CoverPoint("lora_linear.shape", xf=_shape, bins=["one tile", "square", "wide", "tall"])
@CoverPoint("lora_linear.x_format", xf=lambda job: _format(job.x.dtype), bins=FORMATS)
@CoverPoint("lora_linear.lora_format", xf=lambda job: _format(job.lora_a.dtype), bins=FORMATS)
@CoverPoint("lora_linear.y_format", xf=lambda job: _format(job.y_dtype), bins=FORMATS)
@CoverCross("lora_linear.opcode_rank", items=["lora_linear.opcode", "lora_linear.rank"])
@CoverCross("lora_linear.opcode_tokens", items=["lora_linear.opcode", "lora_linear.tokens"])
@CoverCross("lora_linear.opcode_x_format", items=["lora_linear.opcode", "lora_linear.x_format"])
def sample(job: LayerJob) -> None:
    """Functional coverage of one job."""

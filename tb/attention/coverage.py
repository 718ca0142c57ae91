"""Functional coverage of attention."""

from __future__ import annotations

from cocotb_coverage.coverage import CoverCross, CoverPoint

CONTEXTS = ["one", "part of a block", "one block", "one more", "several blocks"]
TOKENS = ["one", "some"]


def context_bin(positions: int) -> str:
    """Bin of all positions, the new tokens included."""
    if positions > 65:
        return "several blocks"
    return {1: "one", 64: "one block", 65: "one more"}.get(positions, "part of a block")


@CoverPoint("attention.context", xf=lambda model, positions, tokens: context_bin(positions), bins=CONTEXTS)
@CoverPoint("attention.tokens", xf=lambda model, positions, tokens: TOKENS[tokens > 1], bins=TOKENS)
@CoverPoint("attention.head_dim", xf=lambda model, positions, tokens: model.head_dim, bins=[64, 128])
@CoverPoint("attention.group", xf=lambda model, positions, tokens: model.heads // model.kv_heads, bins=[1, 2, 4])
@CoverPoint("attention.key_heads", xf=lambda model, positions, tokens: model.kv_heads, bins=[1, 2])
@CoverCross("attention.context_head_dim", items=["attention.context", "attention.head_dim"])
def sample(model, positions: int, tokens: int) -> None:
    """Cover one pass of a model's configuration."""

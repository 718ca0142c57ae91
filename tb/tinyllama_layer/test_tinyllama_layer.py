"""Forward and backward of a TinyLlama-shaped layer on the whole accelerator, bit for bit, with its accuracy."""

from __future__ import annotations

import pyuvm

from tb.cases import tinyllama_case
from tb.lora_linear.test_lora_linear import CaseTest
from tb.reference import LinearCase


class TinyLlamaLayer(CaseTest):
    """Gate projection, 16 tokens, rank 16, random weights."""

    full_speed = True
    size = 1 << 25

    def case(self) -> LinearCase:
        return tinyllama_case(16)


Layer = pyuvm.test()(TinyLlamaLayer)

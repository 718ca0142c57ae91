"""NF4 with double quantization, by bitsandbytes on the CPU.

bitsandbytes is the definition of the format: its quantizer makes the codes and its tables say what they mean.
"""

import bitsandbytes.functional as bnb
import numpy as np
import torch

from .errors import OperandError
from .layout import BLOCK, NESTED_BLOCK, NF4Weight


def quantize_nf4(weight: np.ndarray | torch.Tensor) -> NF4Weight:
    """Quantize [N, K] to NF4 in blocks of 64 with double quantization, by bitsandbytes on the CPU.

    The offset is torch's mean, whose last bits depend on the machine's summation order.

    Raises:
        OperandError: not two-dimensional, not of a floating-point type, or NaN or infinity.
        ValueError: N or K is not a multiple of 64.
    """
    tensor = torch.as_tensor(weight).contiguous()
    if tensor.ndim != 2 or not tensor.is_floating_point():
        raise OperandError(f"a weight of shape {tuple(tensor.shape)} and {tensor.dtype}, needs [N, K] of floats")
    if not tensor.isfinite().all():
        raise OperandError("NaN or infinity in the weight")
    packed, state = bnb.quantize_4bit(tensor, blocksize=BLOCK, compress_statistics=True, quant_type="nf4")
    return NF4Weight(
        shape=tuple(tensor.shape),
        packed=packed.numpy().reshape(-1),
        absmax_codes=state.absmax.numpy(),
        nested_absmax=state.state2.absmax.numpy(),
        offset=np.float32(state.offset.item()),
    )


def nf4_codebook() -> tuple[np.ndarray, np.float32]:
    """NF4 as the array takes it: 16 integers of 18 bits, and what one unit of them is worth."""
    values = bnb.get_4bit_type("nf4", device="cpu").numpy().astype(np.float64)
    largest = (1 << 17) - 1
    return np.rint(values * largest).astype(np.int64), np.float32(1 / largest)


def quant_state(weight: NF4Weight) -> bnb.QuantState:
    """The bitsandbytes state of `weight`, dequantizing to float32; its data is `weight.packed` as a column."""
    nested = bnb.QuantState(
        absmax=torch.tensor(weight.nested_absmax),
        code=bnb.create_dynamic_map(),
        blocksize=NESTED_BLOCK,
        dtype=torch.float32,
    )
    return bnb.QuantState(
        absmax=torch.tensor(weight.absmax_codes),
        shape=torch.Size(weight.shape),
        code=bnb.get_4bit_type("nf4", device="cpu"),
        blocksize=BLOCK,
        quant_type="nf4",
        dtype=torch.float32,
        offset=torch.tensor(float(weight.offset), dtype=torch.float32),
        state2=nested,
    )


def dequantize_nf4(weight: NF4Weight) -> np.ndarray:
    """float32 [N, K] as `bitsandbytes.functional.dequantize_4bit` makes it."""
    packed = torch.tensor(weight.packed).reshape(-1, 1)
    return bnb.dequantize_4bit(packed, quant_state(weight)).numpy()


def standard_tables() -> dict[str, torch.Tensor]:
    """The two code tables under their checkpoint names: 16 NF4 values and the 256-entry dynamic map."""
    return {"quant_map": bnb.get_4bit_type("nf4", device="cpu"), "nested_quant_map": bnb.create_dynamic_map()}

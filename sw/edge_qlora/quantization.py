"""Block-wise weight formats with double quantization, by bitsandbytes on the CPU.

bitsandbytes is the definition of NF4: its quantizer makes the codes and its tables say what they mean. The other
formats share its scales: one absmax per block of 64, quantized in blocks of 256 to its dynamic map.
"""

from statistics import NormalDist

import bitsandbytes.functional as bnb
import numpy as np
import torch

from .command_layout import WeightFormat
from .errors import OperandError
from .layout import BLOCK, CODE_BITS, NESTED_BLOCK, CodedWeight, NF4Weight

LARGEST_ENTRY = (1 << 17) - 1  # of the array's integers
LARGEST_INTEGER = 127  # of INT8


def quantize_nf4(weight: np.ndarray | torch.Tensor) -> NF4Weight:
    """Quantize [N, K] to NF4 in blocks of 64 with double quantization, by bitsandbytes on the CPU.

    The offset is torch's mean, whose last bits depend on the machine's summation order.

    Raises:
        OperandError: not two-dimensional, not of a floating-point type, or NaN or infinity.
        ValueError: N or K is not a multiple of 64.
    """
    tensor = _checked(weight)
    packed, state = bnb.quantize_4bit(tensor, blocksize=BLOCK, compress_statistics=True, quant_type="nf4")
    return NF4Weight(
        shape=tuple(tensor.shape),
        packed=packed.numpy().reshape(-1),
        absmax_codes=state.absmax.numpy(),
        nested_absmax=state.state2.absmax.numpy(),
        offset=np.float32(state.offset.item()),
    )


def quantize(weight: np.ndarray | torch.Tensor, fmt: WeightFormat) -> CodedWeight:
    """Quantize [N, K] to any format of codes, in blocks of 64 with double quantization.

    4-bit codes are those of ``quantize_nf4``. All others are the nearest ones to the weight over the scale that the
    accelerator will restore, so that they make up for the error of its quantization.

    Raises:
        As ``quantize_nf4``; OperandError too: no format of codes, or so large a weight that absmax's mean overflows.
    """
    if fmt not in CODE_BITS:
        raise OperandError(f"{fmt.name} is no format of codes")
    if fmt == WeightFormat.CODES:
        return coded(quantize_nf4(weight))
    values = _checked(weight).float().numpy()
    n, k = values.shape
    if n % BLOCK or k % BLOCK:
        raise ValueError(f"a weight of {n} x {k} is not made of whole {BLOCK} x {BLOCK} tiles")
    blocks = values.reshape(-1, BLOCK)
    absmax = torch.from_numpy(np.abs(blocks).max(axis=1))
    offset = absmax.mean()
    if not offset.isfinite():
        raise OperandError("the mean of the weight's absmax is beyond FP32")
    codes, state = bnb.quantize_blockwise(absmax - offset, blocksize=NESTED_BLOCK)
    restored = bnb.dequantize_blockwise(codes, state).numpy() + offset.numpy()
    # A scale may come out as zero; its block then is zero whatever its codes are.
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.nan_to_num(blocks / restored[:, None], posinf=0.0, neginf=0.0)
    if fmt == WeightFormat.INT8:
        integers = np.rint(relative * LARGEST_INTEGER).clip(-LARGEST_INTEGER, LARGEST_INTEGER)
        found = integers.astype(np.int8).view(np.uint8)
    else:
        levels = normal_float(CODE_BITS[fmt])
        found = np.searchsorted((levels[1:] + levels[:-1]) / 2, relative).astype(np.uint8)
    return CodedWeight(
        fmt,
        found.reshape(n, k),
        codes.numpy().reshape(n, k // BLOCK),
        state.absmax.numpy(),
        np.float32(offset.item()),
        *codebook(fmt),
    )


def coded(weight: NF4Weight) -> CodedWeight:
    """The same weight, unpacked."""
    n, k = weight.shape
    scales = weight.absmax_codes.reshape(n, k // BLOCK), weight.nested_absmax, weight.offset
    return CodedWeight(WeightFormat.CODES, weight.codes(), *scales, *nf4_codebook())


def normal_float(bits: int) -> np.ndarray:
    """Levels of a normal-float code, float64 [2**bits], from -1 to 1, zero among them.

    The construction is that of NF4 (Dettmers et al., QLoRA, 2023; bitsandbytes ``create_normal_map``): quantiles of a
    normal distribution, one more above zero than below.
    """
    half = 1 << bits - 1
    outermost = 1 - (1 / (2 * (2 * half - 1)) + 1 / (4 * half)) / 2
    quantiles = [
        sign * NormalDist().inv_cdf(p)
        for sign, count in ((1, half), (-1, half - 1))
        for p in np.linspace(outermost, 0.5, count + 1)[:-1]
    ]
    levels = np.sort([0.0, *quantiles])
    return levels / levels[-1]


def codebook(fmt: WeightFormat) -> tuple[np.ndarray, np.float32]:
    """A format's codebook as the array takes it: 16 integers of 18 bits, and what one unit of them is worth."""
    if fmt == WeightFormat.CODES:
        return nf4_codebook()
    entries = np.zeros(16, np.int64)
    if fmt == WeightFormat.INT8:
        return entries, np.float32(1 / LARGEST_INTEGER)
    levels = normal_float(CODE_BITS[fmt])
    entries[: len(levels)] = np.rint(levels * LARGEST_ENTRY)
    return entries, np.float32(1 / LARGEST_ENTRY)


def dequantize(weight: CodedWeight) -> np.ndarray:
    """float32 [N, K] as the accelerator restores it, but for the rounding of its products."""
    integers = weight.codes.view(np.int8) if weight.fmt == WeightFormat.INT8 else weight.book[weight.codes]
    nested = np.repeat(weight.nested_absmax, NESTED_BLOCK)[: weight.absmax_codes.size]
    absmax = bnb.create_dynamic_map().numpy()[weight.absmax_codes.reshape(-1)] * nested + weight.offset
    scales = np.repeat(absmax * weight.unit, BLOCK).reshape(weight.codes.shape)
    return (integers * scales).astype(np.float32)


def _checked(weight: np.ndarray | torch.Tensor) -> torch.Tensor:
    tensor = torch.as_tensor(weight).contiguous()
    if tensor.ndim != 2 or not tensor.is_floating_point():
        raise OperandError(f"a weight of shape {tuple(tensor.shape)} and {tensor.dtype}, needs [N, K] of floats")
    if not tensor.isfinite().all():
        raise OperandError("NaN or infinity in the weight")
    return tensor


def nf4_codebook() -> tuple[np.ndarray, np.float32]:
    """NF4 as the array takes it: 16 integers of 18 bits, and what one unit of them is worth."""
    values = bnb.get_4bit_type("nf4", device="cpu").numpy().astype(np.float64)
    return np.rint(values * LARGEST_ENTRY).astype(np.int64), np.float32(1 / LARGEST_ENTRY)


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

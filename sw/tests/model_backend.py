"""A software stand-in for the accelerator: registers and memory as the driver sees them, arithmetic in float64.

It takes nothing from the planner: the descriptor alone tells it where the operands are, so a wrong address, layout or
transposition shows up as a wrong result.
"""

import numpy as np
from edge_qlora import layout, registers
from edge_qlora.errors import ErrorCode, JobError
from edge_qlora.job import DESCRIPTOR_BYTES, Descriptor, MemoryWindow, Opcode
from edge_qlora.quantization import dequantize_nf4


class ModelBackend:
    """Backend over a byte array; `fault` makes the next job end with that error code."""

    def __init__(self, base: int, size: int, max_rank: int = 64, nested_depth: int = 4096):
        self.base = base
        self.memory = np.full(size, 0xA5, np.uint8)  # not zero: unwritten memory must not look like a result
        self.registers = {register.offset: 0 for register in registers.REGISTERS}
        self.registers[registers.ID.offset] = registers.ID["magic"].reset
        self.registers[registers.CAPABILITY1.offset] = registers.CAPABILITY1["max_rank"].put(max_rank)
        self.registers[registers.CAPABILITY2.offset] = registers.CAPABILITY2["nested_depth"].put(nested_depth)
        self.fault: ErrorCode | None = None
        self.jobs: list[Descriptor] = []

    async def read(self, address: int, size: int) -> bytes:
        return self._view(address, size).tobytes()

    async def write(self, address: int, data: bytes) -> None:
        self._view(address, len(data))[:] = np.frombuffer(data, np.uint8)

    async def read_register(self, offset: int) -> int:
        return self.registers[offset]

    async def write_register(self, offset: int, value: int) -> None:
        assert 0 <= value < 1 << 32
        if offset == registers.IRQ_STATUS.offset:
            self.registers[offset] &= ~value
        elif offset == registers.CONTROL.offset:
            if registers.CONTROL["doorbell"].get(value):
                self._ring()
            if registers.CONTROL["clear_counters"].get(value):
                self.registers[registers.CYCLES_BUSY_LO.offset] = self.registers[registers.CYCLES_BUSY_HI.offset] = 0
        else:
            self.registers[offset] = value

    async def wait_for_interrupt(self) -> None:
        status, enable = self.registers[registers.IRQ_STATUS.offset], self.registers[registers.IRQ_ENABLE.offset]
        assert status & enable, "the driver would wait forever"

    def _view(self, address: int, size: int) -> np.ndarray:
        start = address - self.base
        assert 0 <= start and start + size <= len(self.memory), f"access to {address:#x} + {size}"
        return self.memory[start : start + size]

    def _pair(self, low: registers.Register, high: registers.Register) -> int:
        return self.registers[low.offset] | self.registers[high.offset] << 32

    def _ring(self) -> None:
        base = self._pair(registers.MEM_BASE_LO, registers.MEM_BASE_HI)
        limit = self._pair(registers.MEM_LIMIT_LO, registers.MEM_LIMIT_HI)
        address = self._pair(registers.DESC_ADDR_LO, registers.DESC_ADDR_HI)
        event, code, fault = "done", ErrorCode.NONE, self.fault
        self.fault = None
        try:
            if fault is not None:
                raise {error.code: error for error in JobError.__subclasses__()}[fault]("injected")
            descriptor = Descriptor.unpack(self._view(address, DESCRIPTOR_BYTES).tobytes())
            descriptor.validate(MemoryWindow(base, limit - base))
            finite = self._compute(descriptor)
            self.jobs.append(descriptor)
            self.registers[registers.CYCLES_BUSY_LO.offset] += 7
            self.registers[registers.CYCLES_BUSY_HI.offset] += 1
            if not finite:
                self.registers[registers.IRQ_STATUS.offset] |= registers.IRQ_STATUS["nonfinite"].mask
        except JobError as error:
            event, code = "error", error.code
        self.registers[registers.ERROR_CODE.offset] = registers.ERROR_CODE["code"].put(code)
        self.registers[registers.IRQ_STATUS.offset] |= registers.IRQ_STATUS[event].mask

    def _array(self, address: int, shape: tuple[int, int], fp16: bool) -> np.ndarray:
        dtype = np.float16 if fp16 else np.float32
        data = self._view(address, shape[0] * shape[1] * np.dtype(dtype).itemsize)
        return layout.tensor_from_bytes(data.tobytes(), shape, dtype).astype(np.float64)

    def _store(self, address: int, values: np.ndarray, fp16: bool) -> None:
        data = layout.tensor_bytes(values.astype(np.float16 if fp16 else np.float32))
        self._view(address, len(data))[:] = np.frombuffer(data, np.uint8)

    def _compute(self, d: Descriptor) -> bool:
        m, k, n, r, s = d.tokens, d.in_features, d.out_features, d.rank, d.lora_scale
        nested = self._array(d.nested_absmax, (1, layout.nested_entries(n, k)), False)[0].astype(np.float32)
        tiles = self._view(d.weights, layout.weight_tiles_bytes(n, k)).tobytes()
        weight = dequantize_nf4(layout.unpack_weight_tiles(tiles, (n, k), nested, d.absmax_offset)).astype(np.float64)
        lora_a = self._array(d.lora_a, (r, k), d.lora_fp16)
        lora_b_t = self._array(d.lora_b, (r, n), d.lora_fp16)
        x = self._array(d.x, (m, k), d.x_fp16)
        if d.opcode == Opcode.FORWARD:
            y = x @ weight.T + s * (x @ lora_a.T @ lora_b_t)
            self._store(d.y, y, d.y_fp16)
            return bool(np.isfinite(y).all())
        dy = self._array(d.y, (m, n), d.x_fp16)
        v = dy @ lora_b_t.T
        self._store(d.dx, dy @ weight + s * (v @ lora_a), d.y_fp16)
        self._store(d.d_lora_a, s * (v.T @ x), False)
        self._store(d.d_lora_b, s * ((x @ lora_a.T).T @ dy), False)
        return bool(np.isfinite(v).all())

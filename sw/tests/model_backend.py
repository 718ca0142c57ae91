"""A software stand-in for the accelerator: registers and memory as the driver sees them, arithmetic in float64.

The descriptor alone tells it where the operands are, so a wrong address or a transposed operand shows up as a wrong
result. It shares with the package the reading and checking of descriptors (job.py), the unpacking of weight tiles
(layout.py) and the dequantization: a mistake in those is not seen here, but by their own tests and by the simulation.
A NaN or an infinity is found by the golden model.
"""

import numpy as np
from edge_qlora import layout, registers
from edge_qlora.errors import ErrorCode, JobError
from edge_qlora.job import DESCRIPTOR_BYTES, Descriptor, Limits, MemoryWindow, Opcode
from edge_qlora.quantization import dequantize_nf4

from tb.lora_linear.jobs import LayerJob

ACT_WIDTH = 25


class ModelBackend:
    """Backend over a byte array; `fault` and `fault_info` make the next job end with that error, before it starts."""

    def __init__(self, base: int, size: int, rank: int = 64, nested_depth: int = 4096, act_depth: int = 2048):
        self.base = base
        self.memory = np.full(size, 0xA5, np.uint8)  # not zero: unwritten memory must not look like a result
        self.registers = {register.offset: 0 for register in registers.REGISTERS}
        self.registers[registers.ID.offset] = registers.ID["magic"].reset
        self.registers[registers.VERSION.offset] = sum(f.put(f.reset) for f in registers.VERSION.fields)
        capability = registers.CAPABILITY1["max_rank"].put(rank) | registers.CAPABILITY1["act_depth"].put(act_depth)
        self.registers[registers.CAPABILITY1.offset] = capability
        self.registers[registers.CAPABILITY2.offset] = registers.CAPABILITY2["nested_depth"].put(nested_depth)
        self.limits = Limits(rank=rank, nested_depth=nested_depth, act_depth=act_depth)
        self.fault: int | None = None
        self.fault_info = 0
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
        assert self.registers[registers.IRQ_STATUS.offset] == 0, "an old event is still pending"
        base = self._pair(registers.MEM_BASE_LO, registers.MEM_BASE_HI)
        limit = self._pair(registers.MEM_LIMIT_LO, registers.MEM_LIMIT_HI)
        address = self._pair(registers.DESC_ADDR_LO, registers.DESC_ADDR_HI)
        code, info, self.fault = self.fault or ErrorCode.NONE, self.fault_info, None
        if not code:
            try:
                descriptor = Descriptor.unpack(self._view(address, DESCRIPTOR_BYTES).tobytes())
                descriptor.validate(MemoryWindow(base, limit - base), self.limits, address)
            except JobError as error:
                code = error.code
            else:
                code, info = self._run(descriptor)
        event = "error" if code else "done"
        self.registers[registers.ERROR_CODE.offset] = registers.ERROR_CODE["code"].put(code)
        self.registers[registers.ERROR_INFO_LO.offset] = info & 0xFFFFFFFF
        self.registers[registers.ERROR_INFO_HI.offset] = info >> 32
        self.registers[registers.STATUS.offset] = registers.STATUS[event].mask
        self.registers[registers.IRQ_STATUS.offset] |= registers.IRQ_STATUS[event].mask

    def _run(self, descriptor: Descriptor) -> tuple[ErrorCode, int]:
        """Compute and write the results; the error code and information that the job ends with."""
        self.jobs.append(descriptor)
        self.registers[registers.CYCLES_BUSY_LO.offset] += 7
        self.registers[registers.CYCLES_BUSY_HI.offset] += 1
        address = self._compute(descriptor)
        if address is None:
            return ErrorCode.NONE, 0
        self.registers[registers.IRQ_STATUS.offset] |= registers.IRQ_STATUS["nonfinite"].mask
        return ErrorCode.NONFINITE, address

    def _array(self, address: int, shape: tuple[int, int], fp16: bool) -> np.ndarray:
        dtype = np.float16 if fp16 else np.float32
        data = self._view(address, shape[0] * shape[1] * np.dtype(dtype).itemsize)
        return layout.tensor_from_bytes(data.tobytes(), shape, dtype)

    def _store(self, address: int, values: np.ndarray, fp16: bool) -> None:
        data = layout.tensor_bytes(values.astype(np.float16 if fp16 else np.float32))
        self._view(address, len(data))[:] = np.frombuffer(data, np.uint8)

    @np.errstate(over="ignore", invalid="ignore")
    def _compute(self, d: Descriptor) -> int | None:
        """Write the results; address of the first that met a NaN or an infinity, None if all is finite."""
        m, k, n, r, s = d.tokens, d.in_features, d.out_features, d.rank, d.lora_scale
        nested = self._array(d.nested_absmax, (1, layout.nested_entries(n, k)), False)[0]
        tiles = self._view(d.weights, layout.weight_tiles_bytes(n, k)).tobytes()
        nf4 = layout.unpack_weight_tiles(tiles, (n, k), nested, d.absmax_offset)
        dy = self._array(d.y, (m, n), d.x_fp16) if d.opcode == Opcode.BACKWARD else None
        x, a = self._array(d.x, (m, k), d.x_fp16), self._array(d.lora_a, (r, k), d.lora_fp16)
        b_t = self._array(d.lora_b, (r, n), d.lora_fp16)
        job = LayerJob("job", nf4, x, dy, a, b_t.T, s, np.float16 if d.y_fp16 else np.float32)
        weight, x, a, b_t = (v.astype(np.float64) for v in (dequantize_nf4(nf4), x, a, b_t))
        if dy is None:
            self._store(d.y, x @ weight.T + s * (x @ a.T @ b_t), d.y_fp16)
        else:
            v = dy.astype(np.float64) @ b_t.T
            self._store(d.dx, dy @ weight + s * (v @ a), d.y_fp16)
            self._store(d.d_lora_a, s * (v.T @ x), False)
            self._store(d.d_lora_b, s * ((x @ a.T).T @ dy), False)
        return job.nonfinite_result(d, ACT_WIDTH)

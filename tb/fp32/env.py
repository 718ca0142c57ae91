"""pyuvm environment of the FP32 units: one operand stream in, a result stream and a scoreboard per unit."""

from __future__ import annotations

import numpy as np
from pyuvm import uvm_component, uvm_env, uvm_subscriber

from tb.common.scoreboard import Scoreboard
from tb.common.stream import Pace, StreamAgent, StreamPort
from tb.fp32 import coverage
from tb.fp32.stimulus import Operands
from tb.models import fp32

UNITS = {
    "mul": ("y",),
    "add": ("y",),
    "int": ("y",),
    "convert": ("fp16", "bf16", "to_fp16", "to_bf16"),
}
BATCH = 256  # transfers that the predictor computes at once


def pack(values: np.ndarray, lanes: int, width: int) -> list[int]:
    """Beats of ``lanes`` elements of ``width`` bits, element 0 lowest; negative elements in two's complement."""
    groups = (values.astype(object) & ((1 << width) - 1)).reshape(-1, lanes)
    return [int(beat) for beat in (groups << (np.arange(lanes, dtype=object) * width)).sum(axis=1)]


def unpack(beats: list[int], lanes: int, width: int, signed: bool = False) -> np.ndarray:
    """Elements of beats as int64 or, up to 32 bits and unsigned, uint32."""
    groups = np.array(beats, dtype=object)[:, None] >> (np.arange(lanes, dtype=object) * width)
    values = (groups & ((1 << width) - 1)).reshape(-1)
    if not signed:
        return values.astype(np.uint32)
    half = 1 << (width - 1)
    return ((values ^ half) - half).astype(np.int64)


class Layout:
    """Widths of the operand fields."""

    def __init__(self, lanes: int, int_width: int) -> None:
        self.lanes, self.int_width = lanes, int_width
        self.widths = {"a": 32, "b": 32, "value": int_width, "exponent": 10, "nan": 1, "half": 16, "wide": 32}

    def to_transfers(self, operands: Operands) -> list[dict[str, int]]:
        """Operands as transfers of the operand stream."""
        columns = {name: pack(getattr(operands, name), self.lanes, width) for name, width in self.widths.items()}
        return [dict(zip(columns, beat, strict=True)) for beat in zip(*columns.values(), strict=True)]

    def to_operands(self, transfers: list[dict[str, int]]) -> Operands:
        """Inverse of ``to_transfers``."""
        fields = {
            name: unpack([t[name] for t in transfers], self.lanes, width, name in ("value", "exponent"))
            for name, width in self.widths.items()
        }
        return Operands(**{**fields, "nan": fields["nan"].astype(bool)})


def expected(operands: Operands, lanes: int) -> dict[str, list[dict[str, int]]]:
    """Transfers of each unit's result stream, by the golden model."""
    a, b, wide = (x.view(np.float32) for x in (operands.a, operands.b, operands.wide))
    results = {
        "mul": {"y": (fp32.mul(a, b), 32)},
        "add": {"y": (fp32.add(a, b), 32)},
        "int": {"y": (fp32.from_int(operands.value, operands.exponent, operands.nan), 32)},
        "convert": {
            "fp16": (fp32.from_fp16(operands.half), 32),
            "bf16": (fp32.from_bf16(operands.half), 32),
            "to_fp16": (fp32.to_fp16(wide), 16),
            "to_bf16": (fp32.to_bf16(wide), 16),
        },
    }
    streams = {}
    for unit, fields in results.items():
        beats = {
            name: pack(values if width == 16 else fp32.to_bits(values), lanes, width)
            for name, (values, width) in fields.items()
        }
        streams[unit] = [dict(zip(beats, beat, strict=True)) for beat in zip(*beats.values(), strict=True)]
    return streams


class Predictor(uvm_subscriber):
    """Compute, batch by batch, what the units must answer to the operands that were accepted."""

    def __init__(self, name: str, parent: uvm_component, layout: Layout, scoreboards: dict[str, Scoreboard]) -> None:
        super().__init__(name, parent)
        self.layout, self.scoreboards = layout, scoreboards
        self.pending: list[dict[str, int]] = []

    def write(self, item) -> None:
        self.pending.append(item.fields)
        if len(self.pending) == BATCH:
            self.flush()

    def flush(self) -> None:
        """Compute the operations accepted since the last batch."""
        if not self.pending:
            return
        operands = self.layout.to_operands(self.pending)
        coverage.sample_batch(operands, self.layout.int_width)
        contexts = [", ".join(f"{name}={value:#x}" for name, value in fields.items()) for fields in self.pending]
        for unit, transfers in expected(operands, self.layout.lanes).items():
            for fields, context in zip(transfers, contexts, strict=True):
                self.scoreboards[unit].expect(fields, context)
        self.pending = []


class Fp32Env(uvm_env):
    """Everything around the DUT.

    Attributes:
        layout: widths of the operand fields, from the DUT's ports.
        scoreboards: by unit, see ``UNITS``.
    """

    def __init__(self, name: str, parent: uvm_component, dut, paces: dict[str, Pace]) -> None:
        super().__init__(name, parent)
        self.dut, self.paces = dut, paces
        lanes = len(dut.op_nan_i)
        self.layout = Layout(lanes, len(dut.op_value_i) // lanes)

    def build_phase(self) -> None:
        ports = {"op": StreamPort(self.dut, "op", tuple(self.layout.widths), True)}
        ports |= {unit: StreamPort(self.dut, unit, fields, False) for unit, fields in UNITS.items()}
        self.agents = {
            name: StreamAgent(name, self, port, self.paces.get(name, Pace())) for name, port in ports.items()
        }
        self.scoreboards = {unit: Scoreboard(f"{unit}_scoreboard", self) for unit in UNITS}
        self.predictor = Predictor("predictor", self, self.layout, self.scoreboards)

    def connect_phase(self) -> None:
        self.agents["op"].monitor.analysis_port.connect(self.predictor.analysis_export)
        for unit in UNITS:
            self.agents[unit].monitor.analysis_port.connect(self.scoreboards[unit].analysis_export)

    @property
    def compared(self) -> int:
        """Operations compared, all units together; a conversion transfer holds four a lane."""
        weights = {"convert": 4}
        return self.layout.lanes * sum(
            weights.get(unit, 1) * board.compared for unit, board in self.scoreboards.items()
        )

    @property
    def mismatches(self) -> int:
        """Transfers that differed."""
        return sum(board.mismatches for board in self.scoreboards.values())

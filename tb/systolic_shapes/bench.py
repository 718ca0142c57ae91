"""The tests of ``systolic`` on array shapes that no named configuration has."""

from sim.bench import Bench
from tb.systolic.bench import FILELIST, MODULE, parameters

DESCRIPTION = "matrix engine in other shapes: 1 to 16 columns, 64- to 512-bit bus, 18- and 25-bit activations"


def bench(columns: int, act_width: int, bus_width: int, max_rows: int, **options) -> Bench:
    """A bench of ``matrix_unit`` with a shape of its own."""
    settings = {"columns": columns, "act_width": act_width, "bus_width": bus_width, "max_rows": max_rows}
    settings["act_depth"] = max(64, 8 * max_rows)
    name = f"systolic_{columns}x{act_width}_{bus_width}"
    return Bench(name, "matrix_unit", FILELIST, MODULE, parameters, configs=("tiny",), settings=settings, **options)


BENCHES = [
    bench(1, 18, 64, 8, simulators=("verilator",)),  # its passes take longest
    bench(
        1, 25, 512, 8, simulators=("verilator",)
    ),  # its tiles can have two passes of one vector, and columns come fast
    bench(3, 25, 128, 16),
    bench(2, 18, 512, 8),  # a 512-bit bus loads two columns a cycle
    bench(12, 25, 512, 32, simulators=("verilator",)),
    bench(16, 25, 256, 32, simulators=("verilator",)),
]

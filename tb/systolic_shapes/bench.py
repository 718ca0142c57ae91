"""The tests of ``systolic`` on array shapes that no named configuration has."""

from sim.bench import Bench
from tb.systolic.bench import FILELIST, MODULE, TOP, parameters

DESCRIPTION = "matrix engine in other shapes: 1 to 16 columns, 64- to 512-bit bus, 18- and 25-bit activations"
TURNS = True


def bench(columns: int, act_width: int, bus_width: int, max_rows: int, scratch_width: int) -> Bench:
    """A bench of ``matrix_engine`` with a shape of its own; under Icarus each would take minutes."""
    settings = {"columns": columns, "act_width": act_width, "bus_width": bus_width, "max_rows": max_rows}
    settings["scratch_words"] = 1 << scratch_width
    name = f"systolic_{columns}x{act_width}_{bus_width}"
    return Bench(
        name, TOP, FILELIST, MODULE, parameters, simulators=("verilator",), configs=("tiny",), settings=settings
    )


BENCHES = [
    bench(1, 18, 64, 8, 11),  # its passes take longest
    # Its tiles can have two passes of one vector, and columns come fast.
    bench(1, 25, 512, 8, 11),
    bench(3, 25, 128, 16, 16),  # a scratchpad of all addresses
    bench(2, 18, 512, 8, 12),  # a 512-bit bus loads two columns a cycle
    bench(12, 25, 512, 32, 13),
    bench(16, 25, 256, 32, 13),
]

"""The tests of ``decode`` on other arrays and buses, which must give the same bits."""

from sim.bench import Bench
from tb.decode.bench import bench

DESCRIPTION = "decoding on other arrays and buses: 2 to 8 columns, 128- to 512-bit bus"
TURNS = True


def shape(columns: int, bus_width: int) -> Bench:
    """A bench of another array on another bus, for lists of the tiny configuration."""
    settings = {"columns": columns, "bus_width": bus_width}
    return bench(f"decode_{columns}x{bus_width}", settings=settings, simulators=("verilator",), configs=("tiny",))


BENCHES = [shape(2, 128), shape(4, 256), shape(8, 512)]

"""Benches of what crosses between clocks: the FIFO, AXI4, and the host's whole way to registers and memory."""

from __future__ import annotations

from sim.bench import Bench

DESCRIPTION = "FIFO and AXI4 between two clocks of random ratio and phase; a host's way to registers and memory"


def _bench(name: str, top: str, filelist: str, module: str, **parameters: int) -> Bench:
    return Bench(
        name,
        top,
        filelist,
        ",".join(f"tb.crossing.{one}" for one in module.split()),
        lambda config: parameters,
        configs=("tiny",),
    )


BRIDGE = "rtl/vega_bridge/host_bridge.f"
BENCHES = [
    _bench("sync_reset", "sync_reset", "rtl/common/crossing.f", "test_sync_reset"),
    _bench("word_master", "word_master", "rtl/vega_bridge/word_master.f", "test_word_master"),
    _bench("async_fifo", "async_fifo", "rtl/common/crossing.f", "test_fifo", WIDTH=16, DEPTH_W=3),
    _bench("async_fifo_small", "async_fifo", "rtl/common/crossing.f", "test_fifo", WIDTH=1, DEPTH_W=2),
    _bench("axi_crossing", "axi_crossing", BRIDGE, "test_axi test_channels", ADDR_W=32, DATA_W=64, ID_W=4, DEPTH_W=3),
    _bench("host_bridge", "host_bridge", BRIDGE, "test_axi", DATA_W=256),
    _bench("host_bridge_narrow", "host_bridge", BRIDGE, "test_axi", DATA_W=64, HOST_W=32, HOST_ADDR_W=32),
]

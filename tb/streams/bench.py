"""Benches of the stream cells at three sizes."""

from __future__ import annotations

from sim.bench import Bench

DESCRIPTION = "register slices, FIFOs, width converters and fork: order, occupancy, throughput"


def _bench(name: str, **parameters: int) -> Bench:
    return Bench(
        name=name,
        top="streams_top",
        filelist="sim/tops/streams_top.f",
        module="tb.streams.test_streams",
        parameters=lambda config: parameters,
        configs=("tiny",),
    )


BENCHES = [
    _bench("streams", WIDTH=16, DEPTH=3, RATIO=4),
    _bench("streams_two", WIDTH=1, DEPTH=2, RATIO=2),
    _bench("streams_deep", WIDTH=32, DEPTH=16, RAM_DEPTH=16, RATIO=3),
]

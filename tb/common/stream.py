"""Valid/ready streams for pyuvm: items, sequences, drivers, monitors and agents.

Ports follow the project's naming: a stream ``s`` into the DUT has ``s_valid_i``, ``s_ready_o`` and ``s_<field>_i``;
a stream out of the DUT has ``s_valid_o``, ``s_ready_i`` and ``s_<field>_o``; a payload without parts, named "", is
``s_i`` or ``s_o``. All bits of a field form one unsigned int.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping

from cocotb.triggers import ClockCycles, RisingEdge
from pyuvm import (
    uvm_agent,
    uvm_analysis_port,
    uvm_component,
    uvm_driver,
    uvm_sequence,
    uvm_sequence_item,
    uvm_sequencer,
)


class Pace:
    """How often one side of a stream pauses.

    Args:
        pause: probability of a pause before each transfer, 0 to 1.
        longest: longest pause in cycles.
        after_valid: a sink is ready only when something has been offered, which must not wait for that.
    """

    def __init__(self, pause: float = 0.0, longest: int = 4, after_valid: bool = False) -> None:
        self.pause = pause
        self.longest = longest
        self.after_valid = after_valid

    def cycles(self) -> int:
        """Length of the next pause in cycles; mostly zero when ``pause`` is small."""
        return random.randint(1, self.longest) if self.pause and random.random() < self.pause else 0

    @classmethod
    def any(cls) -> Pace:
        """A random pace: never pausing, seldom, often, in long gaps, or for what is offered."""
        return random.choice((cls(), cls(0.1, 2), cls(0.5, 3), cls(0.9, 2), cls(0.05, 40), cls(0.3, 3, True)))


class StreamItem:
    """One transfer that was seen: field name to unsigned value."""

    __slots__ = ("fields",)

    def __init__(self, fields: Mapping[str, int]) -> None:
        self.fields = fields

    def __str__(self) -> str:
        return ", ".join(f"{name}={value:#x}" for name, value in self.fields.items())


class StreamTransfers(uvm_sequence_item):
    """Transfers for a driver, in order: a sequence item for each would take most of a simulation's time."""

    def __init__(self, transfers: Iterable[Mapping[str, int]], name: str = "transfers") -> None:
        super().__init__(name)
        self.transfers = transfers


class StreamSequence(uvm_sequence):
    """Send the given transfers in order."""

    def __init__(self, transfers: Iterable[Mapping[str, int]], name: str = "sequence") -> None:
        super().__init__(name)
        self.transfers = transfers

    async def body(self) -> None:
        item = StreamTransfers(self.transfers)
        await self.start_item(item)
        await self.finish_item(item)


class StreamPort:
    """Handles of one stream's signals, and the two coroutine primitives on them.

    Args:
        dut: cocotb handle of the module.
        name: stream name, the prefix of its ports.
        fields: payload field names.
        into_dut: True when the DUT receives the stream.
        watched: the stream runs between two parts of the DUT, which shows all of it; only for a monitor.
    """

    def __init__(self, dut, name: str, fields: Iterable[str], into_dut: bool, watched: bool = False) -> None:
        ours, theirs = ("i", "o") if into_dut else ("o", "o") if watched else ("o", "i")
        self.name = name
        self.clock, self.reset_n = dut.clk_i, dut.rst_ni
        self.valid = getattr(dut, f"{name}_valid_{ours}")
        self.ready = getattr(dut, f"{name}_ready_{theirs}")
        self.payload = {field: getattr(dut, "_".join(filter(None, (name, field, ours)))) for field in fields}
        self.into_dut = into_dut

    def idle(self) -> None:
        """Drive the testbench's side to its inactive value."""
        (self.valid if self.into_dut else self.ready).value = 0

    async def send(self, fields: Mapping[str, int]) -> None:
        """Offer one transfer and wait until the DUT takes it."""
        await self.offer(fields)
        self.idle()

    async def offer(self, fields: Mapping[str, int]) -> None:
        """Send one transfer, but leave valid high: the next one, or ``idle``, follows at once."""
        for name, value in fields.items():
            self.payload[name].value = value
        self.valid.value = 1
        await RisingEdge(self.clock)
        while not self.ready.value:
            await RisingEdge(self.ready)  # sleeping until then costs no simulation time
            await RisingEdge(self.clock)

    def sample(self) -> dict[str, int] | None:
        """Payload transferred at the clock edge that just came, or None."""
        if self.valid.value and self.ready.value:
            return {name: int(signal.value) for name, signal in self.payload.items()}
        return None


class SourceDriver(uvm_driver):
    """Send transfers from the sequencer, pausing as its pace says."""

    def __init__(self, name: str, parent: uvm_component, port: StreamPort, pace: Pace) -> None:
        super().__init__(name, parent)
        self.port, self.pace = port, pace

    async def run_phase(self) -> None:
        self.port.idle()
        while True:
            item = await self.seq_item_port.get_next_item()
            for fields in item.transfers:
                if pause := self.pace.cycles():
                    self.port.idle()
                    await ClockCycles(self.port.clock, pause)
                await self.port.offer(fields)
            self.port.idle()
            self.seq_item_port.item_done()


class SinkDriver(uvm_component):
    """Drive ready, holding it low as its pace says."""

    def __init__(self, name: str, parent: uvm_component, port: StreamPort, pace: Pace) -> None:
        super().__init__(name, parent)
        self.port, self.pace = port, pace

    async def run_phase(self) -> None:
        pace, port = self.pace, self.port
        while True:
            if pace.after_valid:
                port.ready.value = 0
                await RisingEdge(port.clock)  # what was taken is gone
                if port.valid.value != 1:
                    await RisingEdge(port.valid)
            if pause := pace.cycles():
                port.ready.value = 0
                await ClockCycles(port.clock, pause)
            port.ready.value = 1
            if pace.pause or pace.after_valid:
                await RisingEdge(port.clock)
            else:
                return


class StreamMonitor(uvm_component):
    """Publish every transfer; check that a stalled payload stays stable and valid.

    A monitor that has nothing to check and nobody to tell does not run.

    Attributes:
        transfers: number of transfers seen.
        paused, stalled: transfers since ``measure`` that came behind cycles without valid, and that waited for ready.
        corrupt: transfer index whose first field is published with one bit flipped (fault injection), or None.
    """

    def __init__(self, name: str, parent: uvm_component, port: StreamPort, check_stability: bool = True) -> None:
        super().__init__(name, parent)
        self.port = port
        self.transfers = 0
        self.corrupt: int | None = None
        self.check_stability = check_stability and not port.into_dut
        self.measure()

    def measure(self) -> None:
        """Count pauses anew; what comes before the next transfer is none."""
        self.paused = self.stalled = 0
        self._begun = self._gap = self._waits = False

    def build_phase(self) -> None:
        self.analysis_port = uvm_analysis_port("analysis_port", self)

    async def run_phase(self) -> None:
        port, stalled = self.port, None
        if not self.check_stability and not self.analysis_port.subscribers:
            return
        while True:
            await RisingEdge(port.clock)
            if port.reset_n.value != 1:
                stalled = None
                continue
            if not port.valid.value:
                assert stalled is None, f"{port.name}: valid fell before ready, which breaks the handshake"
                self._gap = self._begun
                await RisingEdge(port.valid)
                continue
            if port.ready.value:
                fields = port.sample()
                assert stalled is None or stalled == fields, f"{port.name}: payload changed while stalled"
                stalled = None
                if self.transfers == self.corrupt:
                    first = next(iter(fields))
                    fields[first] ^= 1 << random.randrange(len(port.payload[first]))
                self.transfers += 1
                self.paused += self._gap
                self.stalled += self._waits
                self._begun, self._gap, self._waits = True, False, False
                self.analysis_port.write(StreamItem(fields))
                continue
            self._waits = True
            if self.check_stability:
                now = {name: int(signal.value) for name, signal in port.payload.items()}
                assert stalled is None or stalled == now, f"{port.name}: payload changed while stalled"
                stalled = now


class StreamAgent(uvm_agent):
    """Driver and monitor of one stream: a source when the DUT receives it, else a sink.

    Args:
        port: the stream's signals.
        pace: pauses of the testbench's side.
    """

    def __init__(self, name: str, parent: uvm_component, port: StreamPort, pace: Pace) -> None:
        super().__init__(name, parent)
        self.port, self.pace = port, pace

    def build_phase(self) -> None:
        self.monitor = StreamMonitor("monitor", self, self.port)
        if self.port.into_dut:
            self.sequencer = uvm_sequencer("sequencer", self)
            self.driver = SourceDriver("driver", self, self.port, self.pace)
        else:
            self.driver = SinkDriver("driver", self, self.port, self.pace)

    def connect_phase(self) -> None:
        if self.port.into_dut:
            self.driver.seq_item_port.connect(self.sequencer.seq_item_export)

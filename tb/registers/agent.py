"""AXI host agent: bursts as sequence items, two drivers built on cocotbext-axi, and a passive monitor."""

from __future__ import annotations

from collections import deque

import cocotb
from cocotb.task import Task
from cocotb.triggers import Event, RisingEdge
from cocotbext.axi import AxiBus, AxiMaster
from cocotbext.axi.axi_channels import (
    AxiARSource,
    AxiARTransaction,
    AxiAWSource,
    AxiAWTransaction,
    AxiBSink,
    AxiRSink,
    AxiWSource,
    AxiWTransaction,
)
from pyuvm import uvm_analysis_port, uvm_component, uvm_driver, uvm_sequence, uvm_sequence_item

from tb.common.axi import keep_pace
from tb.common.stream import Pace, StreamItem
from tb.registers.burst import OKAY, Burst

CHANNELS = ("aw", "w", "b", "ar", "r")
PAYLOAD = {
    "aw": ("id", "addr", "len", "size", "burst"),
    "w": ("data", "strb", "last"),
    "b": ("id", "resp"),
    "ar": ("id", "addr", "len", "size", "burst"),
    "r": ("id", "data", "resp", "last"),
}


class AxiItem(uvm_sequence_item):
    """One burst; ``responses`` and ``data`` hold one entry per B or R beat once ``done`` is set.

    Args:
        burst: what to send.
        wait: finish the item only when its response has come.
    """

    def __init__(self, burst: Burst, wait: bool = False) -> None:
        super().__init__("burst")
        self.burst, self.wait = burst, wait
        self.responses: list[int] = []
        self.data: list[int] = []
        self.done = Event()


class MasterItem(uvm_sequence_item):
    """A transfer of bytes of any address and length, which cocotbext-axi's master cuts into beats.

    Attributes:
        data: bytes to write; for reads, filled in.
        okay: True when no beat had an error response.
    """

    def __init__(self, write: bool, address: int, data: bytes = b"", length: int = 0, size: int | None = None) -> None:
        super().__init__("transfer")
        self.write, self.address, self.data, self.length, self.size = write, address, data, length, size
        self.okay = False


class Items(uvm_sequence):
    """Send the given items in order."""

    def __init__(self, items) -> None:
        super().__init__("items")
        self.items = items

    async def body(self) -> None:
        for item in self.items:
            await self.start_item(item)
            await self.finish_item(item)


async def hold_in_reset(dut, *parts) -> None:
    """Keep parts of cocotbext-axi in reset until the DUT has been reset; before that its outputs are unknown."""
    for part in parts:
        part.assert_reset(True)
    await RisingEdge(dut.rst_ni)
    for part in parts:
        part.assert_reset(False)


class ChannelDriver(uvm_driver):
    """Send bursts on the five channels, several in flight; legal or not, byte for byte as the item says.

    Args:
        dut: handle of the DUT with the s_axi_ ports.
        paces: pauses by channel name.
        depth: bursts in flight per direction.
    """

    def __init__(self, name: str, parent: uvm_component, dut, paces: dict[str, Pace], depth: int = 3) -> None:
        super().__init__(name, parent)
        bus = AxiBus.from_prefix(dut, "s_axi")
        common = (dut.clk_i, dut.rst_ni, False)
        self.aw = AxiAWSource(bus.write.aw, *common)
        self.w = AxiWSource(bus.write.w, *common)
        self.b = AxiBSink(bus.write.b, *common)
        self.ar = AxiARSource(bus.read.ar, *common)
        self.r = AxiRSink(bus.read.r, *common)
        cocotb.start_soon(hold_in_reset(dut, self.aw, self.w, self.b, self.ar, self.r))
        self.pacing: dict[str, Task | None] = {}
        self.set_paces(paces)
        self.depth = depth
        self.writes: deque[AxiItem] = deque()
        self.reads: deque[AxiItem] = deque()

    def set_paces(self, paces: dict[str, Pace]) -> None:
        """Choose the pauses of the channels; those left out never pause."""
        for name in CHANNELS:
            if self.pacing.get(name):
                self.pacing[name].cancel()
            self.pacing[name] = keep_pace(getattr(self, name), paces.get(name, Pace()))

    @property
    def idle(self) -> bool:
        """Every burst sent so far has its response."""
        return not self.writes and not self.reads

    def forget(self) -> None:
        """A reset has ended everything that was in flight; nothing that was sent is offered any more."""
        for name in CHANNELS:
            getattr(self, name).clear()
        self.writes.clear()
        self.reads.clear()

    async def run_phase(self) -> None:
        cocotb.start_soon(self._collect_b())
        cocotb.start_soon(self._collect_r())
        while True:
            item = await self.seq_item_port.get_next_item()
            waiting = self.writes if item.burst.write else self.reads
            while len(waiting) >= self.depth:
                await waiting[0].done.wait()
            waiting.append(item)
            await (self._write(item.burst) if item.burst.write else self._read(item.burst))
            if item.wait:
                await item.done.wait()
            self.seq_item_port.item_done()

    async def _write(self, burst: Burst) -> None:
        await self.aw.send(
            AxiAWTransaction(
                awid=burst.ident,
                awaddr=burst.address,
                awlen=burst.beats - 1,
                awsize=burst.size,
                awburst=int(burst.kind),
            )
        )
        for beat, (data, strobes) in enumerate(zip(burst.data, burst.strobes, strict=True)):
            await self.w.send(AxiWTransaction(wdata=data, wstrb=strobes, wlast=int(beat == burst.beats - 1)))

    async def _read(self, burst: Burst) -> None:
        await self.ar.send(
            AxiARTransaction(
                arid=burst.ident,
                araddr=burst.address,
                arlen=burst.beats - 1,
                arsize=burst.size,
                arburst=int(burst.kind),
            )
        )

    async def _collect_b(self) -> None:
        while True:
            beat = await self.b.recv()
            item = self.writes.popleft()
            item.responses.append(int(beat.bresp))
            item.done.set()

    async def _collect_r(self) -> None:
        while True:
            beat = await self.r.recv()
            item = self.reads[0]
            item.responses.append(int(beat.rresp))
            item.data.append(int(beat.rdata))
            if int(beat.rlast):
                self.reads.popleft()
                item.done.set()


class MasterDriver(uvm_driver):
    """Send byte transfers with cocotbext-axi's AXI master, one at a time; an item ends with its last response."""

    idle = True

    def __init__(self, name: str, parent: uvm_component, dut, paces: dict[str, Pace]) -> None:
        super().__init__(name, parent)
        self.master = AxiMaster(AxiBus.from_prefix(dut, "s_axi"), dut.clk_i, dut.rst_ni, reset_active_level=False)
        write, read = self.master.write_if, self.master.read_if
        channels = {
            "aw": write.aw_channel,
            "w": write.w_channel,
            "b": write.b_channel,
            "ar": read.ar_channel,
            "r": read.r_channel,
        }
        cocotb.start_soon(hold_in_reset(dut, *channels.values()))
        for name in CHANNELS:
            keep_pace(channels[name], paces.get(name, Pace()))

    async def run_phase(self) -> None:
        while True:
            item = await self.seq_item_port.get_next_item()
            if item.write:
                response = await self.master.write(item.address, item.data, size=item.size)
            else:
                response = await self.master.read(item.address, item.length, size=item.size)
                item.data = bytes(response.data)
            item.okay = int(response.resp) == OKAY
            self.seq_item_port.item_done()


class AxiMonitor(uvm_component):
    """Publish every handshake of the five channels and of the register bus, in order, as items with fields.

    Each item carries ``channel``: a name of ``CHANNELS`` or "access". Channels that the slave drives, and the register
    bus, are checked: once valid they stay valid and stable until they are taken.

    Args:
        dut: a top with the ports s_axi_ and the register bus.
        answer: suffix of the ports that carry the answers of the register bus: "i" where it is outside, "o" where the
            top only shows it.

    Attributes:
        corrupt: index of the R beat whose data is published with one bit flipped (fault injection), or None.
        waits: channels that were seen valid and not ready.
    """

    def __init__(self, name: str, parent: uvm_component, dut, answer: str) -> None:
        super().__init__(name, parent)
        self.dut, self.answer = dut, answer
        self.corrupt: int | None = None
        self.waits: set[str] = set()
        self.r_beats = 0

    def build_phase(self) -> None:
        self.analysis_port = uvm_analysis_port("analysis_port", self)

    def _answer(self, name: str):
        return getattr(self.dut, f"reg_{name}_{self.answer}")

    def _handles(self) -> dict[str, tuple]:
        dut, found = self.dut, {}
        for channel, fields in PAYLOAD.items():
            payload = {name: getattr(dut, f"s_axi_{channel}{name}") for name in fields}
            handshake = (getattr(dut, f"s_axi_{channel}valid"), getattr(dut, f"s_axi_{channel}ready"))
            found[channel] = (*handshake, payload)
        access = {name: getattr(dut, f"reg_{name}_o") for name in ("write", "addr", "wdata", "wstrb")}
        found["access"] = (dut.reg_valid_o, self._answer("ready"), access)
        return found

    async def run_phase(self) -> None:
        handles, stalled = self._handles(), {}
        checked = {"b", "r", "access"}
        while True:
            await RisingEdge(self.dut.clk_i)
            if self.dut.rst_ni.value != 1:
                stalled.clear()
                continue
            for channel, (valid, ready, payload) in handles.items():
                if not valid.value:
                    assert channel not in stalled, f"{channel}: valid fell before ready"
                    continue
                taken = bool(ready.value)
                if not taken:
                    self.waits.add(channel)
                if not taken and channel not in checked:
                    continue
                fields = self._sample(channel, payload)
                assert stalled.get(channel, fields) == fields, f"{channel}: payload changed while it waited"
                if taken:
                    stalled.pop(channel, None)
                    self._publish(channel, fields)
                else:
                    stalled[channel] = fields

    def _sample(self, channel: str, payload: dict) -> dict:
        # Write data is meaningless in a read, and may be anything.
        if channel == "access" and not payload["write"].value:
            return {"write": 0, **{name: int(payload[name].value) for name in ("addr", "wstrb")}, "wdata": 0}
        return {name: int(signal.value) for name, signal in payload.items()}

    def _publish(self, channel: str, fields: dict) -> None:
        if channel == "r":
            if self.r_beats == self.corrupt:
                fields = {**fields, "data": fields["data"] ^ 1}
            self.r_beats += 1
        if channel == "access":
            fields["rdata"] = int(self._answer("rdata").value) if not fields["write"] else 0
            fields["error"] = int(self._answer("error").value)
        self.analysis_port.write(StreamItem({"channel": channel, **fields}))

"""Environment of the scratchpad: ports that read and write, and the memory as it should be."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator

import cocotb
import numpy as np
from cocotb.triggers import Event, RisingEdge
from cocotb_coverage.coverage import CoverPoint, coverage_section
from pyuvm import uvm_component, uvm_env

from tb.common.coverage import events
from tb.common.scoreboard import Scoreboard
from tb.common.stream import Pace, StreamItem

GROUP = "scratchpad"
DUT = cocotb.top
READERS, WRITERS = len(DUT.read_ready_o), len(DUT.write_ready_o)
BANKS = len(DUT.read_bank_i) // READERS
LANES = len(DUT.write_strobe_i) // WRITERS
ROW_BITS = len(DUT.read_row_i) // READERS
WORDS = BANKS << ROW_BITS
ANSWER_CYCLES = 2


@coverage_section(
    CoverPoint(f"{GROUP}.readers", xf=lambda readers, *_: readers, bins=list(range(1, READERS + 1))),
    CoverPoint(f"{GROUP}.writers", xf=lambda _, writers, *__: writers, bins=list(range(1, WRITERS + 1))),
    CoverPoint(f"{GROUP}.same_word", xf=lambda *values: values[2], bins=["read in the cycle of its write"]),
)
def sample_cycle(readers: int, writers: int, same: str | None) -> None:
    """A cycle with so many readers and writers that want something."""


# A write with these strobes.
sample_strobes = events(f"{GROUP}.strobes", ["none", "some", "all"])
# So many ports asked for the bank that served one of them.
sample_read_conflict = events(f"{GROUP}.read_conflict", range(2, READERS + 1))
sample_write_conflict = events(f"{GROUP}.write_conflict", range(2, WRITERS + 1)) if WRITERS > 1 else None
# Who of several that asked for one bank was served: by priority, by turn, or as the first since the reset.
SERVED = ["reader 0 before others", "reader before a lower one", "first readers after reset"]
SERVED += ["writer before a lower one", "first writers after reset"] if WRITERS > 1 else []
sample_served = events(f"{GROUP}.served", SERVED)


class Port:
    """What one port still has to do, and what it offers now.

    Attributes:
        accesses: yields addresses.
        pace: pauses before each access.
        whole: writes write every value of their word.
        served: accesses granted.
        exhausted: there are no more accesses.
    """

    def __init__(self) -> None:
        self.pace, self.pause, self.served, self.whole = Pace(), 0, 0, False
        self.accesses: Iterator[int] = iter(())
        self.exhausted = True
        self.offer: tuple[int, int, int] | None = None

    def next(self) -> None:
        """Offer the next access, unless the port pauses or waits for the last one."""
        if self.offer is not None:
            return
        self.pause = self.pause - 1 if self.pause else self.pace.cycles()
        if self.pause or self.exhausted:
            return
        address = next(self.accesses, None)
        self.exhausted = address is None
        if address is not None:
            everything = (1 << LANES) - 1
            strobes = random.choice([everything, everything, 0, random.getrandbits(LANES)])
            self.offer = address, random.getrandbits(32 * LANES), everything if self.whole else strobes


class Arbiter:
    """Round robin of a bank: the lowest that asks behind the one served last, or else the lowest.

    Args:
        reads: port 0 is served whenever it asks, and the others' turn stays.
    """

    def __init__(self, reads: bool) -> None:
        self.reads, self.last = reads, -1

    def grant(self, asking: list[int]) -> int:
        """Who of those that ask is served."""
        if self.reads and asking[0] == 0:
            return 0
        self.last = next((number for number in asking if number > self.last), asking[0])
        return self.last

    def kind(self, asking: list[int], before: int) -> str | None:
        """What serving one of several was, in ``SERVED``; ``before`` is who was served last."""
        who = "reader" if self.reads else "writer"
        if self.reads and asking[0] == 0:
            return "reader 0 before others"
        if before < 0:
            return f"first {who}s after reset"
        return f"{who} before a lower one" if self.last != asking[0] else None


class Ports(uvm_component):
    """Drive all ports, and compare every answer and its time with the golden memory.

    Attributes:
        memory: uint32 [WORDS, LANES].
        written: what was granted in the cycle before, of a word the values that are chosen, and is in its bank next.
        readers, writers: the ports.
        corrupt: number of the answer that the scoreboard sees with one bit flipped (fault injection), or None.
        idle: set when no port has anything left to do.
    """

    def __init__(self, name: str, parent: uvm_component) -> None:
        super().__init__(name, parent)
        self.memory = np.zeros((WORDS, LANES), np.uint32)
        self.readers, self.writers = [Port() for _ in range(READERS)], [Port() for _ in range(WRITERS)]
        self.reset()
        self.corrupt: int | None = None
        self.seen: set[tuple] = set()
        self.answers, self.cycles = 0, 0
        self.idle = Event()
        self.board = Scoreboard("answers", self)

    def reset(self) -> None:
        """Turns begin with the lowest port; what the banks hold stays."""
        self.read_turns, self.write_turns = ([Arbiter(reads) for _ in range(BANKS)] for reads in (True, False))
        self.written: list[tuple[int, list[bool], np.ndarray]] = []

    def start(self) -> None:
        """Begin with new accesses."""
        self.idle.clear()
        self.cycles = 0
        for port in (*self.readers, *self.writers):
            port.served, port.exhausted = 0, False

    async def run_phase(self) -> None:
        dut = DUT
        granted_before: deque[int] = deque([0] * ANSWER_CYCLES)
        dut.read_bank_i.value, dut.write_bank_i.value = 0, 0
        while True:
            await RisingEdge(dut.clk_i)
            if dut.rst_ni.value != 1:
                self.reset()
                continue
            self.cycles += 1
            valid = int(dut.answer_valid_o.value)
            due = granted_before.popleft()
            assert valid == due, f"answers to ports {valid:#b}, expected {due:#b}"
            if valid:
                self._answers(valid, int(dut.answer_data_o.value))
            granted_before.append(self._reads())
            self._writes()
            self._offer()
            if not any(granted_before) and all(p.exhausted and not p.offer for p in (*self.readers, *self.writers)):
                self.idle.set()

    def _answers(self, valid: int, data: int) -> None:
        for port in range(READERS):
            if valid >> port & 1:
                word = data >> 32 * LANES * port & (1 << 32 * LANES) - 1
                if self.answers == self.corrupt:
                    word ^= 1 << random.randrange(32 * LANES)
                self.answers += 1
                self.board.write(StreamItem({"data": word}))

    def _reads(self) -> int:
        wanted, ready = self._offers(self.readers), int(DUT.read_ready_o.value)
        due, conflicts = self._granted(self.readers, self.read_turns)
        assert ready == due, f"read ports {ready:#b} are granted, expected {due:#b} of {wanted:#b} that ask"
        self._sample(sample_read_conflict, conflicts)
        writes = {port.offer[0] for n, port in enumerate(self.writers) if int(DUT.write_ready_o.value) >> n & 1}
        for number, port in enumerate(self.readers):
            if ready >> number & 1:
                address = port.offer[0]
                word = int.from_bytes(self.memory[address].tobytes(), "little")
                self.board.expect({"data": word}, f"port {number}, word {address:#x}")
                port.offer = None
                port.served += 1
                if address in writes:
                    sample_cycle(wanted.bit_count(), 0, "read in the cycle of its write")
        return ready

    def _writes(self) -> None:
        for address, chosen, values in self.written:
            self.memory[address, chosen] = values[chosen]
        self.written = []
        wanted, ready = self._offers(self.writers), int(DUT.write_ready_o.value)
        due, conflicts = self._granted(self.writers, self.write_turns)
        assert ready == due, f"write ports {ready:#b} are granted, expected {due:#b} of {wanted:#b} that ask"
        self._sample(sample_write_conflict, conflicts)
        for number, port in enumerate(self.writers):
            if ready >> number & 1:
                address, data, strobes = port.offer
                chosen = [bool(strobes >> lane & 1) for lane in range(LANES)]
                values = np.frombuffer(data.to_bytes(4 * LANES, "little"), np.uint32)
                self.written.append((address, chosen, values))
                sample_strobes("all" if all(chosen) else "some" if any(chosen) else "none")
                port.offer = None
                port.served += 1

    def _sample(self, sample_conflict, conflicts: list[tuple[int, str | None]]) -> None:
        """Sample conflicts of a kind that this test has not had: they come in most cycles."""
        for asking, served in conflicts:
            if (sample_conflict, asking, served) not in self.seen:
                self.seen.add((sample_conflict, asking, served))
                sample_conflict(asking)
                if served:
                    sample_served(served)

    @staticmethod
    def _granted(ports: list[Port], turns: list[Arbiter]) -> tuple[int, list[tuple[int, str | None]]]:
        """Ports that the banks serve in this cycle; of each bank that several ask for, how many, and who is served."""
        asking: dict[int, list[int]] = {}
        for number, port in enumerate(ports):
            if port.offer is not None:
                asking.setdefault(port.offer[0] % BANKS, []).append(number)
        due, conflicts = 0, []
        for bank, numbers in asking.items():
            before = turns[bank].last
            due |= 1 << turns[bank].grant(numbers)
            if len(numbers) > 1:
                conflicts.append((len(numbers), turns[bank].kind(numbers, before)))
        return due, conflicts

    @staticmethod
    def _offers(ports: list[Port]) -> int:
        return sum((port.offer is not None) << number for number, port in enumerate(ports))

    def _offer(self) -> None:
        for port in (*self.readers, *self.writers):
            port.next()
        readers, writers = self._offers(self.readers), self._offers(self.writers)
        sample_cycle(readers.bit_count(), writers.bit_count(), None)
        for signal, ports, part, width in (
            (DUT.read_bank_i, self.readers, lambda offer: 1 << offer[0] % BANKS, BANKS),
            (DUT.read_row_i, self.readers, lambda offer: offer[0] // BANKS, ROW_BITS),
            (DUT.write_bank_i, self.writers, lambda offer: 1 << offer[0] % BANKS, BANKS),
            (DUT.write_row_i, self.writers, lambda offer: offer[0] // BANKS, ROW_BITS),
            (DUT.write_data_i, self.writers, lambda offer: offer[1], 32 * LANES),
            (DUT.write_strobe_i, self.writers, lambda offer: offer[2], LANES),
        ):
            signal.value = sum(part(port.offer) << n * width for n, port in enumerate(ports) if port.offer)


class ScratchpadEnv(uvm_env):
    """The ports and their scoreboard."""

    def build_phase(self) -> None:
        self.ports = Ports("ports", self)

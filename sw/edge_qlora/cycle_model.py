"""Cycles of a list of commands, predicted: engines, queues and memory as times in place of the RTL.

A list is taken in its order. Each engine runs its commands in order, and a command begins when the fetch has delivered
it, its queue has come to it, its semaphores are there and its engine can take it. What MATRIX and LOAD do is in
``array_model``. Every constant is a latency or a depth of the RTL, with the module or page that has it; none is fitted.
What the model leaves out, and how far it is from the RTL, is in docs/results/cycle_model.md.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence

from .array_model import BURST, FIFO_BEATS, MASTER, RATE, READ_LATENCY, ArrayModel, Hardware
from .command_layout import ValueFormat
from .commands import LINE, Command, End, Load, Matrix, Opcode, Transfer, Vector, Write
from .errors import OperandError
from .vector import LANES, Function, Instruction, Operand, Reduction

# Lists: docs/ip/lists.md, command_fetch, command_queue.
DOORBELL, REPORT = 5, 10 + 1  # to the fetch's first request; from the last end, with the bus's rest known a cycle later
GROUP = 8  # lines per request
FETCHED = 2  # a line's last beat to its queue, behind its FIFO
OFFER = 4  # queue to offer
WAITED = 5  # an end to the offer of a command that waited for it
QUEUE = 4 + 1  # commands that wait, and the one on offer
IN_FLIGHT = SPACING = 4  # commands in the engine, cycles from one to the next

# Engines on the memory: docs/ip/memory_engines.md, axi_ddr3_memory.
LOAD_LATENCY = 2 + MASTER + READ_LATENCY + 3  # a command to its region, region to beat, beat to the array
READ_ENGINE = 2 + 5  # a command to its region; a beat, behind its FIFO, through parts and words to its end
READ_BEATS = 64  # credits of READ
WRITE_ENGINE = 3 + 3 + 4 + 3  # a command to its first word, its answer, its beat, at the memory and its end
CUT = 1  # write_engine: a register where a word leaves in parts, but for BFP8
ROW_BITS, BANK_BITS = 7, 3  # of a beat's number: column, then bank
OPEN = 3 + 3  # T_RP, T_RCD: another row of a bank
CLOSE = 2 + 1 + 3  # T_CWL, a beat, T_WR: a bank's last beat written until its row may close
ANSWER = 3  # a write's last beat to its answer at the engine
PATIENCE = 64  # cycles in which one direction waits for the other

# vector_engine, function_lanes, row_reducer; an answer of the scratchpad takes three cycles.
FIRST_PART, FIRST_FUNCTION = 16 + 3, 33 + 3
BEHIND = 1  # operand_reader: B is asked for a cycle after A
FUNCTION_UNITS = 2
SUM = {8: 39, 4: 41}  # a row's last part to its sum, by lanes


def vector_cycles(i: Instruction, lanes: int) -> int:
    """From an instruction's transfer to its end, on so many lanes: a word passes in LANES / lanes parts."""
    rows, function, parts = i.outer * i.inner, i.function != Function.NONE, LANES // lanes
    pace = lanes // FUNCTION_UNITS if function else 1  # cycles per part
    largest = lanes.bit_length()  # a row's last part to its largest value
    pause = {Reduction.NONE: 0, Reduction.SUM: SUM[lanes]}.get(i.reduction, largest)  # to the next row's first part
    row = i.words * parts
    step = max(row * pace, row + pause)  # from row to row: the next row's parts are made meanwhile, and wait
    first = (FIRST_FUNCTION if function else FIRST_PART + parts) + (BEHIND if Operand.B in (i.x, i.z) else 0)
    return first + (row - parts) * pace + (rows - 1) * step + pause + 1


class CycleModel:
    """The machine while it runs one list."""

    def __init__(self, hardware: Hardware) -> None:
        self.hardware, self.array = hardware, ArrayModel(hardware)
        self.fifo = 3 if hardware.bus_width <= 128 else 2  # beat_fifo: a block RAM on a narrow bus
        self.counters: dict[str, int] = defaultdict(int)
        self.handed: list[float] = []  # each line left the fetch
        self.requested = self.group = 0.0  # the last group of lines was asked for, and comes
        # Of each engine's commands: offers, transfers and ends.
        self.offers: dict[Opcode, list[float]] = defaultdict(list)
        self.transfers: dict[Opcode, list[float]] = defaultdict(list)
        self.ends: dict[Opcode, list[float]] = defaultdict(list)
        self.posts: dict[int, deque[float]] = defaultdict(deque)
        self.loads: list[Load] = []
        self.streams: list[float] = []  # the first beat of each LOAD came

    def run(self, commands: Sequence[Command]) -> dict[str, int]:
        """The counters after a list, by the names of the RTL's: cycles, beats, vectors, and busy engines.

        Raises:
            OperandError: in the list's order, a command waits for a semaphore that is not there.
        """
        for command in commands:
            if isinstance(command, End):
                break
            self._command(command)
        ended = self._deliver(None)
        groups = -(-len(self.handed) // GROUP) + 1  # one is asked for ahead
        self.counters["READ_BEATS"] += groups * GROUP * self.hardware.beats(LINE)
        self.counters["MAC_VECTORS"] = self.array.mac_vectors
        self.counters["CYCLES_BUSY"] = round(max(ended, *(ends[-1] for ends in self.ends.values() if ends)) + REPORT)
        return dict(self.counters)

    # ------------------------------------------------------------------------------------------------------------------
    # Lists
    # ------------------------------------------------------------------------------------------------------------------
    def _deliver(self, opcode: Opcode | None) -> float:
        """When the list's next line reaches its queue, which must have room; None: END."""
        line, beats = len(self.handed), self.hardware.beats(LINE)
        if line % GROUP == 0:
            room = self.handed[line - GROUP - 1] if line > GROUP else DOORBELL
            self.requested = max(room, self.requested) + 1
            self.group = self.requested + MASTER + READ_LATENCY + self._wait(self.requested)
        arrived = self.group + (line % GROUP + 1) * beats
        number = len(self.offers[opcode]) if opcode is not None else 0
        room = self._transfer(opcode, number - QUEUE) if number >= QUEUE else 0
        before = self.handed[-1] + beats + 1 if self.handed else 0
        self.handed.append(max(before, arrived + FETCHED + self.fifo, room))
        return self.handed[-1]

    def _transfer(self, opcode: Opcode, number: int) -> float:
        """When a command went to its engine; a LOAD, when the one before the last has begun."""
        known = self.transfers[opcode]
        while opcode == Opcode.LOAD and len(known) <= number:
            n = len(known)
            room = self.streams[n - 2] - LOAD_LATENCY if n > 1 else 0
            known.append(max(self.offers[opcode][n], known[-1] + SPACING if n else 0, room))
        return known[number]

    def _command(self, command: Command) -> None:
        opcode = command.opcode
        offer = self._deliver(opcode) + OFFER
        for semaphore in command.waits:
            if not self.posts[semaphore]:
                raise OperandError(f"{opcode.name} waits for semaphore {semaphore}, which is zero there")
            offer = max(offer, self.posts[semaphore].popleft() + WAITED)
        transfers, ends = self.transfers[opcode], self.ends[opcode]
        if isinstance(command, Load):  # the rest is that of its MATRIX command
            self.offers[opcode].append(offer)
            self.loads.append(command)
            return
        if transfers:
            offer = max(offer, transfers[-1] + SPACING)
        if len(ends) >= IN_FLIGHT:
            offer = max(offer, ends[-IN_FLIGHT] + 1)
        self.offers[opcode].append(offer)
        if isinstance(command, Matrix):
            self._matrix(command, offer)
        else:
            begin = max(offer, ends[-1] + 1 if ends else 0)
            transfers.append(begin)
            if isinstance(command, Vector):
                cycles = vector_cycles(command.instruction, self.hardware.vector_lanes)
            else:
                cycles = self._move(command, begin)
            ends.append(begin + cycles)
            self.counters[f"{opcode.name}_BUSY"] += round(cycles)
        self._post(command, ends[-1])

    def _post(self, command: Command, end: float) -> None:
        for semaphore in command.post:
            self.posts[semaphore].append(end)

    # ------------------------------------------------------------------------------------------------------------------
    # Engines
    # ------------------------------------------------------------------------------------------------------------------
    def _matrix(self, command: Matrix, offer: float) -> None:
        """A MATRIX command and its LOAD."""
        number = len(self.streams)
        load = self.loads[number]
        self.streams.append(max(self._transfer(Opcode.LOAD, number) + LOAD_LATENCY, self.array.arrived))
        # Its rows are checked while the command before is cut into tiles (matrix_check).
        transfer = max(offer + command.outer * command.inner + 1, self.array.accepted)
        self.transfers[Opcode.MATRIX].append(transfer)
        self.ends[Opcode.MATRIX].append(self.array.matrix(command, self.streams[-1], transfer))
        self.ends[Opcode.LOAD].append(self.array.arrived)
        self._post(load, self.array.arrived)
        self.counters["READ_BEATS"] += self.hardware.beats(load.stream_bytes)

    def _wait(self, now: float) -> float:
        """How long a read stands behind those of the loader, which asks for as much as its FIFO holds."""
        array, number = self.array, len(self.streams)
        if array.arrived > now:
            return array.in_flight / RATE
        if number == len(self.loads) or now < self.offers[Opcode.LOAD][number]:
            return 0.0
        size = min(FIFO_BEATS, sum(self.hardware.beats(load.stream_bytes) for load in self.loads[number:]))
        begin = max(self.offers[Opcode.LOAD][number] + LOAD_LATENCY, array.arrived)
        return max(0.0, begin + size / RATE - max(now + READ_LATENCY, begin))

    def _move(self, command: Transfer, begin: float) -> float:
        """Cycles of READ or WRITE."""
        rows = command.outer * command.inner
        beats, words = self.hardware.beats(rows * command.length * command.value_bytes), rows * command.length // LANES
        wait = self._wait(begin)
        if self.array.arrived > begin:
            self.array.arrived += beats / RATE
        if isinstance(command, Write):
            self.counters["WRITE_BEATS"] += beats
            cycles = self._write(command)
            # Beside the loader, each time that reads have waited long they have a burst.
            cut = CUT if self.hardware.bus_width < 32 * LANES and command.format != ValueFormat.BFP8 else 0
            return WRITE_ENGINE + cut + cycles + (-(-cycles // PATIENCE) * BURST if wait else 0)
        self.counters["READ_BEATS"] += beats
        # Beside a loader that goes on, as many as there are credits for go out each time that all in flight has come.
        times = -(-beats // READ_BEATS) if self.array.arrived > begin else 1
        return READ_ENGINE + self.fifo + MASTER + READ_LATENCY + max(words, beats / RATE + times * wait)

    def _write(self, command: Transfer) -> float:
        """From the first row's data to the answer of the last; rows in one bank of the memory wait for one another."""
        beats, words = self.hardware.beats(command.length * command.value_bytes), command.length // LANES
        banks: dict[int, tuple[int, float]] = {}
        time, data = 0.0, 0
        for outer in range(command.outer):
            for inner in range(command.inner):
                address = command.address + outer * command.outer_stride + inner * command.inner_stride
                row, bank = divmod(self.hardware.beats(address) >> ROW_BITS, 1 << BANK_BITS)
                data += max(words, beats)
                opened, free = banks.get(bank, (-1, 0.0))
                time = max(time, data - beats, free if opened == row else free + OPEN) + beats
                banks[bank] = row, time + CLOSE
        return time + ANSWER


def predict(commands: Sequence[Command], hardware: Hardware) -> dict[str, int]:
    """Counters of a list with its semaphores: see ``CycleModel.run``."""
    return CycleModel(hardware).run(commands)

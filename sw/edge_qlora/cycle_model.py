"""Cycles of a list of commands, predicted by a model of engines, queues and memory in place of the RTL.

The list is taken in its order. Each engine runs its commands in order; a command begins when the fetch has delivered it,
its queue has come to it, its semaphores are there and its engine can take it. A LOAD is a stream at the rate of the memory
that runs ahead of the array by what its FIFO holds. A MATRIX command goes tile by tile through two stages, the front end
that takes beats and the array that takes columns and vectors, with what is buffered between them; blocks of tiles that repeat
with the same period are not computed one by one. Every constant is a latency or a depth of the RTL, named with its source.

What the model leaves out: contention for banks of the scratchpad and, but for refreshes, single rows of the memory.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, gcd

from .command_layout import WeightFormat
from .commands import LINE, Command, End, Load, Matrix, Opcode, Product, Read, Transfer, Vector
from .layout import BLOCK, TILE_BYTES
from .vector import LANES, Function, Instruction, Reduction

# sim/models/axi_ddr3_memory.sv: a refresh every T_REFI cycles costs T_RP + T_RFC and the T_RCD until a row is open again.
RATE = 1 - (3 + 52 + 3) / 1560
READ_LATENCY = 22  # an address to its first beat
PATIENCE = 64  # cycles that writes wait while there are reads
ROW_BITS, BANK_BITS = 7, 3  # of a beat's number: column, then bank
OPEN = 3 + 3  # T_RP, T_RCD: another row of a bank
CLOSE = 2 + 1 + 3  # T_CWL, a beat, T_WR: a bank's last beat written until it may close
ANSWER = 3  # a write's last beat to its answer at the write engine

# rtl/core, rtl/vega_bridge
FIFO_BEATS = 512  # qlora_core: beats of weights ahead of the array
READ_BEATS = 64  # qlora_core: credits of READ
MASTER = 4 + 1  # axi_read_master: a region to its address, and a beat from the bus to its client
LOAD_LATENCY = 2 + MASTER + READ_LATENCY + 2  # load_engine: a command to its first region, a beat to the array
READ_ENGINE = 2 + 5  # read_engine: a command to its first region, a beat to the scratchpad
WRITE_ENGINE = (
    2 + 2 + 4 + 4
)  # write_engine: to the first read, its answer, the answer to its beat, beat and address to memory
QUEUE = 4  # command_queue: commands that wait, commands in flight, cycles between two
TO_COMMAND = 2  # command_queue: a command handed over by the fetch to its offer
WAITED = 3  # lists.md: an end to the offer of a command that waited for it
GROUP = 8  # command_fetch: lines per request
FETCHED = 3  # command_fetch: last beat of a line to its engine's queue
DOORBELL, REPORT = 4, 10  # lists.md: to the fetch's first request, from the last end

# rtl/systolic, rtl/core/matrix_*
ENTER = 3  # matrix_engine: a checked command to its first tile
SKIP = 1  # weight_loader: a cycle without a beat per tile
CODES_FIRST, CODES_LAST = 16, 4  # weight_loader: first beat to first column; held, parts of rows, column: at least
HELD_BEATS = 34  # code_columns: u_held, and parts of rows
FLOAT_COLUMN = 4  # float_columns: last beat of a row to its column, besides the beats of a column
TURNED = 6  # float_columns: last beat of a T tile to its first column, besides the beats of two columns
BOOK = 16  # weight_header: cycles of its first line
ALIGNED = 18  # activation_buffer: last word asked for to aligned vectors
BUFFERS = 4  # activation_buffer: tiles
# scratchpad: VECTOR with a function asks for a word every FUNCTION_CYCLES, the reader of activations for one per cycle, both
# in the order of the 4 banks. They meet at every third word of VECTOR, which goes first: it asked that bank later.
LOST = 1 / (3 * 4)
TOTALS = 77  # matrix_unit: last vector to its block's totals, besides the column groups

# rtl/vector: with the two cycles of the scratchpad, from a command to its first write, and to the next word of a function
FIRST_WRITE = {False: 12, True: 25}
FUNCTION_CYCLES = 4
SUM, MAX, SHORT = (
    24,
    4,
    4,
)  # row_reducer: a row's last word to its result; words of a row below which each takes one more


@dataclass(frozen=True)
class Hardware:
    """What the model knows of a configuration: array columns and bits of the memory bus."""

    columns: int
    bus_width: int

    @classmethod
    def of(cls, settings: Mapping[str, int]) -> Hardware:
        """From the settings of ``sim/configs.toml``."""
        return cls(settings["columns"], settings["bus_width"])

    @property
    def ports(self) -> int:
        """Columns that the array loads per cycle (``matrix_unit``)."""
        return 2 if self.bus_width == 512 and self.columns % 2 == 0 else 1

    def beats(self, size: int) -> int:
        """Beats of so many bytes, which are whole lines."""
        return size * 8 // self.bus_width


@dataclass(frozen=True)
class Tile:
    """A kind of tile: beats, columns, cycles from a column to the next where they come fastest; and how they come."""

    beats: int
    columns: int
    pace: float
    codes: bool
    turned: bool


def tiles(product: Product, columns: int, hardware: Hardware) -> list[Tile]:
    """Those of a product for one block of D with so many columns."""
    if product.format == WeightFormat.CODES:
        pace = 1.0 if product.transpose else max(1 / hardware.ports, BLOCK * 4 / hardware.bus_width)
        return product.blocks * [Tile(hardware.beats(TILE_BYTES), BLOCK, pace, True, product.transpose)]
    size = 2 if product.format == WeightFormat.FP16 else 4
    row = BLOCK * size
    if not product.transpose:
        one = Tile(hardware.beats(columns * row), columns, hardware.beats(row), False, False)
        return product.blocks * [one]
    found = []
    for first in range(0, product.length, BLOCK):
        lines = min(BLOCK, product.length - first)
        pace = -(-lines * 8 * size // hardware.bus_width)
        found.append(Tile(max(1, hardware.beats(lines * row)), BLOCK, pace, False, True))
    return found


def vector_cycles(i: Instruction) -> int:
    """From an instruction's transfer to its end (``vector_engine``, ``row_reducer``, ``function_lanes``)."""
    rows, function = i.outer * i.inner, i.function != Function.NONE
    pace = FUNCTION_CYCLES if function else 1
    pause = {Reduction.NONE: 0, Reduction.SUM: SUM, Reduction.MAX: MAX}[i.reduction]
    if i.reduction == Reduction.SUM:
        pause += max(0, SHORT - i.words)
    # The next row's first word comes while the reducer is busy.
    between = max(0, pause - (pace - 1))
    return FIRST_WRITE[function] + (rows * i.words - 1) * pace + (rows - 1) * between + pause + 1


@dataclass
class CycleModel:
    """The state of the machine while a list is taken command by command.

    Attributes:
        hardware: the configuration.
        counters: as of the RTL's counters, by their names.
    """

    hardware: Hardware
    counters: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def __post_init__(self) -> None:
        self.lines = 0
        self.handed: list[float] = []  # when each line left the fetch
        self.requested: list[float] = []  # when each group of lines was asked for
        self.offers: dict[Opcode, list[float]] = defaultdict(list)
        self.transfers: dict[Opcode, list[float]] = defaultdict(list)
        self.ends: dict[Opcode, list[float]] = defaultdict(list)
        self.posts: dict[int, deque[float]] = defaultdict(deque)
        self.streams: list[float] = []  # when the first beat of each LOAD came
        self.loads: list[tuple[Load, float, float]] = []  # with the times of delivery and of semaphores
        self.arrived = 0.0  # when the last beat of weights came
        self.in_flight = 0.0  # beats that a new request stands behind
        self.beats = 0
        # Beats taken so far, and when: for the credits of the loader.
        self.taken: deque[tuple[int, float]] = deque([(0, 0.0)], maxlen=4096)
        # Front end's last beat, last tile's acceptance, last column loaded, and of codes, last vector, last activation asked
        # for.
        self.front = self.accepted = self.loaded = self.coded = self.vectors = self.asked = 0.0
        self.recent = deque([0.0] * BUFFERS, maxlen=BUFFERS)  # ends of tiles
        self.turned = deque([0.0, 0.0], maxlen=2)  # ends of the transposer's halves
        self.drained = deque([0.0, 0.0], maxlen=2)  # accumulator buffers
        # Begins and ends of VECTOR commands with a function; of the last MATRIX command its first activation, the share of the
        # time in which its activations were read, and its semaphores.
        self.functions: deque[tuple[float, float]] = deque()
        self.asking, self.share = 0.0, 1.0
        self.posting: frozenset[int] = frozenset()

    def run(self, commands: Sequence[Command]) -> dict[str, int]:
        """The counters after a list: CYCLES_BUSY, READ_BEATS, WRITE_BEATS, MAC_VECTORS, VECTOR_BUSY."""
        for command in commands:
            if isinstance(command, End):
                break
            self._command(command)
        groups = self.lines // GROUP + 2  # END, and one asked for ahead
        self.counters["READ_BEATS"] += groups * GROUP * self.hardware.beats(LINE)
        last = max((ends[-1] for ends in self.ends.values() if ends), default=0.0)
        self.counters["CYCLES_BUSY"] = round(max(last, self._deliver(None)) + REPORT)
        return dict(self.counters)

    # ------------------------------------------------------------------------------------------------------------------
    # Lists
    # ------------------------------------------------------------------------------------------------------------------
    def _deliver(self, opcode: Opcode | None) -> float:
        """When the next line of the list reaches its queue, which must have room."""
        line, beats = self.lines, self.hardware.beats(LINE)
        self.lines += 1
        if line % GROUP == 0:
            room = self.handed[line - GROUP - 1] if line > GROUP else DOORBELL
            self.requested.append(max(room, self.requested[-1] if self.requested else 0) + 1)
        asked = self.requested[-1]
        arrived = asked + MASTER + READ_LATENCY + self._wait(asked) + (line % GROUP + 1) * beats + FETCHED
        before = self.handed[-1] + beats + 1 if self.handed else 0
        number = len(self.offers[opcode]) if opcode is not None else 0
        room = self._transfer(opcode, number - QUEUE) if number >= QUEUE else 0
        self.handed.append(max(before, arrived, room))
        return self.handed[-1]

    def _wait(self, now: float) -> float:
        """How long a request stands behind those of the loader, which asks for as much as its FIFO holds."""
        if self.arrived > now:
            return self.in_flight / RATE
        number = len(self.streams)
        if number == len(self.loads):
            return 0.0
        size = min(FIFO_BEATS, sum(self.hardware.beats(load.stream_bytes) for load in self.loads[number:]))
        begin = self.offers[Opcode.LOAD][number] + LOAD_LATENCY
        return max(0.0, max(begin, self.arrived) + size / RATE - max(now, begin))

    def _transfer(self, opcode: Opcode, number: int) -> float:
        """When a command went to its engine; a LOAD when the one before the last has begun."""
        if opcode != Opcode.LOAD:
            return self.transfers[opcode][number]
        known = self.transfers[opcode]
        while len(known) <= number:
            n = len(known)
            room = self.streams[n - 2] - LOAD_LATENCY if n > 1 else 0
            known.append(max(self.offers[opcode][n], known[-1] + QUEUE if n else 0, room))
        return known[number]

    def _command(self, command: Command) -> None:
        opcode = command.opcode
        offer = self._deliver(opcode) + TO_COMMAND
        for semaphore in command.waits:
            offer = max(offer, self.posts[semaphore].popleft() + WAITED)
        ends = self.ends[opcode]
        if isinstance(command, Load):
            self.offers[opcode].append(offer)
            self.loads.append(command)
            return
        if self.transfers[opcode]:
            offer = max(offer, self.transfers[opcode][-1] + QUEUE)
        if len(ends) >= QUEUE:
            offer = max(offer, ends[-QUEUE] + 1)
        self.offers[opcode].append(offer)
        if isinstance(command, Matrix):
            end = self._matrix(command, offer)
        else:
            begin = max(offer, ends[-1] + 1 if ends else 0)
            self.transfers[opcode].append(begin)
            cycles = vector_cycles(command.instruction) if isinstance(command, Vector) else self._move(command, begin)
            if isinstance(command, Vector) and command.instruction.function != Function.NONE:
                self._contend(begin, begin + cycles)
            self.counters[f"{opcode.name}_BUSY"] += round(cycles)
            end = begin + cycles
        ends.append(end)
        for semaphore in command.post:
            self.posts[semaphore].append(end)

    def _contend(self, begin: float, end: float) -> None:
        """A function's reads hold up those of the activations: of the last MATRIX command, and of the next ones."""
        met = max(0.0, min(end, self.asked) - max(begin, self.asking))
        if end > self.asked:
            self.functions.append((max(begin, self.asked), end))
        # What the array loses is what its reader, which needs this share of the time, does not get.
        late = met * max(0.0, 1 - (1 - LOST) / self.share)
        if late:
            for name in ("asked", "front", "loaded", "vectors"):
                setattr(self, name, getattr(self, name) + late)
            self.ends[Opcode.MATRIX][-1] += late
            for queue in (self.recent, self.drained, *(self.posts[s] for s in self.posting if self.posts[s])):
                queue[-1] += late

    def _move(self, command: Transfer, begin: float) -> float:
        """Cycles of READ and WRITE."""
        rows = command.outer * command.inner
        beats, words = self.hardware.beats(rows * command.length * command.value_bytes), rows * command.length // LANES
        wait = self._wait(begin)
        if wait:
            self.arrived += beats / RATE
        if isinstance(command, Read):
            self.counters["READ_BEATS"] += beats
            # Beside a busy loader, READ_BEATS go out each time that all in flight has come.
            pieces = -(-beats // READ_BEATS)
            return READ_ENGINE + MASTER + READ_LATENCY + max(words, beats / RATE + pieces * wait)
        self.counters["WRITE_BEATS"] += beats
        cycles = self._write(command)
        # Beside the loader, a turn of the memory to reads lasts a burst.
        turns = -(-cycles // PATIENCE) * FIFO_BEATS / 4 if wait else 0
        return WRITE_ENGINE + cycles + turns

    def _write(self, command: Transfer) -> float:
        """From the first burst's data to the answer of the last: rows of one bank of the memory wait for one another."""
        size = command.length * command.value_bytes
        beats, words = self.hardware.beats(size), command.length // LANES
        time, data, banks = 0.0, 0, {}
        for outer in range(command.outer):
            for inner in range(command.inner):
                address = command.address + outer * command.outer_stride + inner * command.inner_stride
                row, bank = divmod(address * 8 // self.hardware.bus_width >> ROW_BITS, 1 << BANK_BITS)
                data += max(words, beats)
                opened, free = banks.get(bank, (None, 0.0))
                begin = max(time, data - beats, free if opened == row else free + OPEN)
                time = begin + beats
                banks[bank] = row, time + CLOSE
        return time + ANSWER

    # ------------------------------------------------------------------------------------------------------------------
    # Weights and array
    # ------------------------------------------------------------------------------------------------------------------
    def _matrix(self, command: Matrix, offer: float) -> float:
        """The end of a MATRIX command that is offered to the engine then."""
        number = len(self.transfers[Opcode.MATRIX])
        load = self._transfer(Opcode.LOAD, number)
        rows, hardware = command.outer * command.inner, self.hardware
        transfer = max(offer + rows + 1, self.accepted)
        self.transfers[Opcode.MATRIX].append(transfer)
        offered = transfer + ENTER
        self.streams.append(max(load + LOAD_LATENCY, self.arrived))
        self.arrived = self.streams[-1]
        self.counters["READ_BEATS"] += hardware.beats(self.loads[number].stream_bytes)
        if command.header_bytes:
            offered = self._header(hardware.beats(command.header_bytes), offered)
        self.accepted = max(self.accepted, offered - 1)
        self.asking, self.posting = max(self.asked, self.accepted), command.post
        done = 0.0
        for block, repeat in _blocks(command, hardware):
            self.counters["MAC_VECTORS"] += sum(-(-t.columns // hardware.columns) for t in block) * rows * repeat
            done = self._repeat(block, repeat, rows, offered)
        words = BLOCK // LANES * rows * sum(product.blocks for product in command.products) * -(-command.outputs // BLOCK)
        self.share = min(1.0, words / max(1.0, self.asked - self.asking))
        self.in_flight = FIFO_BEATS if self.front - self.arrived < READ_LATENCY else 0
        self.ends[Opcode.LOAD].append(self.arrived)
        return done

    def _header(self, beats: int, offered: float) -> float:
        """Take a header, when all codes before it have left; when the next tile is offered."""
        first = max(offered, self.front + SKIP, self.coded)
        self._arrive(beats)
        per_line = self.hardware.beats(LINE)
        self.front = max(first + BOOK + beats - per_line, self.arrived)
        self.taken.append((self.beats, self.front))
        return first + 2

    def _arrive(self, beats: int) -> None:
        """Stream so many beats: at the memory's rate, each burst when the FIFO has room for all of it."""
        self.beats += beats
        needed = self.beats - FIFO_BEATS * 3 // 4  # a burst is a quarter of the FIFO
        while len(self.taken) > 1 and self.taken[1][0] < needed:
            self.taken.popleft()
        room = 0.0
        if len(self.taken) > 1 and self.taken[0][0] < needed:
            (n0, t0), (n1, t1) = self.taken[0], self.taken[1]
            room = t0 + (t1 - t0) * (needed - n0) / (n1 - n0) + MASTER + READ_LATENCY
        elif needed > 0:
            room = self.taken[0][1]
        self.arrived = max(self.arrived + beats / RATE, room)

    def _repeat(self, block: list[Tile], repeat: int, rows: int, offered: float) -> float:
        """The same block of tiles again and again; once its period is steady it is not computed any more."""
        before: tuple[float, ...] = ()
        steady = 0
        done = 0.0
        while repeat:
            repeat -= 1
            done = self._block(block, rows, offered)
            state = (self.front, self.arrived, self.vectors, self.asked, self.loaded, self.drained[-1])
            period = [a - b for a, b in zip(state, before, strict=False)]
            steady = steady + len(block) if period and max(period) - min(period) < 1e-6 and not self.functions else 0
            before = state
            if steady > 3 * BUFFERS and steady * block[0].beats > 2 * FIFO_BEATS and repeat:
                self._skip(repeat * period[0], repeat * sum(tile.beats for tile in block))
                return done + repeat * period[0]
        return done

    def _skip(self, time: float, beats: int) -> None:
        self.beats += beats
        for name in ("front", "accepted", "loaded", "coded", "vectors", "asked", "arrived"):
            setattr(self, name, getattr(self, name) + time)
        for queue in (self.recent, self.turned, self.drained):
            queue.extend([t + time for t in queue])
        self.taken = deque([(n + beats, t + time) for n, t in self.taken], maxlen=4096)

    def _block(self, block: list[Tile], rows: int, offered: float) -> float:
        """Tiles of one block of D; when its results are in the scratchpad."""
        width = self.hardware.columns
        free = self.drained[0]
        for tile in block:
            free = self._tile(tile, rows, offered, free)
        # result_drain: 3 cycles, and 8 / COLUMNS to fill the first word; a row of 64 takes so many parts.
        common = gcd(width, LANES)
        fill = LANES // common if common < LANES else width // LANES - 1
        begin = max(self.vectors + TOTALS + width // self.hardware.ports, self.drained[-1]) + 3 + fill
        self.drained.append(begin + rows * BLOCK // common)
        return self.drained[-1] + 1

    def _tile(self, tile: Tile, rows: int, offered: float, free: float) -> float:
        """One tile through front end and array, whose first vector waits for ``free``; zero, for the next tile."""
        width, pace, before = self.hardware.columns, tile.pace, self.vectors
        passes, columns = ceil(tile.columns / width), min(width, tile.columns)
        rest = tile.columns - (passes - 1) * columns  # of the last pass
        # Activations: asked for when the tile before has been taken and a buffer is free.
        words = BLOCK // LANES * rows
        self.asked = max(self.asked, self.accepted + 2, self.recent[0])
        while self.functions and self.functions[0][1] <= self.asked:
            self.functions.popleft()
        met = self.functions and self.functions[0][0] < self.asked + words
        self.asked += words / (1 - LOST) if met else words
        # Front end.
        self.accepted = max(self.front + SKIP, offered, self.turned[0] if tile.turned else 0)
        self._arrive(tile.beats)
        front = max(self.accepted + tile.beats, self.arrived)
        first = max(self.accepted + 1, self.arrived - tile.beats / RATE)
        # Columns as they come.
        if tile.turned:
            column = front + 2 * pace + TURNED
        else:
            column = first + (CODES_FIRST if tile.codes else 2 * pace + FLOAT_COLUMN)
        column = max(column, self.loaded + 1)
        last = column + (tile.columns - 1) * pace
        if not tile.turned:
            last = max(last, front + (CODES_LAST if tile.codes else pace + FLOAT_COLUMN))
        # Array: the first pass loads behind the start of the last pass of the tile before.
        ready = max(column, before - rows) + (columns - 1) * pace + 1
        start = max(before, ready, self.asked + ALIGNED, free)
        later = max(rows, columns * pace) * max(0, passes - 2) + (max(rows, rest * pace) if passes > 1 else 0)
        self.vectors = max(start + rows + later, last + 1 + rows)
        self.loaded = max(last, ready - 1)
        if passes > 1:
            self.loaded = max(self.loaded, self.vectors - rows - max(rows, rest * pace) + rest * pace)
        if tile.codes:
            self.coded = self.loaded
        self.recent.append(self.vectors)
        # What is buffered between the two.
        if tile.turned:
            self.turned.append(self.loaded)
            self.front = front
        else:
            held = HELD_BEATS / pace if tile.codes and pace > 1 else HELD_BEATS if tile.codes else 2
            self.front = max(front, self.loaded - held * max(pace, rows / width))
        self.taken.append((self.beats, self.front))
        return 0.0


def _blocks(command: Matrix, hardware: Hardware) -> Iterator[tuple[list[Tile], int]]:
    """Tiles per block of D, and how many blocks are alike."""
    whole, rest = divmod(command.outputs, BLOCK)
    for columns, repeat in ((BLOCK, whole), (rest, 1)):
        if columns and repeat:
            yield [tile for product in command.products for tile in tiles(product, columns, hardware)], repeat


def predict(commands: Sequence[Command], hardware: Hardware) -> dict[str, int]:
    """Counters of a list of commands with its semaphores, by name."""
    return CycleModel(hardware).run(commands)

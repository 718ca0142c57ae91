"""Cycles of MATRIX commands: the stream of weights, the front end that takes its beats, and the array.

A part of ``cycle_model``. The stream comes at the memory's rate and runs ahead of the front end by what the loader's
FIFO holds. A tile passes the front end, which takes its beats, and the array, which loads its columns and lets the
vectors in; what is buffered between the two is how far one may be ahead of the other. Blocks of tiles that follow one
another with a steady period are not computed one by one. Every constant is a latency or a depth of the RTL, with the
module that has it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import gcd

from .command_layout import WeightFormat
from .commands import BLOCK_WORDS, LINE, Matrix, Product
from .layout import BLOCK, CODE_BITS, VALUE_BYTES, tile_bytes
from .vector import LANES

# axi_ddr3_memory: of T_REFI cycles, a refresh takes T_RP + T_RFC and the T_RCD until a row is open again.
RATE = 1 - (3 + 52 + 3) / 1560
READ_LATENCY = 22  # axi_ddr3_memory: an address to its first beat
MASTER = 6 + 1  # axi_read_master: a region to its address, a beat from the bus to its client
FIFO_BEATS = 512  # load_engine
BURST = FIFO_BEATS // 4  # axi_read_clients: goes out when the FIFO has room for all of it

ENTER = 4  # matrix_engine: a command that is taken to its first tile
SKIP = 1  # weight_loader: a cycle without a beat per tile
CODES_FIRST, CODES_LAST = 20, 3  # weight_loader, code_columns: first beat to first column; last to last, at least
HELD = 31  # code_columns: beats in u_held while they move (stream_fifo)
FLOAT_HELD = 8  # block_aligner: columns of 64 FP16 values that its ring holds
FLOAT_COLUMN = 11  # float_columns: a row's last beat to its column, besides the beats of a column
TURNED = 13  # float_columns: a T tile's last beat to its first column, besides the beats of two columns
BOOK = 16  # weight_header: its first line
BUFFERS = 4  # activation_buffer: tiles
ASK = 2  # matrix_unit: the tile before is taken, then this one's activations are asked for
ALIGNED = 24  # activation_buffer: a tile's last word is asked for, then its vectors are aligned
TOTALS = 81  # matrix_unit: a block's last vector to its totals, besides the column groups
DRAIN = 3  # result_drain: per block


@dataclass(frozen=True)
class Hardware:
    """What the model knows of a configuration: array columns, bits of the memory bus, lanes of the vector engine."""

    columns: int
    bus_width: int
    vector_lanes: int = 8

    @classmethod
    def of(cls, settings: Mapping[str, int]) -> Hardware:
        """From the settings of ``sim/configs.toml``."""
        return cls(settings["columns"], settings["bus_width"], settings["vector_lanes"])

    @property
    def ports(self) -> int:
        """Columns that the array loads per cycle (``matrix_unit``)."""
        return 2 if self.bus_width == 512 and self.columns % 2 == 0 else 1

    @property
    def late(self) -> int:
        """Cycles more through ``block_aligner`` where beats wait in a block RAM."""
        return 2 if self.bus_width <= 128 else 0

    def beats(self, size: int) -> int:
        """Beats of so many bytes."""
        return size * 8 // self.bus_width


@dataclass(frozen=True)
class Tile:
    """Beats and columns of a tile, cycles per beat and per column where nothing holds them up, and what it is made of.

    A turned tile, of floating-point values in T mode, gives its first column when its last beat has come.
    """

    beats: int
    columns: int
    pace: float
    codes: bool = False
    turned: bool = False
    beat_pace: int = 1


def tiles(product: Product, columns: int, hardware: Hardware) -> list[Tile]:
    """Those of a product for a block of D with so many columns."""
    if product.format in CODE_BITS:
        # code_expander: smaller codes take the beats of 4-bit codes.
        row = BLOCK * max(4, CODE_BITS[product.format]) / hardware.bus_width
        pace = max(1.0 if product.transpose else 1 / hardware.ports, row)
        beats = hardware.beats(tile_bytes(product.format))
        return product.blocks * [Tile(beats, BLOCK, pace, True, product.transpose)]
    # bfp8_unpack: a beat of 8-bit integers becomes two of FP16 in front of what makes columns of them.
    size = VALUE_BYTES[product.format]
    row, wide = hardware.beats(BLOCK * size), max(size, VALUE_BYTES[WeightFormat.FP16])
    pace = wide // size
    if not product.transpose:
        return product.blocks * [Tile(columns * row, columns, pace * row, beat_pace=pace)]
    lines = [min(BLOCK, product.length - first) for first in range(0, product.length, BLOCK)]
    return [Tile(n * row, BLOCK, -(-n * 8 * wide // hardware.bus_width), False, True, pace) for n in lines]


def blocks(command: Matrix, hardware: Hardware) -> Iterator[tuple[list[Tile], int]]:
    """Tiles of a block of D, and how many such blocks follow one another."""
    whole, rest = divmod(command.outputs, BLOCK)
    for columns, repeat in ((BLOCK, whole), (rest, 1)):
        if columns and repeat:
            yield [tile for product in command.products for tile in tiles(product, columns, hardware)], repeat


class ArrayModel:
    """Where stream, front end and array are after the commands so far; all times in cycles of the list.

    Attributes:
        arrived: the last beat of weights came.
        in_flight: beats that a new read of somebody else stands behind while weights arrive.
        accepted, front: the front end took the last tile's command and its last beat.
        asked: the last word of activations was asked for.
        vectors: the last vector entered.
        mac_vectors: how many have.
    """

    def __init__(self, hardware: Hardware) -> None:
        self.hardware = hardware
        self.arrived = self.in_flight = self.accepted = self.front = self.asked = self.vectors = 0.0
        self.mac_vectors = self.beats = 0
        self.loaded = self.coded = 0.0  # the last column was loaded; the last one of codes
        self.taken = deque([(0, 0.0)])  # beats taken, and when: what the loader's credits need
        self.recent = deque([0.0] * BUFFERS, maxlen=BUFFERS)  # the last tiles' last vectors
        self.turned = deque([0.0] * 2, maxlen=2)  # float_columns' transposer: its halves are free
        self.drained = deque([0.0] * 2, maxlen=2)  # accumulators: the buffers are free

    def matrix(self, command: Matrix, stream: float, transfer: float) -> float:
        """Run a command whose weights can come from one time on and that is taken at another; the time of its end."""
        rows, width = command.outer * command.inner, self.hardware.columns
        self.arrived = max(stream, self.arrived)
        offered = transfer + ENTER
        if command.header_bytes:
            offered = self._header(self.hardware.beats(command.header_bytes), offered)
        self.accepted = max(self.accepted, offered - 1)
        end = 0.0
        for block, repeat in blocks(command, self.hardware):
            self.mac_vectors += sum(-(-tile.columns // width) for tile in block) * rows * repeat
            end = self._repeat(block, repeat, rows, offered)
        # A front end that waits for the memory leaves the FIFO empty, so that all of its room is asked for.
        self.in_flight = FIFO_BEATS if self.front - self.arrived < READ_LATENCY else 0.0
        return end

    def _arrive(self, beats: int) -> None:
        """Let so many beats come, each burst when there is room for all of it."""
        self.beats += beats
        needed = -(-self.beats // BURST) * BURST - FIFO_BEATS
        while len(self.taken) > 1 and self.taken[1][0] < needed:
            self.taken.popleft()
        room = 0.0
        if len(self.taken) > 1 and self.taken[0][0] < needed:
            (n0, t0), (n1, t1) = self.taken[0], self.taken[1]
            room = t0 + (t1 - t0) * (needed - n0) / (n1 - n0) + MASTER + READ_LATENCY
        self.arrived = max(self.arrived + beats / RATE, room)

    def _header(self, beats: int, offered: float) -> float:
        """Take a header when all codes before it have left; when the first tile is offered."""
        first = max(offered, self.front + SKIP, self.coded)
        self._arrive(beats)
        self.front = max(first + BOOK + beats - self.hardware.beats(LINE), self.arrived)
        self.taken.append((self.beats, self.front))
        return first + 2

    def _repeat(self, block: list[Tile], repeat: int, rows: int, offered: float) -> float:
        """Blocks with the same tiles; once their period is the same for everything, the rest of them at once."""
        before: tuple[float, ...] = ()
        steady, end = 0, 0.0
        size = sum(tile.beats for tile in block)
        for left in reversed(range(repeat)):
            end = self._block(block, rows, offered)
            state = (self.front, self.arrived, self.vectors, self.asked, self.loaded, self.drained[-1])
            period = [a - b for a, b in zip(state, before, strict=False)]
            alike = period and max(period) - min(period) < 1e-6
            steady, before = steady + 1 if alike else 0, state
            # As long as anything that one tile does to later ones.
            if steady * len(block) > 2 * BUFFERS and steady * size > 2 * FIFO_BEATS:
                self._skip(left * period[0], left * size)
                return end + left * period[0]
        return end

    def _skip(self, time: float, beats: int) -> None:
        self.beats += beats
        for name in ("front", "accepted", "loaded", "coded", "vectors", "asked", "arrived"):
            setattr(self, name, getattr(self, name) + time)
        for queue in (self.recent, self.turned, self.drained):
            queue.extend([t + time for t in queue])
        self.taken = deque((n + beats, t + time) for n, t in self.taken)

    def _block(self, block: list[Tile], rows: int, offered: float) -> float:
        """The tiles of one block of D; when its results are in the scratchpad."""
        width, free = self.hardware.columns, self.drained[0]
        for tile in block:
            self._tile(tile, rows, offered, free)
        # A word is filled by parts of so many values.
        part = gcd(width, LANES)
        fill = LANES // part if part < LANES else width // LANES - 1
        totals = self.vectors + TOTALS + width // self.hardware.ports
        self.drained.append(max(totals, self.drained[-1]) + DRAIN + fill + rows * BLOCK // part)
        return self.drained[-1] + 1

    def _tile(self, tile: Tile, rows: int, offered: float, free: float) -> None:
        """One tile, which is offered from one time on and whose block has a buffer of accumulators from another on."""
        width, pace, before = self.hardware.columns, tile.pace, self.vectors
        passes, columns = -(-tile.columns // width), min(width, tile.columns)
        rest = tile.columns - (passes - 1) * columns  # in the last pass
        # Activations.
        self.asked = max(self.asked, self.accepted + ASK, self.recent[0]) + BLOCK_WORDS * rows
        # Beats, if nothing behind holds them up.
        self.accepted = max(self.front + SKIP, offered, self.turned[0] if tile.turned else 0)
        self._arrive(tile.beats)
        begins = max(self.accepted, self.arrived - tile.beats / RATE)
        front = max(begins + tile.beat_pace * tile.beats, self.arrived)
        first = max(self.accepted + 1, self.arrived - tile.beats / RATE)
        # Columns, likewise.
        if tile.turned:
            column, least = front + 2 * pace + TURNED + self.hardware.late, 0.0
        elif tile.codes:
            column, least = first + CODES_FIRST, front + CODES_LAST
        else:
            spent = pace + FLOAT_COLUMN + self.hardware.late
            column, least = first + pace + spent, front + spent
        column = max(column, self.loaded + 1)
        last = max(least, column + (tile.columns - 1) * pace)
        # Passes: one streams its vectors while the columns of the next are loaded, of the next tile's first one too.
        ready = max(column, before - rows) + (columns - 1) * pace + 1
        start = max(before, ready, self.asked + ALIGNED, free)
        final = max(rows, rest * pace) if passes > 1 else 0
        self.vectors = max(start + rows + max(rows, columns * pace) * max(0, passes - 2) + final, last + 1 + rows)
        self.loaded = max(last, ready - 1, self.vectors - rows - final + rest * pace if passes > 1 else 0)
        self.recent.append(self.vectors)
        # The front end is ahead of the columns by what is held between them.
        self.front = front
        if tile.codes:
            self.coded = self.loaded
        if tile.turned:
            # The transposer's half is free when it is read; its columns are loaded later.
            self.turned.append(self.loaded - TURNED - self.hardware.late)
        else:
            held = HELD * self.hardware.bus_width / (4 * BLOCK) if tile.codes else FLOAT_HELD  # columns
            self.front = max(front, self.loaded - held * max(pace, rows / width))
        self.taken.append((self.beats, self.front))

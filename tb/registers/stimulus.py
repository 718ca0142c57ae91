"""Random bursts for the AXI slave and the registers behind it."""

from __future__ import annotations

import random

from edge_qlora import registers as regs

from tb.registers.burst import PAGE, Burst, Kind

# Registers that random traffic visits more often than others.
FAVOURITES = [regs.CONTROL, regs.IRQ_STATUS, regs.IRQ_ENABLE, regs.STATUS, regs.ERROR_CODE, regs.LISTS_DONE]


def random_address() -> int:
    """Byte offset in the window: mostly a register, sometimes any place."""
    kind = random.random()
    if kind < 0.3:
        return random.choice(FAVOURITES).offset
    if kind < 0.9:
        return random.choice(regs.REGISTERS).offset
    return random.randrange(PAGE)


def fill(burst: Burst, bus_bytes: int, sparse: bool) -> Burst:
    """Add random write data and strobes; strobes are set only in lanes that the burst covers.

    Args:
        sparse: leave out strobes at random.
    """
    for beat in range(burst.beats):
        lanes = burst.lanes(beat, bus_bytes) if burst.legal(bus_bytes) else range(bus_bytes)
        chosen = [lane for lane in lanes if not sparse or random.random() < 0.7]
        burst.strobes.append(sum(1 << lane for lane in chosen))
        # Few bits make single commands and clears of single events likely.
        density = random.choice((random.getrandbits, lambda bits: random.getrandbits(bits) & random.getrandbits(bits)))
        burst.data.append(density(8 * bus_bytes))
    return burst


def random_burst(bus_bytes: int, base: int, id_bits: int) -> Burst:
    """Any legal burst inside the window; most of them short."""
    largest = bus_bytes.bit_length() - 1
    size = random.choice((2, largest, random.randint(0, largest)))
    kind = random.choices((Kind.INCR, Kind.FIXED, Kind.WRAP), (6, 1, 1))[0]
    address = random_address()
    step = 1 << size
    if kind == Kind.WRAP:
        beats, address = random.choice((2, 4, 8, 16)), address // step * step
    elif kind == Kind.FIXED:
        beats = random.choice((1, 2, 3, 16))
    else:
        beats = random.choices((1, random.randint(2, 16), random.randint(17, 256)), (30, 10, 1))[0]
        address = address // step * step if random.random() < 0.6 else address + random.randrange(4)
        beats = max(1, min(beats, (PAGE - address // step * step) // step))
    write = random.random() < 0.5
    burst = Burst(write, base + address % PAGE, beats, size, kind, random.getrandbits(id_bits))
    return fill(burst, bus_bytes, random.random() < 0.4) if write else burst


def illegal_bursts(bus_bytes: int, address: int, id_bits: int) -> list[Burst]:
    """Every kind of burst that the specification forbids, in both directions, at a 16-byte aligned address."""
    largest = bus_bytes.bit_length() - 1
    bursts = []
    for write in (False, True):
        found = [
            Burst(write, address, random.randint(1, 4), random.randint(largest + 1, 7), Kind.INCR),
            Burst(write, address, random.randint(1, 4), 2, Kind.RESERVED),
            *(Burst(write, address, beats, 2, Kind.WRAP) for beats in (1, 3, 5, 17)),
            Burst(write, address + random.randint(1, 3), 4, 2, Kind.WRAP),
        ]
        for burst in found:
            burst.ident = random.getrandbits(id_bits)
            bursts.append(fill(burst, bus_bytes, False) if write else burst)
    return bursts


def illegal_burst(bus_bytes: int, base: int, id_bits: int) -> Burst:
    """One of ``illegal_bursts`` anywhere in the window."""
    return random.choice(illegal_bursts(bus_bytes, base + random_address() // 16 * 16, id_bits))


def single(
    write: bool, address: int, bus_bytes: int, data: int = 0, size: int = 2, strobes: int | None = None
) -> Burst:
    """One beat of at most 32 bits, with its data on the lanes where the address puts it.

    Args:
        address: byte address, aligned to the size.
        data: value in the low bits.
        strobes: strobes of the transferred bytes; all by default.
    """
    lane = address % bus_bytes
    burst = Burst(write, address, 1, size)
    if write:
        strobes = (1 << (1 << size)) - 1 if strobes is None else strobes
        burst.data, burst.strobes = [data << 8 * lane], [strobes << lane]
    return burst

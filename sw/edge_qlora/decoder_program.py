"""The command list of one pass of a decoder: new tokens in, their keys and values into the cache, logits out.

The numerics are those of ``tb/models/llama.py``. Commands are made in an order in which they could run one after the
other, with what one engine can do ahead of the others placed early; ``ordering.synchronize`` adds the semaphores.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import sqrt

from . import vector
from .checkpoint import ModelConfig
from .command_layout import WeightFormat
from .commands import Command, End, Limits, Load, Matrix, Part, Product, Read, Vector, Write
from .errors import ModelLimitError
from .layout import BLOCK, CODE_BITS, VALUE_BYTES
from .model_image import LayerImage, Linear, ModelImage
from .vector import LANES, Instruction, Operand, Region

BLOCK_WORDS = BLOCK // LANES
# LOAD commands that may be in the list before the MATRIX command of the first of them: the loader's queue.
LOADS_AHEAD = 3


def words(values: int) -> int:
    """Scratchpad words of so many values."""
    return -(-values // LANES)


def blocks(values: int) -> int:
    """Blocks of 64 of so many values."""
    return -(-values // BLOCK)


def cuts(total: int, most: int) -> Iterator[tuple[int, int]]:
    """Cut so many blocks of a product into parts (first, count) of at most ``most``; one is worked on during the next.

    Nothing hides the work on the last part, so it is small; but large enough to hide that on the part before.
    """
    rest = total - -(-min(total, most) // 8)
    count = -(-rest // most)
    ends = [rest * part // count for part in range(1, count + 1)]
    return ((first, end - first) for first, end in pairwise([0, *ends, total]))


@dataclass
class Scratchpad:
    """Hands out words of the scratchpad, upwards; ``mark`` and ``back`` let what follows use the same words again."""

    size: int
    next: int = 0

    def take(self, count: int) -> int:
        """First of ``count`` new words, at a multiple of a block's words."""
        base, self.next = self.next, self.next + -(-count // BLOCK_WORDS) * BLOCK_WORDS
        return base


@dataclass(frozen=True)
class Regions:
    """Where a pass keeps its values in the scratchpad, in words; rows lie one behind the other.

    Attributes:
        x: hidden states; normed: their norm, and attention's output, which is not needed at the same time.
        norm_weights: two places for a norm's weights.
        tables: cosines and sines of the tokens.
        low_rank: places for products with LoRA's A.
        scalars: values per row of softmax, for two groups of heads; norm_scalars: of norms.
        q, k, v, spare, out: attention's; scores: two places for a group of heads, or one where two do not fit.
        gated, gate, up: of the MLP; gate and up two places each, for a chunk of ``chunk`` of its outputs.
        product: the MLP's result; logits: two places for ``logits_chunk`` of them.
        group_tokens: tokens whose scores fit.
        total: words used.
    """

    x: int
    normed: int
    norm_weights: tuple[int, int]
    tables: int
    low_rank: tuple[int, ...]
    scalars: tuple[int, int]
    norm_scalars: int
    q: int
    k: int
    v: int
    spare: int
    scores: tuple[int, ...]
    gated: int
    gate: tuple[int, ...]
    up: tuple[int, ...]
    product: int
    logits: tuple[int, int]
    group_tokens: int
    chunk: int
    logits_chunk: int
    total: int


def regions(c: ModelConfig, tokens: int, context: int, limits: Limits, adapted: bool) -> Regions:
    """Lay out a pass of ``tokens`` that ends with ``context`` tokens.

    Args:
        c: shapes of the model.
        tokens, context: new tokens, and all of them.
        limits: of the hardware.
        adapted: whether any layer has an adapter.

    Raises:
        ModelLimitError: the scratchpad is too small for so many tokens.
    """
    pad = Scratchpad(limits.scratch_words)
    hidden, inter = words(c.hidden_size), words(c.intermediate_size)
    q, kv, group = words(c.heads * c.head_dim), words(c.kv_heads * c.head_dim), c.heads // c.kv_heads
    x, normed = pad.take(tokens * hidden), pad.take(tokens * max(hidden, q))
    norm_weights = pad.take(hidden), pad.take(hidden)
    tables = pad.take(tokens * 2 * words(c.head_dim))
    low_rank = tuple(pad.take(tokens * BLOCK_WORDS) for _ in range(4 if adapted else 0))
    scalars = pad.take(2 * words(tokens * group)), pad.take(2 * words(tokens * group))
    norm_scalars = pad.take(words(tokens))
    shared, left = pad.next, limits.scratch_words - pad.next

    # Attention: all scores of as many tokens as fit, but no more rows than the array takes.
    attention = Scratchpad(left)
    at_q, at_k, at_v = attention.take(tokens * max(q, hidden)), attention.take(tokens * kv), attention.take(tokens * kv)
    at_spare = attention.take(tokens * max(q, kv))
    row = group * blocks(context) * BLOCK_WORDS
    score_places = 1 if tokens == 1 and left - attention.next < 2 * row else 2
    group_tokens = min(tokens, limits.max_rows // group, (left - attention.next) // (score_places * row))
    scores = tuple(attention.take(max(group_tokens, 0) * row) for _ in range(score_places))

    # MLP: as large a chunk as fits, all of it at best.
    mlp = Scratchpad(left)
    at_gated = mlp.take(tokens * inter)
    room = (left - mlp.next) // (tokens * BLOCK_WORDS)  # blocks of outputs
    places = 1 if room >= max(2 * blocks(c.intermediate_size), blocks(c.hidden_size)) else 2
    chunk = min(blocks(c.intermediate_size), room // (2 * places))
    gate, up = (tuple(mlp.take(tokens * chunk * BLOCK_WORDS) for _ in range(places)) for _ in range(2))
    product = gate[0]
    enough = room >= blocks(c.hidden_size)

    head = Scratchpad(left)
    logits_chunk = min(blocks(c.vocab_size), 32, (left // (2 * tokens)) // BLOCK_WORDS)
    logits = tuple(head.take(tokens * max(logits_chunk, 0) * BLOCK_WORDS) for _ in range(2))

    if left <= 0 or group_tokens < 1 or chunk < 1 or not enough or logits_chunk < 1:
        raise ModelLimitError(
            f"{tokens} tokens in one pass at a context of {context} do not fit the scratchpad of "
            f"{limits.scratch_words} words; fewer tokens per pass take less"
        )
    places_of = {"x": x, "normed": normed, "norm_weights": norm_weights, "tables": tables, "low_rank": low_rank}
    places_of |= {"scalars": scalars, "norm_scalars": norm_scalars}
    in_arena = {"q": at_q, "k": at_k, "v": at_v, "spare": at_spare, "scores": scores, "gated": at_gated}
    in_arena |= {"gate": gate, "up": up, "product": product, "logits": logits}
    for name, place in in_arena.items():
        places_of[name] = tuple(shared + p for p in place) if isinstance(place, tuple) else shared + place
    total = shared + max(attention.next, mlp.next, product + tokens * hidden, head.next)
    return Regions(**places_of, group_tokens=group_tokens, chunk=chunk, logits_chunk=logits_chunk, total=total)


@dataclass
class _Pass:
    """Makes the commands of one pass."""

    image: ModelImage
    tokens: int
    position: int
    at: Regions
    commands: list[Command] = field(default_factory=list)
    low_rank_uses: int = 0

    # ------------------------------------------------------------------------------------------------------------------
    # Pieces
    # ------------------------------------------------------------------------------------------------------------------
    def vector(self, program: Iterable[Instruction] | Instruction) -> None:
        instructions = [program] if isinstance(program, Instruction) else program
        self.commands += [Vector(instruction=instruction) for instruction in instructions]

    def read(self, address: int, base: int, length: int, rows: int = 1) -> None:
        """Rows of FP32 values, one behind the other in memory and in the scratchpad."""
        place = Region(base, words(length))
        self.commands.append(Read(address=address, length=length, s=place, outer=rows, outer_stride=4 * length))

    def rows(self, base: int, values: int) -> Region:
        """The tokens' rows, one behind the other."""
        return Region(base, words(values))

    def low_rank_product(self, linear: Linear, x: Region) -> Product | None:
        """``u = A x``, and the product with B that is to follow."""
        low = linear.low_rank
        if low is None:
            return None
        u = Region(self.at.low_rank[self.low_rank_uses % len(self.at.low_rank)], BLOCK_WORDS)
        self.low_rank_uses += 1
        size = low.rank * linear.k * VALUE_BYTES[low.format]
        self.commands.append(Load(part0=Part(low.a, 1, size)))
        product = Product(x, linear.k, False, low.format)
        self.commands.append(Matrix(d=u, outputs=low.rank, product0=product, outer=self.tokens))
        return Product(u, low.rank, True, low.format, low.scale)

    def linear(self, linear: Linear, x: Region, d: Region) -> None:
        """``d = W x + s B (A x)`` of all outputs."""
        self.linear_chunk(linear, x, d, 0, linear.n // BLOCK, self.low_rank_product(linear, x))

    def linear_chunk(
        self, linear: Linear, x: Region, d: Region, first: int, count: int, low: Product | None, **options
    ) -> None:
        """Blocks ``first`` to ``first + count`` of a linear layer's outputs; options replace those of ``Matrix``."""
        part = Part(linear.address + first * linear.row_bytes, 1, count * linear.row_bytes)
        second, repeat = None, 1
        if low is not None:
            size = low.length * BLOCK * VALUE_BYTES[low.format]
            second = Part(linear.low_rank.b + first * size, 1, size, step=size)
            part, repeat = replace(part, row_bytes=linear.row_bytes, step=linear.row_bytes), count
        codes, header = {}, {}
        if linear.format in CODE_BITS:
            stride = linear.k // BLOCK
            codes = {"header_bytes": linear.header_bytes, "block": first * BLOCK * stride, "block_stride": stride}
        matrix = {"outer": self.tokens} | codes | options
        if matrix.get("header_bytes"):
            header = {"header_address": linear.header_address, "header_bytes": linear.header_bytes}
        self.commands.append(Load(part0=part, part1=second, count=repeat, **header))
        product = Product(x, linear.k, False, linear.format)
        self.commands.append(Matrix(d=d, outputs=count * BLOCK, product0=product, product1=low, **matrix))

    def residual(self, linear: Linear, x: Region, base: int) -> None:
        """``hidden += W x + s B (A x)``, with a place for the product."""
        c, at, low = self.image.config, self.at, self.low_rank_product(linear, x)
        total = linear.n // BLOCK
        for first, count in cuts(total, total):
            d, hidden = (
                replace(self.rows(place, c.hidden_size), base=place + first * BLOCK_WORDS) for place in (base, at.x)
            )
            self.linear_chunk(linear, x, d, first, count, low, **({"header_bytes": 0} if first else {}))
            self.vector(vector.add(hidden, d, hidden, self.tokens, count * BLOCK))

    def norm(self, weights: int) -> None:
        """``normed = rms_norm(x)``."""
        c, at = self.image.config, self.at
        x, y = (self.rows(base, c.hidden_size) for base in (at.x, at.normed))
        self.vector(vector.rms_norm(x, weights, y, at.norm_scalars, self.tokens, c.hidden_size, c.rms_eps))

    # ------------------------------------------------------------------------------------------------------------------
    # Layers
    # ------------------------------------------------------------------------------------------------------------------
    def layer(self, layer: LayerImage, following: int) -> None:
        """A decoder layer; ``following`` is the address of the next norm's weights."""
        c, at = self.image.config, self.at
        normed = self.rows(at.normed, c.hidden_size)
        self.read(layer.post_norm, at.norm_weights[1], c.hidden_size)
        self.norm(at.norm_weights[0])
        self.read(following, at.norm_weights[0], c.hidden_size)
        self.attention(layer, normed)
        self.residual(layer.projections["self_attn.o_proj"], self.rows(at.normed, c.heads * c.head_dim), at.q)
        self.norm(at.norm_weights[1])
        self.mlp(layer, normed)
        self.residual(layer.projections["mlp.down_proj"], self.rows(at.gated, c.intermediate_size), at.product)

    def attention(self, layer: LayerImage, normed: Region) -> None:
        """Projections, rotary embedding, cache and attention; the result replaces ``normed``."""
        c, at, size = self.image.config, self.at, words(self.image.config.head_dim)
        q, k, v = (self.rows(base, heads * c.head_dim) for base, heads in self.heads())
        for name, place in (("q", q), ("k", k), ("v", v)):
            self.linear(layer.projections[f"self_attn.{name}_proj"], normed, place)
            if name != "v":
                heads = c.heads if name == "q" else c.kv_heads
                rows = Region(place.base, place.outer, size)
                cosines, sines = (Region(at.tables + offset, 2 * size) for offset in (0, size))
                spare = Region(at.spare, heads * size, size)
                tables = rows, cosines, sines, rows, spare
                self.vector(vector.rotary(*tables, self.tokens, heads, c.head_dim))
            if name != "q":
                self.store(place, layer.keys if name == "k" else layer.values)
        # Groups of heads that share a key and value head, equal pieces of tokens; with two places, one is scored ahead.
        share = -(-self.tokens // -(-self.tokens // at.group_tokens))
        pieces = [
            (head, first, min(share, self.tokens - first))
            for first in range(0, self.tokens, share)
            for head in range(c.kv_heads)
        ]
        places, scored = len(at.scores), 0
        for number, piece in enumerate(pieces):
            while scored < min(number + places, len(pieces)):
                self.score(layer, *pieces[scored], scored % places)
                scored += 1
            self.mix(layer, *piece, number % places)

    def heads(self) -> tuple[tuple[int, int], ...]:
        """Place and number of heads of queries, keys and values."""
        c, at = self.image.config, self.at
        return (at.q, c.heads), (at.k, c.kv_heads), (at.v, c.kv_heads)

    def plane(self, cache: int, head: int, part: int = 0) -> int:
        """Address of a key or value head's part of 64 values in a cache."""
        c = self.image.config
        return cache + (head * (c.head_dim // BLOCK) + part) * self.image.context * self.image.cache_block

    def store(self, rows: Region, cache: int) -> None:
        """The tokens' keys or values to the cache, in planes of 64 values."""
        c, line = self.image.config, self.image.cache_block
        self.commands.append(
            Write(
                address=cache + self.position * line,
                length=BLOCK,
                s=Region(rows.base, rows.outer, BLOCK_WORDS),
                outer=self.tokens,
                inner=c.kv_heads * (c.head_dim // BLOCK),
                outer_stride=line,
                inner_stride=self.image.context * line,
                format=self.image.cache,
            )
        )

    def query(self, head: int, first: int) -> Region:
        """Rows (token, head of the group) of queries or of attention's output, relative to their place."""
        c = self.image.config
        group, size = c.heads // c.kv_heads, words(c.head_dim)
        return Region((first * c.heads + head * group) * size, c.heads * size, size)

    @property
    def context(self) -> int:
        """Positions, the new ones included: all of them are scored, since the array aligns blocks of 64 of them."""
        return self.position + self.tokens

    def scores(self, place: int) -> Region:
        """Rows of scores (token, head of the group)."""
        row = blocks(self.context) * BLOCK_WORDS
        return Region(self.at.scores[place], self.image.config.heads // self.image.config.kv_heads * row, row)

    def score(self, layer: LayerImage, head: int, first: int, count: int, place: int) -> None:
        """Softmax of q k of a group of heads, without its division."""
        c, at = self.image.config, self.at
        group, parts = c.heads // c.kv_heads, c.head_dim // BLOCK
        scores, seen, rows = self.scores(place), self.context, self.query(head, first)
        q = Region(at.q + rows.base, rows.outer, rows.inner)
        line, done = self.image.cache_block, 0
        # The stream takes the parts of a head block by block; with more than one, the last positions go by themselves.
        whole = seen if parts == 1 else seen // BLOCK * BLOCK
        for positions in (whole, seen - whole):
            if not positions:
                continue
            begins = [self.plane(layer.keys, head, part) + done * line for part in range(parts)]
            if parts == 1:
                self.commands.append(Load(part0=Part(begins[0], 1, positions * line)))
            else:
                lines = min(positions, BLOCK) * line
                two = [Part(begin, 1, lines, step=lines) for begin in begins]
                self.commands.append(Load(part0=two[0], part1=two[1], count=blocks(positions)))
            d = replace(scores, base=scores.base + words(done))
            product = Product(q, c.head_dim, False, WeightFormat[self.image.cache.name], 1 / sqrt(c.head_dim))
            self.commands.append(Matrix(d=d, outputs=positions, product0=product, outer=count, inner=group))
            done += positions
        active = self.position + first + 1
        self.vector(vector.causal_softmax(scores, scores, at.scalars[place], count, group, seen, active))

    def mix(self, layer: LayerImage, head: int, first: int, count: int, place: int) -> None:
        """Values weighted by the softmax, and its division."""
        c, at = self.image.config, self.at
        group, parts = c.heads // c.kv_heads, c.head_dim // BLOCK
        scores, seen, rows = self.scores(place), self.context, self.query(head, first)
        d = Region(at.normed + rows.base, rows.outer, rows.inner)
        size = seen * self.image.cache_block
        step = self.plane(0, 0, 1) if parts > 1 else 0
        self.commands.append(Load(part0=Part(self.plane(layer.values, head), 1, size, step=step), count=parts))
        product = Product(scores, seen, True, WeightFormat[self.image.cache.name])
        self.commands.append(Matrix(d=d, outputs=c.head_dim, product0=product, outer=count, inner=group))
        inverse = Region(LANES * at.scalars[place], group, 1)
        rows = {"outer": count, "inner": group, "a": d, "x": Operand.B, "b": inverse, "b_per_row": True, "d": d}
        self.vector(Instruction(length=c.head_dim, **rows))

    def mlp(self, layer: LayerImage, normed: Region) -> None:
        """``gated = silu(gate) * up``, chunk by chunk."""
        c, at = self.image.config, self.at
        gate, up = (layer.projections[f"mlp.{name}_proj"] for name in ("gate", "up"))
        low = [self.low_rank_product(linear, normed) for linear in (gate, up)]
        total = c.intermediate_size // BLOCK
        for number, (first, count) in enumerate(cuts(total, at.chunk)):
            length = count * BLOCK
            # Two places of one chunk each, or one for all chunks.
            place, offset = (number % 2, 0) if len(at.gate) > 1 else (0, self.tokens * first * BLOCK_WORDS)
            gates, ups = (Region(chunk[place] + offset, count * BLOCK_WORDS) for chunk in (at.gate, at.up))
            gated = Region(at.gated + first * BLOCK_WORDS, words(c.intermediate_size))
            self.linear_chunk(gate, normed, gates, first, count, low[0])
            self.linear_chunk(up, normed, ups, first, count, low[1])
            self.vector(vector.silu(gates, gated, self.tokens, length))
            self.vector(vector.multiply(gated, ups, gated, self.tokens, length))

    def head(self, tokens: int) -> None:
        """Logits of the last ``tokens`` tokens."""
        c, at = self.image.config, self.at
        size = words(c.hidden_size)
        x = Region(at.normed + (self.tokens - tokens) * size, size)
        total = c.vocab_size // BLOCK
        for number, first in enumerate(range(0, total, at.logits_chunk)):
            count = min(at.logits_chunk, total - first)
            d = Region(at.logits[number % 2], count * BLOCK_WORDS)
            options = {"header_bytes": 0} if first else {}
            self.linear_chunk(self.image.head, x, d, first, count, None, outer=tokens, **options)
            address = self.image.logits + 4 * first * BLOCK
            rows = {"outer": tokens, "outer_stride": 4 * c.vocab_size}
            self.commands.append(Write(address=address, length=count * BLOCK, s=d, **rows))


def tokens_per_pass(c: ModelConfig, wanted: int, context: int, limits: Limits, adapted: bool) -> int:
    """Most tokens, up to ``wanted``, that fit one pass at any context up to ``context``.

    Raises:
        ModelLimitError: not even one does.
    """
    for tokens in range(min(wanted, limits.max_rows, context), 1, -1):
        try:
            regions(c, tokens, context, limits, adapted)
        except ModelLimitError:
            continue
        return tokens
    regions(c, 1, context, limits, adapted)
    return 1


def check_context(image: ModelImage, tokens: int) -> None:
    """Refuse more tokens than the caches hold.

    Raises:
        ModelLimitError: they do not fit.
    """
    if tokens > image.context:
        raise ModelLimitError(f"{tokens} tokens exceed the context of {image.context}")


def forward(image: ModelImage, tokens: int, position: int, limits: Limits, logits: int = 1) -> list[Command]:
    """Commands, without semaphores, of one pass.

    Args:
        image: the model.
        tokens: new tokens, whose embeddings are at ``image.x``.
        position: tokens that are in the caches already.
        limits: of the hardware.
        logits: of how many of the last tokens; 0: none.

    Raises:
        ModelLimitError: more tokens than the context, the array or the scratchpad takes.
    """
    check_context(image, position + tokens)
    if not 1 <= tokens <= min(image.tokens, limits.max_rows):
        raise ModelLimitError(f"{tokens} tokens in one pass, which takes 1 to {min(image.tokens, limits.max_rows)}")
    c = image.config
    at = regions(c, tokens, position + tokens, limits, image.adapted)
    run = _Pass(image, tokens, position, at)
    run.read(image.layers[0].input_norm, at.norm_weights[0], c.hidden_size)
    run.read(image.x, at.x, c.hidden_size, tokens)
    table = 2 * c.head_dim
    run.read(image.rotary + 4 * table * position, at.tables, table, tokens)
    for layer, following in zip(image.layers, (*(n.input_norm for n in image.layers[1:]), image.norm), strict=True):
        run.layer(layer, following)
    if logits:
        run.norm(at.norm_weights[0])
        run.head(logits)
    run.commands.append(End())
    return loads_ahead(run.commands)


def loads_ahead(commands: list[Command]) -> list[Command]:
    """The same commands with each LOAD as early as the loader's queue and the memory it reads allow.

    A LOAD stays behind the WRITE commands before it whose memory it reads, and in order with the other LOADs.
    """
    # For each LOAD: how many of the other commands must come before it.
    least: list[int] = []
    others: list[Command] = []
    loads: list[Command] = []
    matrices: list[int] = []  # numbers of MATRIX commands among the others
    last_write: list[tuple[Write, int]] = []
    for command in commands:
        if isinstance(command, Load):
            after = 0
            for write, number in reversed(last_write):
                if _overlap(command, write):
                    after = number + 1
                    break
            if len(loads) >= LOADS_AHEAD:
                after = max(after, matrices[len(loads) - LOADS_AHEAD] + 1)
            least.append(max(after, least[-1] if least else 0))
            loads.append(command)
            continue
        if isinstance(command, Matrix):
            matrices.append(len(others))
        if isinstance(command, Write):
            last_write.append((command, len(others)))
        others.append(command)
    result: list[Command] = []
    taken = 0
    for number, command in enumerate(others):
        while taken < len(loads) and least[taken] <= number:
            result.append(loads[taken])
            taken += 1
        result.append(command)
    return result


def _overlap(load: Load, write: Write) -> bool:
    """Whether a LOAD may read what a WRITE writes, by the memory between the first and last byte of each part."""
    pieces = write.footprint[3]
    return any(begin < pieces[-1][1] and end > pieces[0][0] for begin, end in load.footprint[2])

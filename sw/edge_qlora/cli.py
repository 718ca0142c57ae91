"""The command line: ``edge-qlora plan | pack | generate | bench``."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from tokenizers.decoders import DecodeStream
from tqdm import tqdm

from . import bench, image_file, model_image
from .adapter import Adapter, read_adapter
from .array_model import Hardware
from .backends import BACKENDS, ROOT, configurations, limits_of, open_backend, setting, settings_of
from .bench import CLOCK_HZ, Case
from .checkpoint import PROJECTIONS, Checkpoint, open_checkpoint, smollm2_path
from .command_layout import ValueFormat, WeightFormat
from .commands import Limits
from .decoder_program import tokens_per_pass
from .driver import Accelerator
from .errors import EdgeQloraError, LogitsDifferError, OperandError
from .footprint import MemoryWindow
from .memory_plan import MemoryPlan
from .model_image import ModelImage
from .runtime import Decoder
from .synthetic import CONFIGS, SyntheticCheckpoint
from .tokenizer import load_tokenizer
from .uart_link import BAUD, UartBackend

CACHE = ROOT / "sim/build/images"
MEMORY_BASE = 0
NO_ADAPTER = "none"
ADAPTER_TYPES = {"fp16": np.float16, "fp32": np.float32}
WEIGHTS = {
    "nf4": WeightFormat.CODES,
    "nf3": WeightFormat.CODES3,
    "nf2": WeightFormat.CODES2,
    "int8": WeightFormat.INT8,
    "fp16": WeightFormat.FP16,
    "fp32": WeightFormat.FP32,
}
CACHES = {"fp16": ValueFormat.FP16, "bfp8": ValueFormat.BFP8}
PROJECTION_NAMES = {name.rpartition(".")[2]: name for name in PROJECTIONS}


def size_of(text: str) -> int:
    """Bytes from "512MiB", "1GiB" or a number."""
    units = {"KiB": 10, "MiB": 20, "GiB": 30}
    for unit, shift in units.items():
        if text.endswith(unit):
            return int(text.removesuffix(unit)) << shift
    return int(text, 0)


def weight_formats(text: str) -> dict[str, WeightFormat]:
    """Formats of the projections from "nf4", "down_proj=int8,q_proj=fp16" or "int8,down_proj=nf4".

    What comes first without a name is the format of those that are not named, otherwise NF4.

    Raises:
        argparse.ArgumentTypeError: a projection or a format that there is not, or a projection twice.
    """
    chosen: dict[str, WeightFormat] = {}
    others = WeightFormat.CODES
    for number, part in enumerate(text.split(",")):
        name, named, fmt = part.strip().rpartition("=")
        if fmt not in WEIGHTS:
            raise argparse.ArgumentTypeError(f"format {fmt!r}: there are {', '.join(WEIGHTS)}")
        if not named and number:
            raise argparse.ArgumentTypeError(f"{fmt!r} without a projection is possible in the first place only")
        if not named:
            others = WEIGHTS[fmt]
        elif name not in PROJECTION_NAMES:
            raise argparse.ArgumentTypeError(f"projection {name!r}: there are {', '.join(PROJECTION_NAMES)}")
        elif PROJECTION_NAMES[name] in chosen:
            raise argparse.ArgumentTypeError(f"{name} has two formats")
        else:
            chosen[PROJECTION_NAMES[name]] = WEIGHTS[fmt]
    return dict.fromkeys(PROJECTIONS, others) | chosen


def open_model(name: str) -> Checkpoint:
    """A checkpoint by path; "smollm2" is the one that comes as a package, and names of CONFIGS have seeded weights.

    Raises:
        OperandError: neither a path nor one of these names.
    """
    if name in CONFIGS:
        return SyntheticCheckpoint(CONFIGS[name])
    if name != "smollm2" and not Path(name).exists():
        raise OperandError(f"model {name}: no such file or directory, and not one of smollm2, {', '.join(CONFIGS)}")
    return open_checkpoint(smollm2_path() if name == "smollm2" else name)


def model_of(options: argparse.Namespace) -> tuple[Checkpoint, dict[str, Adapter]]:
    """The checkpoint, or its first layers, and the adapters that the user asks for."""
    checkpoint = open_model(options.model)
    if options.layers is not None:
        if not 1 <= options.layers <= checkpoint.config.layers:
            raise OperandError(f"{options.layers} layers of a model that has {checkpoint.config.layers}")
        checkpoint.config = replace(checkpoint.config, layers=options.layers)
    if options.rank is not None and options.adapter:
        raise OperandError("--rank makes an adapter and --adapter reads one; one of them is possible")
    if options.rank is not None:
        return checkpoint, {f"rank-{options.rank}": bench.random_adapter(checkpoint.config, options.rank)}
    return checkpoint, {name: read_adapter(path) for name, path in adapters_of(options).items()}


def adapters_of(options: argparse.Namespace) -> dict[str, str]:
    """Directories of the adapters by name: that of the directory, or X of "X=directory".

    Raises:
        OperandError: two have the same name, or the one to use is none of them.
    """
    pairs = [text.partition("=") if "=" in text else (Path(text).resolve().name, "", text) for text in options.adapter]
    names = [name for name, _, _ in pairs]
    if len(set(names)) < len(names) or NO_ADAPTER in names:
        raise OperandError(
            f"adapters {', '.join(names)}: each needs a name of its own, other than {NO_ADAPTER!r}; NAME=DIR does it"
        )
    known = [*names, *([f"rank-{options.rank}"] if options.rank else []), NO_ADAPTER]
    use = getattr(options, "use", None)
    if use is not None and use not in known:
        raise OperandError(f"--use {use}: there are {', '.join(known)}")
    return {name: path for name, _, path in pairs}


class Progress:
    """A bar per thing that takes long, on standard error; silent where that is no terminal."""

    def __init__(self) -> None:
        self.bar: tqdm | None = None
        self.shown: tuple[str, int] | None = None

    def __call__(self, what: str, done: int, total: int) -> None:
        if self.bar is None or self.shown != (what, total):
            self.close()
            self.shown = what, total
            self.bar = tqdm(desc=what, total=total, leave=False, unit_scale=True, delay=0.5, disable=None)
        self.bar.update(done - self.bar.n)
        if done >= total:
            self.close()

    def close(self) -> None:
        """End the bar that is shown."""
        if self.bar is not None:
            self.bar.close()
        self.bar = None


class Cycles:
    """A line of simulated cycles that is written over again, on a terminal."""

    def __call__(self, cycles: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{cycles:,} cycles \r", end="", file=sys.stderr, flush=True)


def plan_image(options: argparse.Namespace, checkpoint: Checkpoint, adapters: dict[str, Adapter], limits: Limits):
    """The image of a model and its contents, see ``model_image.build``."""
    config = checkpoint.config
    context = min(options.context, config.context)
    tokens = tokens_per_pass(config, options.tokens, context, limits, bool(adapters))
    plan = MemoryPlan(limits.window)
    formats = (
        ADAPTER_TYPES[options.adapter_format],
        options.weights,
        WEIGHTS[options.head],
        CACHES[options.cache],
    )
    return model_image.build(checkpoint, plan, limits, context, tokens, adapters, *formats)


def hardware_limits(options: argparse.Namespace) -> Limits:
    """What the chosen configuration takes, with the memory that the user gives it."""
    settings = settings_of(options.config, dict(options.set))
    return limits_of(settings, MemoryWindow(MEMORY_BASE, options.memory))


def packed(options: argparse.Namespace, progress: Progress) -> tuple[ModelImage, np.ndarray, Limits]:
    """The model's packed image, made when it is not in the cache yet."""
    limits = hardware_limits(options)
    checkpoint, adapters = model_of(options)
    image, contents = plan_image(options, checkpoint, adapters, limits)
    parts = [
        options.model,
        options.layers,
        options.rank,
        options.adapter,
        options.context,
        image.tokens,
        options.weights,
        options.head,
        options.cache,
        options.adapter_format,
        limits,
        image_file.FORMAT,
    ]
    for path in (checkpoint.path, *map(Path, adapters_of(options).values())):
        if path and path.exists():
            files = sorted(path.iterdir()) if path.is_dir() else [path]
            parts += [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    key = hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
    file = CACHE / f"{Path(options.model).name}-{key}.img"
    if not image_file.description_path(file).is_file():
        image_file.save(file, image, contents, limits, progress)
    return image_file.load(file)


async def open_decoder(options: argparse.Namespace, progress: Progress, name: str) -> Decoder:
    """The model in the memory of a backend."""
    image, memory, limits = packed(options, progress)
    if options.command == "bench":
        bench.fill_caches(image, memory, limits.window.base)
    changes = dict(options.set)
    backend = open_backend(
        name, options.config, memory, limits.window.base, Cycles(), changes, options.port, options.baud
    )
    if isinstance(backend, UartBackend):
        await backend.start()
        await backend.load(memory.tobytes(), limits.window.base)
    accelerator = Accelerator(backend)
    await accelerator.open(limits.window)
    # A decoder has no backward pass, so that a core without codes in T mode runs it too.
    if replace(accelerator.limits, backward=limits.backward) != limits:
        raise OperandError(f"--config {options.config} has {limits}, the accelerator has {accelerator.limits}")
    return Decoder(accelerator, image)


def run_plan(options: argparse.Namespace) -> None:
    """Print what memory a model needs."""
    limits = hardware_limits(options)
    checkpoint, adapters = model_of(options)
    image, _ = plan_image(options, checkpoint, adapters, limits)
    print(image.plan)
    print(f"{image.tokens} tokens per pass, context {image.context}, scratchpad {limits.scratch_words} words")


def run_pack(options: argparse.Namespace) -> None:
    """Write a packed model."""
    limits = hardware_limits(options)
    checkpoint, adapters = model_of(options)
    image, contents = plan_image(options, checkpoint, adapters, limits)
    image_file.save(options.output, image, contents, limits, Progress())
    print(f"{options.output}: {options.output.stat().st_size:,} bytes")


async def run_generate(options: argparse.Namespace) -> None:
    """Print the prompt and what the model says after it, as it comes."""
    progress = Progress()
    adapters_of(options)
    if options.model in CONFIGS:
        raise OperandError(f"{options.model} has weights from a seed and no tokenizer: it is for bench and plan")
    if options.count < 1:
        raise OperandError(f"{options.count} tokens to generate; at least 1")
    tokenizer = load_tokenizer(open_model(options.model))
    tokens = tokenizer.encode(options.prompt).ids
    if not tokens:
        raise OperandError("the prompt is empty")
    decoder = await open_decoder(options, progress, options.backend)
    golden = await open_decoder(options, progress, "golden") if options.check else None
    if options.use is not None:
        for one in (decoder, golden) if golden else (decoder,):
            one.use(None if options.use == NO_ADAPTER else options.use)
    expected = golden and golden.generate(np.array(tokens), options.count)
    print(options.prompt, end="", flush=True)
    found: list[int] = []
    text, began, cycles = DecodeStream(ids=tokens, skip_special_tokens=True), time.monotonic(), []
    await decoder.accelerator.clear_counters()
    async for token, logits in decoder.generate(np.array(tokens), options.count, progress=progress):
        progress.close()
        if expected:
            check(logits, (await anext(expected))[1], len(found))
        found.append(token)
        print(text.step(tokenizer, token) or "", end="", flush=True)  # nothing while a character is not complete
        cycles.append((await decoder.accelerator.counters())["CYCLES_BUSY"])
        await decoder.accelerator.clear_counters()
    print()
    report(options, tokens, found, cycles, time.monotonic() - began)
    if expected:
        print(f"all {len(logits):,} logits of each token equal the golden model's bit for bit", file=sys.stderr)


def check(logits: np.ndarray, expected: np.ndarray, number: int) -> None:
    """Hold logits against the golden model's, bit for bit.

    Raises:
        LogitsDifferError: they differ.
    """
    differ = np.flatnonzero(logits.view(np.uint32) != expected.view(np.uint32))
    if differ.size:
        first = differ[0]
        raise LogitsDifferError(
            f"{differ.size:,} of {logits.size:,} logits of token {number} differ from the golden model's, "
            f"the first at {first}: {logits[first]!r}, expected {expected[first]!r}"
        )


async def run_bench(options: argparse.Namespace) -> None:
    """Measure decoding and prefill on simulated hardware, from its counters, or predict that."""
    progress = Progress()
    cases = [Case(1, context) for context in options.decode] + [Case(tokens, tokens) for tokens in options.prefill]
    if not cases or min(case.context for case in cases) < 1:
        raise OperandError("nothing to measure: --decode takes contexts and --prefill numbers of tokens, from 1 on")
    options.context = max(case.context for case in cases)
    longest = open_model(options.model).config.context
    if options.context > longest:
        raise OperandError(f"a context of {options.context} tokens is over the model's {longest}")
    hardware, logits, found = Hardware.of(settings_of(options.config, dict(options.set))), options.layers is None, []
    if options.predict:
        limits = hardware_limits(options)
        image, _ = plan_image(options, *model_of(options), limits)
    else:
        decoder = await open_decoder(options, progress, options.backend)
        image = decoder.image
    for case in cases:
        if options.predict:
            found.append(bench.predict(image, limits, case, hardware, logits, progress))
        else:
            print(f"{case.name} ...", file=sys.stderr)
            found.append(await bench.measure(decoder, case, hardware.bus_width, logits, progress))
        progress.close()
    changes = "".join(f", {name}={value}" for name, value in options.set)
    parts = f"first {options.layers} layers, no head" if options.layers else "whole"
    adapter = f", adapter of rank {options.rank}" if options.rank else ", adapter" if options.adapter else ""
    print(f"{options.model} ({parts}{adapter}) on {options.config}{changes}; {image.tokens} tokens per pass\n")
    print(*bench.table(found), sep="\n")
    if options.json:
        options.json.write_text(json.dumps([one.record() for one in found], indent=1) + "\n")


def report(options: argparse.Namespace, tokens: list[int], found: list[int], cycles: list[int], seconds: float) -> None:
    """What it took, on standard error."""
    line = f"{options.backend}, {options.config}: {len(tokens)} tokens in, {len(found)} out, {seconds:.1f} s"
    if any(cycles):
        later = cycles[1:] or cycles
        line += f"; {cycles[0]:,} cycles to the first token, {sum(later) / len(later):,.0f} per token after it"
        line += f" ({1e3 * sum(later) / len(later) / CLOCK_HZ:.1f} ms at {CLOCK_HZ / 1e6:.0f} MHz)"
    print(line, file=sys.stderr)


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    top = argparse.ArgumentParser(prog="edge-qlora", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    for name, run in (
        ("plan", run_plan),
        ("pack", run_pack),
        ("generate", run_generate),
        ("bench", run_bench),
    ):
        one = commands.add_parser(name, help=(run.__doc__ or "").split("\n")[0])
        one.set_defaults(run=run)
        one.add_argument("model", nargs="?", default="smollm2", help="directory, GGUF file, smollm2, or tinyllama-1.1b")
        one.add_argument("--adapter", action="append", default=[], metavar="[NAME=]DIR", help="PEFT adapter; several")
        one.add_argument("--adapter-format", choices=ADAPTER_TYPES, default="fp16")
        one.add_argument(
            "--weights",
            type=weight_formats,
            default="nf4",
            metavar="FORMAT[,PROJECTION=FORMAT...]",
            help=f"how the projections are stored: {', '.join(WEIGHTS)}; one by itself as in int8,down_proj=nf4",
        )
        one.add_argument("--head", choices=WEIGHTS, default="nf4", help="how the output head is stored")
        one.add_argument("--cache", choices=CACHES, default="fp16", help="how keys and values are stored")
        if name != "bench":
            one.add_argument("--context", type=int, default=512, help="tokens that the caches hold")
        one.add_argument("--tokens", type=int, default=16, help="most tokens per pass")
        one.add_argument("--config", choices=configurations(), default="genesys2", help="hardware configuration")
        one.add_argument(
            "--set", type=setting, action="append", default=[], metavar="NAME=VALUE", help="replace one of its settings"
        )
        one.add_argument("--layers", type=int, help="use the first layers of the model only")
        one.add_argument("--rank", type=int, help="use an adapter of this rank on all projections, values from a seed")
        one.add_argument("--memory", type=size_of, default=1 << 30, help="size of the accelerator's memory, as 512MiB")
        if name == "pack":
            one.add_argument("--output", type=Path, required=True)
        if name in ("generate", "bench"):
            one.add_argument("--port", help="serial port of the board, for --backend uart")
            one.add_argument("--baud", type=int, default=BAUD, help="bits per second of that port")
        if name == "generate":
            one.add_argument("--prompt", required=True)
            one.add_argument("--count", "-n", type=int, default=16, help="tokens to generate")
            one.add_argument("--backend", choices=BACKENDS, default="golden")
            one.add_argument("--use", metavar="NAME", help=f"adapter of this request, the first one, or {NO_ADAPTER!r}")
            one.add_argument("--check", action="store_true", help="hold every logit against the golden model's")
        if name == "bench":
            one.add_argument("--decode", type=int, nargs="+", default=[], metavar="N", help="a token at context N")
            one.add_argument("--prefill", type=int, nargs="+", default=[], metavar="N", help="a prompt of N tokens")
            one.add_argument("--json", type=Path, help="write the counters to this file too")
            one.add_argument("--backend", choices=BACKENDS, default="rtl")
            one.add_argument("--predict", action="store_true", help="by the cycle model, without a simulator")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; errors made on purpose end with their message and status 1, Ctrl-C with 130."""
    options = parser().parse_args(arguments)
    try:
        result = options.run(options)
        if asyncio.iscoroutine(result):
            asyncio.run(result)
    except (EdgeQloraError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

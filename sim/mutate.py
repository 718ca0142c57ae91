"""Mutation testing: how many small faults in an IP its benches find: ``make mutate [TOP="ip ..."] [N=200] [SEED=1]``.

yosys makes netlists with faults, of which a simulation selects one; a fault is killed by the first test that fails.
Files are in sim/build/mutate: ``mutate.json`` is of all IPs. What was judged with the same sources is not repeated.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import cache
from hashlib import sha256
from pathlib import Path

from sim.bench import ROOT, Bench, Config, Netlist, read_filelist, tests
from sim.mutants import Mutants, Mutation, equivalent, mutants
from sim.run import (
    BUILD,
    CPU_LIMIT,
    VERILATOR_ARGS,
    build,
    complete_lines,
    environment,
    integer,
    meanwhile,
    random_registers,
    simulation_environment,
)
from sim.tools import commit, fingerprint_of, quick_build, require_simulator, toolchain, verilator_environment, write
from tb.registers.bench import bridge_parameters
from tb.systolic.bench import array_parameters
from tb.systolic.bench import parameters as matrix_parameters

FOLDER = BUILD / "mutate"
EXPLANATIONS = ROOT / "sim/mutants.toml"
CONFIG = "tiny"
TARGET = 0.95  # share of mutants to be killed, of those that are not equivalent
SPARE, LEAST = 4, 3  # a mutant's test may take so many times what it takes without a mutation, and so many seconds more


@dataclass(frozen=True)
class Ip:
    """What is mutated, and by which benches it is tested.

    Attributes:
        name: of the IP.
        benches: names; a mutant that the first lets live goes to the next.
        module: what is mutated; without it the top of the first bench.
        filelist: its ``.f`` list.
        parameters: of the module, as all benches have it, from a configuration; of a top, those that its bench leaves.
        cells: only instances with names like this, where the module is more than the IP.
        files: names of sources, as patterns without ending, which are mutated here, and in no IP that has them too.
        packages: functions of packages are mutated here; without, its parts' rows have all of them.
    """

    name: str
    benches: tuple[str, ...]
    module: str = ""
    filelist: str = ""
    parameters: Callable[[Config], Mapping[str, int]] = lambda config: {}
    cells: str = ""
    files: str = ""
    packages: bool = True

    def sources(self) -> list[Path]:
        """All sources of what is mutated."""
        return read_filelist(self.filelist or all_benches()[self.benches[0]].filelist)

    def tested_by(self) -> list[Path]:
        """Sources, and folders of its benches."""
        modules = [all_benches()[name].module for name in self.benches]
        folders = [ROOT / Path(*module.split(".")[:-1]) for module in modules]
        return [*self.sources(), *folders, ROOT / "tb/common", ROOT / "tb/models"]

    def owns(self, source: Path) -> bool:
        """Whether a source is mutated in this IP alone: its own and ``files``."""
        return any(fnmatch(source.stem, pattern) for pattern in (self.name, *self.files.split()))

    def selection(self) -> str:
        """Cells to mutate, as yosys selects them: of the named instances; none of an IP that is inside."""
        kept = {source for source in self.sources() if self.owns(source) or source.stem.endswith("_pkg")}
        sources = set(self.sources()) - kept
        others = [(other, set(other.sources())) for other in IPS if other != self]
        foreign = {
            source
            for other, inside in others
            for source in sources & inside
            if other.owns(source) or inside < set(self.sources())
        }
        if not self.packages:
            foreign |= {source for source in kept if not self.owns(source)}
        if not self.cells and not foreign:
            return ""
        chosen = f"c:*{self.cells}*" if self.cells else "c:*"
        # Of cells without a place nobody knows whose they are.
        return " ".join([f"{chosen} a:src=* %i", *(f"a:src=*/{one.name}:* %d" for one in sorted(foreign))])


def ip(
    name: str,
    *benches: str,
    module: str = "",
    filelist: str = "",
    cells: str = "",
    files: str = "",
    **parameters: int,
) -> Ip:
    """An IP with constant parameters."""
    return Ip(name, benches, module, filelist, lambda config: parameters, cells, files)


@cache
def all_benches() -> dict[str, Bench]:
    """All benches, by name."""
    return {bench.name: bench for test in tests().values() for bench in test.benches}


def fp32(module: str, **parameters: int) -> Ip:
    """One of the FP32 units."""
    return ip(module, "fp32", module=module, filelist="rtl/common/fp32.f", **parameters)


def engine(module: str, **parameters: int) -> Ip:
    """One of the engines between memory and scratchpad, on a bus on which words have to wait."""
    return ip(
        module, "transfers_512", module=module, filelist=f"rtl/core/{module}.f", ADDR_W=40, BUS_W=512, **parameters
    )


def bridge(config: Config) -> dict[str, int]:
    """Parameters of vega_bridge in its probe for a host of 32 bits."""
    return {"ADDR_W": 64, "ID_W": 12, **bridge_parameters(config, 32)}


IPS = (
    fp32("fp32_mul"),
    fp32("fp32_add"),
    fp32("int_to_fp32", WIDTH=48),
    fp32("fp16_to_fp32"),
    fp32("bf16_to_fp32"),
    fp32("fp32_to_fp16"),
    fp32("fp32_to_bf16"),
    ip("streams", "streams", files="stream_* beat_fifo"),
    ip("round_robin", "round_robin"),
    ip("async_fifo", "async_fifo", files="sync_*"),
    ip("axi_crossing", "axi_crossing", files="async_fifo sync_*"),
    ip("host_bridge", "host_bridge", files="host_memory"),
    ip("word_master", "word_master"),
    ip("tile_transposer", "transpose_floats"),
    ip("nf4_dequantizer", "nf4_dequant_8", files="nf4_product"),
    ip("nf4_quantizer", "nf4_quant", files="nf4_quant_lane nf4_block_absmax threshold_search *reciprocal*"),
    ip("double_quantizer", "double_quant", files="dynamic_quant_lane centred_absmax"),
    ip("double_dequantizer", "double_dequant", files="double_dequantizer_stream"),
    ip("exact_mean", "exact_mean_20"),
    ip(
        "function_unit",
        "function_unit",
        module="function_unit",
        filelist="rtl/vector/function_unit.f",
        files="function_rom",
    ),
    ip("vector_engine", "vector_engine_8", files="row_counter row_address"),
    ip("scratchpad", "scratchpad", files="scratchpad_*"),
    Ip("systolic_array", ("systolic",), "systolic_array", "sim/tops/systolic_array.f", array_parameters),
    Ip("matrix_engine", ("systolic",), "matrix_engine", "rtl/core/matrix_engine.f", matrix_parameters),
    ip("axi_read_master", "axi_master", cells="u_read", files="axi_read_* axi_region_bursts axi_window axi_clients"),
    ip("axi_write_master", "axi_master", cells="u_write", files="axi_write_* axi_region_bursts axi_window axi_clients"),
    ip("axi_slave", "axi_slave_128", files="axi_slave_* axi_burst_*"),
    Ip("registers", ("registers_32",), "vega_bridge", "rtl/vega_bridge/vega_bridge.f", bridge),
    ip("lists", "lists", files="command_fetch command_queue list_* semaphores"),
    engine("load_engine", FIFO_BEATS=64),
    engine("read_engine", FIFO_BEATS=20, SCRATCH_W=9),
    engine("write_engine", SCRATCH_W=9),
    ip("uart_axi", "uart_axi_wide", REGISTERS_BASE=1 << 30),  # which the tests read; bits of 8 5/16 clocks
    ip("axi_ram", "axi_ram"),
    ip("event_counters", "event_counters"),
    replace(ip("edge_qlora", "commands", "lora_linear"), packages=False),
    ip("axi_join", "axi_join"),
    ip("vector_share", "vector_share"),
)


@dataclass(frozen=True)
class Job:
    """An IP with its mutants, in one bench."""

    ip: Ip
    bench: Bench
    made: Mutants
    seed: int

    @property
    def folder(self) -> Path:
        """Verdicts and logs."""
        return FOLDER / self.ip.name / self.bench.name

    def key(self) -> str:
        """Digest of what the verdicts depend on besides Python code, of which the simulation itself says what it is."""
        sources = [*read_filelist(self.bench.filelist), self.made.netlist, ROOT / "sim/configs.toml"]
        settings = (VERILATOR_ARGS, SPARE, LEAST, toolchain("verilator"))
        return fingerprint_of(sources, dict(self.bench.parameters(self.bench.config(CONFIG))), self.seed, settings)

    def stored(self) -> dict[int, dict]:
        """Verdicts of an earlier run with the same sources."""
        with suppress(OSError, ValueError):
            plan, loaded = (json.loads((self.folder / name).read_text()) for name in ("plan.json", "loaded.json"))
            same = plan["key"] == self.key() and all(digest(ROOT / name) == was for name, was in loaded.items())
            lines = (self.folder / "verdicts.jsonl").read_text().splitlines()
            verdicts = [found for found in map(json.loads, lines) if found["mutant"] and found["verdict"] != "lost"]
            return {found["mutant"]: found for found in verdicts} if same else {}
        return {}


def run_job(job: Job, numbers: Sequence[int], jobs: int) -> dict[int, dict]:
    """Judge mutants, those of an earlier run with the same sources excepted.

    Raises:
        SystemExit: the design without a mutation does not build, or not pass.
    """
    known = job.stored()
    left = [number for number in numbers if number not in known]
    if not left:
        return known
    if not known:
        shutil.rmtree(job.folder, ignore_errors=True)
    job.folder.mkdir(parents=True, exist_ok=True)
    verdicts, log = job.folder / "verdicts.jsonl", job.folder / "run.log"
    before = len(verdicts.read_text().splitlines()) if known else 0
    plan = {
        "key": job.key(),
        "mutants": left,
        "jobs": jobs,
        "golden_limit": CPU_LIMIT,
        "spare": SPARE,
        "least": LEAST,
        "folder": str(job.folder),
        "verdicts": str(verdicts),
        "loaded": str(job.folder / "loaded.json"),
    }
    write(job.folder / "plan.json", json.dumps(plan))
    with environment(**verilator_environment() | {"MAKEFLAGS": quick_build()}):
        runner, folder = build(job.bench, "verilator", CONFIG, waves=False, gates=job.made.netlist)
        with _follow(verdicts, before, len(left)), suppress(RuntimeError):
            runner.test(
                test_module=job.bench.module,
                hdl_toplevel=job.bench.top,
                seed=job.seed,
                build_dir=folder,
                test_dir=job.folder,
                results_xml=str(job.folder / "results.xml"),
                test_args=random_registers(job.seed),
                timescale=("1ns", "1ps"),
                log_file=log,
                extra_env={
                    **simulation_environment(job.bench, "verilator", CONFIG),
                    "EDGE_QLORA_MUTANTS": str(job.folder / "plan.json"),
                    "PYGPI_USERS": "cocotb.logging:_configure,cocotb._init:init_package_from_simulation,"
                    "sim.mutant_server:main",
                    # Threads do not survive a fork.
                    "OMP_NUM_THREADS": "1",
                    "OPENBLAS_NUM_THREADS": "1",
                    "MKL_NUM_THREADS": "1",
                },
            )
    said = [json.loads(line) for line in verdicts.read_text().splitlines()][before:] if verdicts.is_file() else []
    if not said or said[0]["mutant"] or said[0]["verdict"] != "survived":
        why = f"{said[0]['test']}: {said[0]['reason']}" if said else log.read_text()[-3000:]
        raise SystemExit(f"error: {job.bench.name} fails on the netlist of {job.ip.name} without a mutation: {why}")
    known |= {found["mutant"]: found for found in said if found["mutant"]}
    if missing := [number for number in numbers if number not in known]:
        raise SystemExit(f"error: the simulation ended before {len(missing)} mutants of {job.ip.name}; its log: {log}")
    if lost := [number for number in numbers if known[number]["verdict"] == "lost"]:
        where = job.folder / f"mutant-{lost[0]}/run.log"
        raise SystemExit(f"error: processes of {len(lost)} mutants of {job.ip.name} came to an end; a log: {where}")
    return known


def digest(path: Path) -> str:
    """Of a file; empty of none."""
    return sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _follow(verdicts: Path, before: int, count: int):
    """Print now and then how many mutants are judged, while the simulation adds to the file of verdicts."""
    shown, began = 0, time.monotonic()

    def look(done: bool) -> None:
        nonlocal shown
        lines = complete_lines(verdicts, 0).splitlines()[before:]
        found = Counter(said["verdict"] for said in map(json.loads, lines) if said["mutant"])
        if (judged := found.total()) >= shown + (1 if done else max(1, count // 10)):
            shown = judged
            numbers = ", ".join(f"{found[verdict]} {verdict}" for verdict in ("killed", "hung", "survived"))
            print(f"    [{judged}/{count}] {numbers}, {time.monotonic() - began:.0f} s", flush=True)

    return meanwhile(5, look)


def job_of(chosen: Ip, bench_name: str, count: int, seed: int) -> Job:
    """An IP's mutants, made if need be, in one of its benches."""
    bench, first = all_benches()[bench_name], all_benches()[chosen.benches[0]]
    module, filelist, config = chosen.module, chosen.filelist, first.config(CONFIG)
    parameters = dict(chosen.parameters(config))
    if not module:
        module, filelist, parameters = first.top, first.filelist, {**first.parameters(config), **parameters}
    made = mutants(module, filelist, parameters, count, seed, chosen.selection())
    return Job(chosen, replace(bench, netlist=Netlist(module, filelist)), made, seed)


def judge(chosen: Ip, count: int, seed: int, jobs: int) -> dict:
    """What came of an IP's mutants: its entry in mutate.json."""
    verdicts: dict[int, dict] = {}
    for name in chosen.benches:
        job = job_of(chosen, name, count, seed)
        print(f"  {name}: {len(job.made.mutations)} mutants of {job.bench.netlist.module}", flush=True)
        killed = [number for number, found in verdicts.items() if found["verdict"] != "survived"]
        left = [mutation.number for mutation in job.made.mutations if mutation.number not in killed]
        found = run_job(job, left, jobs)
        seconds = {number: verdicts[number]["seconds"] if verdicts else 0.0 for number in left}
        verdicts |= {n: {**found[n], "seconds": found[n]["seconds"] + seconds[n]} for n in left}
    return record(chosen, job, verdicts, jobs)


def prove(job: Job, alive: Sequence[Mutation], jobs: int) -> list[Mutation]:
    """Those of the mutants that are proved to change nothing, by ``jobs`` processes at a time; proofs are kept."""
    kept = job.made.netlist.with_name(f"equivalent-{digest(ROOT / 'sim/mutants.py')[:8]}.json")
    proved = json.loads(kept.read_text()) if kept.is_file() else {}
    missing = [mutation for mutation in alive if str(mutation.number) not in proved]

    def attempt(mutation: Mutation) -> bool | None:
        with suppress(subprocess.TimeoutExpired):  # another time there may be more of it
            return equivalent(job.made.design, mutation)
        return None

    with ThreadPoolExecutor(jobs) as pool:
        for mutation, same in zip(missing, pool.map(attempt, missing), strict=True):
            if same is not None:
                proved[str(mutation.number)] = same
                write(kept, json.dumps(proved))
    return [mutation for mutation in alive if proved.get(str(mutation.number))]


def record(chosen: Ip, job: Job, verdicts: Mapping[int, dict], jobs: int = 1) -> dict:
    """An IP's entry in mutate.json."""
    reasons = explanations(chosen.name)
    known = {mutation.number: mutation for mutation in job.made.mutations}
    alive = [known[number] for number, found in sorted(verdicts.items()) if found["verdict"] == "survived"]
    same = prove(job, alive, jobs)
    numbers = Counter(found["verdict"] for found in verdicts.values())
    killed_by = Counter(found["test"] or "the simulator" for found in verdicts.values() if found["verdict"] == "killed")
    counted = len(verdicts) - len(same)
    return {
        "ip": chosen.name,
        "top": job.bench.netlist.module,
        "bench": " ".join(chosen.benches),
        "mutants": len(verdicts),
        "killed": numbers["killed"],
        "hung": numbers["hung"],
        "equivalent": len(same),
        "survived": numbers["survived"] - len(same),
        "share": round((numbers["killed"] + numbers["hung"]) / counted, 4) if counted else 1.0,
        "seconds": round(sum(found["seconds"] for found in verdicts.values()), 1),
        "seed": job.seed,
        "commit": commit(),
        "killed_by": dict(killed_by.most_common()),
        "survivors": [
            {
                "mutant": mutation.number,
                "mutation": mutation.text,
                "source": mutation.source,
                "explanation": reasons[mutation.text].pop(0) if reasons[mutation.text] else "",
            }
            for mutation in alive
            if mutation not in same
        ],
    }


def explanations(name: str) -> dict[str, list[str]]:
    """Why mutants of an IP live, by their text: a reason for each, as those of several cells may have the same text."""
    found: dict[str, list[str]] = defaultdict(list)
    for group in tomllib.loads(EXPLANATIONS.read_text()).get(name, []):
        for text in group["mutations"]:
            found[text].append(group["reason"])
    return found


def save(records: Mapping[str, dict]) -> None:
    """Write mutate.json."""
    write(FOLDER / "mutate.json", json.dumps([records[one.name] for one in IPS if one.name in records], indent=1))


def table(records: Sequence[dict]) -> str:
    """What came of all IPs, as text."""
    lines = [
        "| IP | bench | mutants | killed | hung | equivalent | survived | killed of the others | CPU s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for found in records:
        keys = ("ip", "bench", "mutants", "killed", "hung", "equivalent", "survived")
        numbers = " | ".join(str(found[key]) for key in keys)
        lines.append(f"| {numbers} | {100 * found['share']:.1f} % | {found['seconds']:.0f} |")
    return "\n".join(lines)


def repeat(chosen: Ip, number: int, count: int, seed: int) -> None:
    """Judge one mutant again and print what its tests said."""
    for name in chosen.benches:
        job = job_of(chosen, name, count, seed)
        mutation = next((m for m in job.made.mutations if m.number == number), None)
        if mutation is None:
            raise SystemExit(f"error: MUTANT={number}; {chosen.name} has 1 to {len(job.made.mutations)}")
        job = replace(job, ip=replace(chosen, name=f"{chosen.name}-{number}"))
        shutil.rmtree(job.folder, ignore_errors=True)
        found = run_job(job, [number], 1)[number]
        log = job.folder / f"mutant-{number}/run.log"
        print(log.read_text(errors="replace"))
        print(f"mutant {number} of {chosen.name}: {mutation.text}")
        print(f"{name}: {found['verdict']}: {found['test']} {found['reason']}\nlog: {log}")
        if found["verdict"] != "survived":
            break


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--top", default="", help="only these IPs")
    parser.add_argument("--n", default="200", help="mutants per IP")
    parser.add_argument("--seed", default="1", help="chooses mutants and what the tests send")
    parser.add_argument("--jobs", default="2", help="mutants at the same time")
    parser.add_argument("--mutant", default="", help="run only this mutant of one IP, and show its log")
    arguments = parser.parse_args()
    count, seed = integer("N", arguments.n, 1), integer("SEED", arguments.seed, 0)
    jobs, names = integer("JOBS", arguments.jobs, 1), arguments.top.split()
    available = {found.name: found for found in IPS}
    if unknown := [name for name in names if name not in available]:
        raise SystemExit(f"error: TOP={unknown[0]}; choose from {', '.join(available)}")
    require_simulator("verilator")
    if arguments.mutant:
        if len(names) != 1:
            raise SystemExit("error: MUTANT is of one IP; name it with TOP")
        repeat(available[names[0]], integer("MUTANT", arguments.mutant, 1), count, seed)
        return
    chosen, path = [available[name] for name in names or available], FOLDER / "mutate.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    records: dict[str, dict] = {}
    with suppress(OSError, ValueError):
        records = {found["ip"]: found for found in json.loads(path.read_text())}
    failed = []
    for number, one in enumerate(chosen, 1):
        print(f"[{number}/{len(chosen)}] {one.name}: N={count} SEED={seed}", flush=True)
        try:
            found = judge(one, count, seed, jobs)
        except SystemExit as error:
            print(error, file=sys.stderr, flush=True)
            failed.append(one.name)
            if records.pop(one.name, None):
                save(records)
            continue
        records[one.name] = found
        save(records)
        print(f"  {100 * found['share']:.1f} % killed; {found['survived']} survived, {found['equivalent']} equivalent")
        for alive in found["survivors"]:
            print(f"  survived: {alive['mutation']}\n    {alive['explanation'] or 'not explained'}")
            print(f"    make mutate TOP={one.name} MUTANT={alive['mutant']} N={count} SEED={seed}", flush=True)
    shown = [records[one.name] for one in chosen if one.name in records and one.name not in failed]
    print(table(shown))
    low = [found["ip"] for found in shown if found["share"] < TARGET]
    dark = [found["ip"] for found in shown if not all(alive["explanation"] for alive in found["survivors"])]
    for what, found in (
        (f"below {100 * TARGET:.0f} %", low),
        ("with survivors that sim/mutants.toml does not explain", dark),
        ("not judged", failed),
    ):
        if found:
            print(f"{what}: {', '.join(found)}")
    for found in shown:
        said = Counter({text: len(reasons) for text, reasons in explanations(found["ip"]).items()})
        said -= Counter(alive["mutation"] for alive in found["survivors"])
        for text in said if (count, seed) == (200, 1) else ():
            print(f"explained in sim/mutants.toml, but does not survive in {found['ip']}: {text}")
    sys.exit(bool(low or dark or failed))


if __name__ == "__main__":
    main()

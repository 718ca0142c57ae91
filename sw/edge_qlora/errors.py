"""Named errors of the package.

Two families: `CheckpointError` for anything wrong with a file (its message always names the file and, where one is
concerned, the tensor), and `JobError` for anything wrong with a list of commands, one class per error code of the
hardware, so that software and hardware reject the same list under the same name. `OperandError` and `NotLoadedError`
are for wrong use.
"""

from os import PathLike

import numpy as np

from .registers import ErrorCode


class EdgeQloraError(Exception):
    """Base of every error raised on purpose by this package."""


class CheckpointError(EdgeQloraError):
    """Something is wrong with a model or adapter file; `file` and `tensor` (or None) say where, `reason` what."""

    def __init__(self, file: str | PathLike, reason: str, tensor: str | None = None):
        self.file = str(file)
        self.tensor = tensor
        self.reason = reason
        where = self.file if tensor is None else f"{self.file}: tensor {tensor}"
        super().__init__(f"{where}: {reason}")


class FileMissingError(CheckpointError):
    """A file that the checkpoint needs does not exist or is not a regular file."""


class TruncatedFileError(CheckpointError):
    """The file ends before the data that its own header promises."""


class MalformedFileError(CheckpointError):
    """The file contradicts its format: bad magic, impossible sizes, invalid JSON, missing keys."""


class UnsupportedArchitectureError(CheckpointError):
    """The model is not of the Llama family, or computes something that this package does not."""


class UnsupportedQuantizationError(CheckpointError):
    """The weights are stored in a quantization that the accelerator cannot use."""


class MissingTensorError(CheckpointError):
    """A named tensor is not in the checkpoint."""


class WeightShapeError(CheckpointError):
    """A weight's shape does not fit the model, or is not made of whole blocks of 64."""


class NonFiniteWeightError(CheckpointError):
    """A weight holds NaN or infinity, which would poison its whole block."""


class AdapterConfigError(CheckpointError):
    """An adapter uses a LoRA variant that the accelerator does not compute."""


class AdapterShapeError(CheckpointError):
    """An adapter matrix does not fit its rank or the layer it is attached to."""


class OperandError(EdgeQloraError, ValueError):
    """An array handed to the package has the wrong type or shape, or holds values that cannot be used."""


class ModelLimitError(EdgeQloraError):
    """The accelerator, as it is configured, cannot run this model, or not with these options."""


class MemoryFullError(EdgeQloraError):
    """What is to be stored does not fit the accelerator's memory."""


class NotLoadedError(EdgeQloraError):
    """A layer was run before its weight or its adapter was written to memory."""


class LogitsDifferError(EdgeQloraError):
    """A backend's logits are not those of the golden model."""


class JobError(EdgeQloraError):
    """A list of commands was rejected or failed.

    `code` is the hardware's error code, `command` the address of the command that it belongs to, `info` the information
    that comes with it; None where software found the error and knows of none.
    """

    code: int = ErrorCode.NONE
    command: int | None = None
    info: int | None = None


class CommandError(JobError):
    """A command has an unknown opcode, a wrong magic number or a reserved bit that is set."""

    code = ErrorCode.COMMAND


class FieldError(JobError):
    """A field of a command has a value that its engine cannot take, or that the field cannot hold."""

    code = ErrorCode.FIELD


class RangeError(JobError):
    """An access is outside of the memory window, or a window outside of memory; `info` is the access's address."""

    code = ErrorCode.RANGE


class StreamError(JobError):
    """A LOAD command and its MATRIX command differ in length."""

    code = ErrorCode.STREAM


class SemaphoreError(JobError):
    """A semaphore passed its largest count."""

    code = ErrorCode.SEMAPHORE


class DeadlockError(JobError):
    """The list's semaphores leave no command that can go on."""

    code = ErrorCode.DEADLOCK


class AlignmentError(JobError):
    """The list's address is not a multiple of 64 bytes."""

    code = ErrorCode.ALIGNMENT


class AxiReadError(JobError):
    """Memory answered a read with an error response."""

    code = ErrorCode.AXI_READ


class AxiWriteError(JobError):
    """Memory answered a write with an error response."""

    code = ErrorCode.AXI_WRITE


class NonFiniteError(JobError):
    """A list met a NaN or an infinity; software that sees one coming does not start it.

    A list that was started ran to its end: `results` has its outputs by name, as they lie in memory.
    """

    code = ErrorCode.NONFINITE

    def __init__(self, message: str):
        super().__init__(message)
        self.results: dict[str, np.ndarray] = {}


class BusyError(JobError):
    """A list was started while another was running."""

    code = ErrorCode.BUSY


JOB_ERRORS: dict[int, type[JobError]] = {cls.code: cls for cls in JobError.__subclasses__()}


def job_error(code: int, message: str, command: int, info: int) -> JobError:
    """The exception for the hardware error code `code`; a code that no class names gives a plain `JobError`."""
    known = code in JOB_ERRORS
    text = f"{message} at command {command:#x}, information {info:#x} (error code {code}: {_name(code)})"
    error = (JOB_ERRORS[code] if known else JobError)(text)
    error.code = ErrorCode(code) if known else code
    error.command, error.info = command, info
    return error


def _name(code: int) -> str:
    return ErrorCode(code).name if code in set(ErrorCode) else "not in the register map"

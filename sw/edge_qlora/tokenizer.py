"""A model's own tokenizer, from its checkpoint."""

from __future__ import annotations

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from .checkpoint import Checkpoint, GgufCheckpoint
from .errors import FileMissingError, MalformedFileError, UnsupportedArchitectureError

# What GGUF calls a way to split text before byte-level BPE, and whether digits are tokens of their own.
_SPLITS_DIGITS = {"smollm": True, "gpt-2": False}


def load_tokenizer(checkpoint: Checkpoint) -> Tokenizer:
    """The tokenizer of a checkpoint: tokenizer.json of a directory, or the byte-level BPE in a GGUF file.

    Raises:
        FileMissingError: the directory has no tokenizer.json.
        MalformedFileError: what is there is no tokenizer.
        UnsupportedArchitectureError: a GGUF file with another kind of tokenizer.
    """
    if isinstance(checkpoint, GgufCheckpoint):
        return _from_gguf(checkpoint)
    path = checkpoint.path / "tokenizer.json"
    if not path.is_file():
        raise FileMissingError(path, "no such file; the prompt cannot be turned into tokens")
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises plain Exception
        raise MalformedFileError(path, f"not a tokenizer: {error}") from error


def _from_gguf(checkpoint: GgufCheckpoint) -> Tokenizer:
    kind, split = checkpoint.tokenizer_kind()
    if kind != "gpt2" or split not in _SPLITS_DIGITS:
        reason = f"tokenizer {kind!r} with pre-tokenizer {split!r}; a directory with tokenizer.json works"
        raise UnsupportedArchitectureError(checkpoint.path, reason)
    tokens, merges = checkpoint.tokenizer_tables()
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[tuple(merge.split(" ")) for merge in merges]))
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    digits = [pre_tokenizers.Digits(individual_digits=True)] if _SPLITS_DIGITS[split] else []
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*digits, byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer

"""What modelarts_emulator.testing draws and breaks, under one name."""

from modelarts_emulator.testing.drawing import (
    as_schema,
    as_text,
    parameter_schema,
    requests,
    samples,
    samples_of,
    sendable,
    values,
)
from modelarts_emulator.testing.fitting import ODD_CHARACTERS, ODD_STRINGS, fitting
from modelarts_emulator.testing.mutations import Mutation, mutations

__all__ = [
    "ODD_CHARACTERS",
    "ODD_STRINGS",
    "Mutation",
    "as_schema",
    "as_text",
    "fitting",
    "mutations",
    "parameter_schema",
    "requests",
    "samples",
    "samples_of",
    "sendable",
    "values",
]

"""The defaults of the command are those of the library."""

import inspect

from scenehash_export.cli import export_command
from scenehash_export.options import ExportOptions, Limits


def test_the_defaults_of_the_command_are_those_of_the_library() -> None:
    given = {
        name: parameter.default
        for name, parameter in inspect.signature(export_command).parameters.items()
    }
    limits = Limits(given["max_bit_flips"], given["max_map_drop"])
    names = ("precision", "calibration_images", "group_pixels", "licence")
    assert ExportOptions(**{name: given[name] for name in names}, limits=limits) == ExportOptions()

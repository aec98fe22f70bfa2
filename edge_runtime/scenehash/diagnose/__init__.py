"""Checks of this machine, and its speed.

doctor.py     all checks
checks.py     the checks of the machine; engine_checks.py those of an engine
hardware.py   facts about the machine
extras.py     the installed optional parts of scenehash
bench/        the speed of each stage
"""

"""Is this machine fit, and how fast is it?

doctor.py     checks, each of one thing
checks.py     what may be wrong with the machine; engine_checks.py with an engine
hardware.py   facts about the machine
extras.py     which optional parts of scenehash are installed
bench/        stage by stage
"""

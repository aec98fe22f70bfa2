"""Is this machine fit, and how fast is it?

doctor.py     checks, each of one thing
hardware.py   facts about the machine
bench/        stage by stage
"""

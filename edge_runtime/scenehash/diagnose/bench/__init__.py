"""The speed of scenehash on this machine, stage by stage, and recommended settings.

run.py          all measurements, as one document
settings.py     the settings of a benchmark
stages.py       every stage from a file's bytes to a code and its nearest neighbours
scenarios.py    the scenarios of MLPerf Inference, and a grid of threads and batches
process.py      cold start and peak memory, of separate processes
sustained.py    the sustained speed, with clock, heat and energy
arm_counts.py   the instructions for a tile on 64-bit ARM
samples.py      times of one kind of work, and their statistics
advice.py       recommended settings
compare.py      two runs, stage by stage
plot.py         the figure of a run
"""

"""How fast scenehash is on this machine, stage by stage, and what to set to make it so.

run.py          all measurements, as one document
settings.py     what is measured, and for how long
stages.py       every stage from a file's bytes to a code and its nearest neighbours
scenarios.py    loads named as MLPerf Inference names them, and threads by batches
process.py      cold start and peak memory, of processes of their own
sustained.py    what the machine keeps up: its clock, heat and energy
arm_counts.py   what a tile costs on 64-bit ARM, in instructions
samples.py      times of one kind of work, and figures of them
advice.py       what to set on this machine
compare.py      two runs, stage by stage
plot.py         the figure of a run
"""

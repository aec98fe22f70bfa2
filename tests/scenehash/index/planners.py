"""What things cost, so that small codes get to every plan."""

from scenehash.index.costs import Planner

# Looking into buckets costs nothing, small segments are worth it, and files are checked at once.
NOTHING_IS_DEAR = Planner(
    min_segment=8,
    bytes_per_row=1000,
    probe_step=0,
    probe_window=0,
    probe_entry=0,
    probe_candidate=0,
    check_byte=0,
)

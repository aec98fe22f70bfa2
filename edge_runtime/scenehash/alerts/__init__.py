"""Alerts: the kinds of tile that a watch reports, how they are made, and what they match.

judging.py          whether a tile matches an alert
making.py           an alert from examples
changing.py         confirming, rejecting, another radius or rate, removing
trial.py            a test of an alert on the tiles of a store
match_counts.py     the matches of an alert
radius_counts.py    the matches of each radius, and a proposed radius
fitted_alert.py     an alert with a rule, fitted against stored tiles
rule_fitting.py     the candidate rules
score_tail.py       the number of false alarms of a threshold
false_alarm_rate.py false alarm rates as text
example_vectors.py  the examples among stored tiles: their rows, their representations
carried.py          conversion of alerts to another model
disabled.py         alerts that could not be converted
documents.py        alerts as plain values
"""

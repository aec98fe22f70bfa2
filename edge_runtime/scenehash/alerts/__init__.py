"""Alerts: the kinds of tiles that a watch reports; how each is made, and what it matches.

judging.py          whether a tile matches an alert
making.py           an alert, made from examples
changing.py         tiles confirmed and rejected, another radius or rate; or removed
trial.py            an alert tried on the tiles of a store
match_counts.py     what it matches, as it is
radius_counts.py    what each radius would match, and which one to choose
choosing.py         its rule and radius, chosen by what a store holds
rule_fitting.py     the rules that are tried for that
score_tail.py       how many false alarms a threshold has
false_alarm_rate.py rates of false alarms in words
example_vectors.py  the examples among stored tiles: their rows, their representations
carried.py          alerts carried over to another model
disabled.py         those that could not be
documents.py        all of them as plain values
"""

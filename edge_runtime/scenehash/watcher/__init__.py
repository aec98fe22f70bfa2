"""Watching folders: new scenes are ingested, matched against alerts, and reported as events.

watch.py            all of it, as one function
options.py          what may be set
listing.py          the files in the folders
arrivals.py         which of them are complete
backlog.py          which comes next, and which are dropped when there are too many
loop.py             scan, choose, ingest, match, deliver
lock.py             one watch a store
matching.py         a scene's tiles against the store and its alerts
bursts.py           tiles that are one find
novelty.py          whether a place was seen before, and has changed
events.py           events as JSON
dispatcher.py       delivers events to the sinks: sinks.py, event_file.py, webhook.py (endpoint.py)
status.py           what the watch is doing, for whoever looks
waiting.py          until something may have changed
alerts.py           alerts made from examples, judged, tested; radius_counts.py, alert_test.py
rule_fitting.py     the rule of an alert, chosen by its examples and an archive
score_tail.py       how many false alarms a threshold has
false_alarm_rate.py rates of false alarms in words
"""

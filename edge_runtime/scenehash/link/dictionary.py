"""The common text of blocks of events, so that small blocks need not repeat it.

It is zlib's preset dictionary (RFC 1950) for these blocks, and a part of format 1: a change needs a
new format number. docs/link.md has it.
"""

DICTIONARY = (
    b'{"kind":"tile","at":"","tile":{"others":[false,true,"recall":0.,"false_alarms_per_1000":'
    b'"expected":{"score":"threshold":-0.,"repeat":{"row":,"scene":"","overlap":0.,"changed":'
    b'"radius":}],"footprint":[[-,"window":[0,0,256,256],[512,512],"kind":"set_aside","reason":"",'
    b'"footprint":null},{"row":"distance":}],"repeats":0,"changed":0,"matches":[{"row":,"window":['
    b'"novelty":0,"alerts":[{"name":"","tiles":1,"distance":}]}],"bbox":null,"time":null,'
    b'{"kind":"scene","at":"2026-01-01T00:00:00.000000+00:00","scene":".tif","content":"",'
    b'"time":"2026-01-01T00:00:00+00:00","bbox":[],"labels":[""],"tiles":16,"skipped":0,"rows":[0,'
    b'15],"novelty":null,"alerts":[],"repeats":0,"changed":0,"matches":[],"matches_left_out":16}'
)

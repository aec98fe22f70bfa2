"""Backups of a store, taken while it is written to.

backup_file.py  a file of backups: blocks, each once
backup.py       a store into it, while it is written to
restore.py      a store out of it
"""

"""Backups of a store in use.

backup_file.py  a file of backups: each block once
backup.py       from a store to a backup file
restore.py      from a backup file to a store
"""

"""The exit status of a command: numbers, and what they mean.

A signal that ends a command gives 128 and its number: see interrupts.py.
"""

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_SET_ASIDE = 3

STATUSES = f"""\
\b
Exit status:
  0  done
  {EXIT_FAILED}  failed
  {EXIT_USAGE}  wrong usage
  {EXIT_SET_ASIDE}  done, but some inputs were set aside
  129, 130, 143  ended by SIGHUP, Ctrl-C, SIGTERM
"""

"""Khazana: a state's Bitcoin programme, run in the open.

Rooms stand on one another in one direction; see docs/architecture.md.
"""

__version__ = "0.1.0"

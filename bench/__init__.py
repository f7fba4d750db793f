"""Measurements of Khazana, each beside a peer in the same run where there is one."""

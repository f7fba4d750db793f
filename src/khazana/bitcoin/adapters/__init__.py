"""Chain adapters, one module per kind of source. Only command line and portal choose one."""

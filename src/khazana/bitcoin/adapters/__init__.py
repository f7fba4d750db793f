"""Chain adapters: one module per kind of source. Only the command line and the portal choose one."""

"""Every table of the pages as a file: CSV for programs, XLSX for people."""

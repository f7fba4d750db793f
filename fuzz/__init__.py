"""Fuzz targets; see README.md. Not part of the package and not run by the tests."""

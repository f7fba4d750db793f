"""One module per subject; each registers its measurements with `bench.measure.measurement`."""

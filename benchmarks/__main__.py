"""Runs every benchmark: ``make bench``."""

from benchmarks import cold_starts, imports, publishing, rewriting, scaling, signing

for benchmark in (signing, rewriting, scaling, publishing, imports, cold_starts):
    benchmark.main()
    print()

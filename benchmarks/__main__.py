"""Runs every benchmark: ``make bench``."""

from benchmarks import imports, publishing, rewriting, scaling, signing

for benchmark in (signing, rewriting, scaling, publishing, imports):
    benchmark.main()
    print()

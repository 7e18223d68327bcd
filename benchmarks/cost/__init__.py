"""What a million viewer-hours cost: ``make cost`` measures, and writes docs/cost.md."""

"""The figures of what was watched: written from batches of events, read by reports."""

"""Amazon S3: reading and writing objects of the film bucket."""

"""Amazon S3: reads and writes objects of the film bucket."""

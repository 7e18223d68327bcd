-- Which entries of Redis may answer for this database.

SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '10s';

CREATE TABLE cache_trust (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    servers text[] NOT NULL DEFAULT '{}',
    trusted_from timestamptz NOT NULL
);

COMMENT ON TABLE cache_trust IS 'One row: the positions in Redis that may be returned';
COMMENT ON COLUMN cache_trust.servers IS 'The replication ids of the Redis servers in use';
COMMENT ON COLUMN cache_trust.trusted_from IS 'Positions read or written before are not returned';

-- The former version does not say when it fails to write a position to Redis. It serves requests
-- until it is replaced everywhere, unless this database is new.
INSERT INTO cache_trust (trusted_from)
SELECT CASE
    WHEN EXISTS (SELECT FROM watch_progress) THEN now() + interval '1 hour'
    ELSE now()
END;

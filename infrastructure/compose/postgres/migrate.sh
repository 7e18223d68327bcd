#!/bin/sh
# Applies the numbered files of $MIGRATIONS that are not applied yet, in order and in one transaction.
# Uses the table and the lock of streaming.repository.migrations, so each can continue after the other.
set -eu

statements() {
    cat <<SQL
SELECT pg_advisory_xact_lock(7403912650) \\g /dev/null
CREATE TABLE IF NOT EXISTS schema_migrations (
    name varchar(255) PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);
SQL
    for file in "$MIGRATIONS"/[0-9]*.sql; do
        cat <<SQL
SELECT NOT EXISTS (SELECT FROM schema_migrations WHERE name = '${file##*/}') AS is_new \\gset
\\if :is_new
    \\echo Applying ${file##*/}
    \\include '$file'
    INSERT INTO schema_migrations (name) VALUES ('${file##*/}');
\\endif
SQL
    done
}

statements | psql --no-psqlrc --quiet --single-transaction --set=ON_ERROR_STOP=1 --file=-

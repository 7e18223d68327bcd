-- Counting all events again: the figures are emptied by whoever may not empty tables.

DO $migration$
BEGIN
    EXECUTE format($statement$
        CREATE FUNCTION analytics_begin_rebuild(rebuild uuid) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = %1$I, pg_temp
        AS $function$
        BEGIN
            PERFORM pg_advisory_xact_lock(7403912651);
            TRUNCATE analytics_events, analytics_sessions, analytics_viewer_days,
                analytics_minutes, analytics_days, analytics_curves, analytics_breakdown,
                analytics_viewers, analytics_returns, analytics_offsets, analytics_dead_letters;
            UPDATE analytics_state SET rebuilt_by = rebuild, first_month = '2020-01-01';
        END
        $function$
    $statement$, current_schema());
END
$migration$;

REVOKE EXECUTE ON FUNCTION analytics_begin_rebuild(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION analytics_begin_rebuild(uuid) TO streaming_read_write;

-- One point of the curve for each nominal instant, however often it is run.
CREATE TABLE IF NOT EXISTS database_sizes (
    noted_at timestamptz PRIMARY KEY,
    bytes    bigint NOT NULL
);
INSERT INTO database_sizes (noted_at, bytes)
VALUES (${scheduledFor}, pg_database_size(current_database()))
ON CONFLICT DO NOTHING;

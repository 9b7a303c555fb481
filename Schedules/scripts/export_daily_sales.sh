#!/bin/sh
# Writes the last 30 days of daily_sales as CSV, into a file that is complete or not there.
set -eu
directory=${EXPORT_DIRECTORY:?names the folder of the exports}
mkdir -p "$directory"
file=$directory/daily_sales-${ALMANAC_SCHEDULED_FOR%%T*}.csv
trap 'rm -f "$file.part"' EXIT
psql --no-psqlrc --no-password --quiet --set=ON_ERROR_STOP=1 \
    --set=scheduled_for="$ALMANAC_SCHEDULED_FOR" "$ALMANAC_DATABASE_URL" > "$file.part" <<'SQL'
COPY (
    SELECT day, orders, copies, revenue
    FROM daily_sales
    WHERE day >= (timestamptz :'scheduled_for' AT TIME ZONE 'Europe/Berlin')::date - 30
    ORDER BY day
) TO STDOUT WITH (FORMAT csv, HEADER);
SQL
mv "$file.part" "$file"
echo "$(($(wc -l < "$file") - 1)) days are in $file"

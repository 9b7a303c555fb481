#!/bin/sh
# Writes the last 30 days of daily_sales as CSV, under a name that is complete or not there.
set -eu
directory=${EXPORT_DIRECTORY:?names the folder of the exports}
mkdir -p "$directory"
file=$directory/daily_sales-$(echo "$ALMANAC_SCHEDULED_FOR" | cut -c1-10).csv
psql --no-psqlrc --set=ON_ERROR_STOP=1 --quiet --output="$file.part" "$ALMANAC_DATABASE_URL" <<SQL
COPY (
    SELECT day, orders, revenue FROM daily_sales
    WHERE day > timestamptz '$ALMANAC_SCHEDULED_FOR' - interval '30 days' ORDER BY day
) TO STDOUT WITH (FORMAT csv, HEADER)
SQL
mv "$file.part" "$file"
echo "$(($(wc -l < "$file") - 1)) days in $file"

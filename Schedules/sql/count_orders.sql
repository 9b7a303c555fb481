-- One row for each figure, always the newest.
CREATE TABLE IF NOT EXISTS shop_figures (
    figure     text PRIMARY KEY,
    value      numeric NOT NULL,
    as_of      timestamptz NOT NULL
);

INSERT INTO shop_figures (figure, value, as_of)
SELECT figure, value, ${scheduledFor}
FROM (
    SELECT count(*) AS orders, coalesce(sum(copies * price), 0) AS revenue
    FROM orders WHERE ordered_at > ${scheduledFor} - interval '1 day'
) AS day
CROSS JOIN LATERAL (VALUES ('orders of the last day', orders), ('revenue of the last day', revenue))
    AS figures (figure, value)
ON CONFLICT (figure) DO UPDATE SET value = excluded.value, as_of = excluded.as_of;

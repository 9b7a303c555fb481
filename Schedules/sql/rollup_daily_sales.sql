-- Yesterday, as Berlin has it, seen from the nominal instant: running it again changes nothing.
CREATE TABLE IF NOT EXISTS daily_sales (
    day     date PRIMARY KEY,
    orders  bigint NOT NULL,
    copies  bigint NOT NULL,
    revenue numeric NOT NULL
);

WITH yesterday AS (
    SELECT (${scheduledFor} AT TIME ZONE 'Europe/Berlin')::date - 1 AS day
)
INSERT INTO daily_sales (day, orders, copies, revenue)
SELECT yesterday.day, count(order_id), coalesce(sum(copies), 0), coalesce(sum(copies * price), 0)
FROM yesterday
LEFT JOIN orders
    ON orders.ordered_at >= yesterday.day::timestamp AT TIME ZONE 'Europe/Berlin'
    AND orders.ordered_at < (yesterday.day + 1)::timestamp AT TIME ZONE 'Europe/Berlin'
GROUP BY yesterday.day
ON CONFLICT (day) DO UPDATE
SET orders = excluded.orders, copies = excluded.copies, revenue = excluded.revenue;

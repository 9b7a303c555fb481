-- What has come since the last load. How far that was commits together with the load itself.
CREATE TABLE IF NOT EXISTS order_facts (
    order_id   bigint PRIMARY KEY,
    customer   int NOT NULL,
    revenue    numeric NOT NULL,
    ordered_at timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS load_positions (
    name    text PRIMARY KEY,
    loaded_through bigint NOT NULL
);
INSERT INTO load_positions VALUES ('order_facts', 0) ON CONFLICT DO NOTHING;

WITH taken AS (
    INSERT INTO order_facts (order_id, customer, revenue, ordered_at)
    SELECT order_id, customer, copies * price, ordered_at
    FROM orders
    WHERE order_id > (SELECT loaded_through FROM load_positions WHERE name = 'order_facts')
        AND ordered_at <= ${scheduledFor}
    ORDER BY order_id
    RETURNING order_id
)
UPDATE load_positions
SET loaded_through = GREATEST(loaded_through, (SELECT coalesce(max(order_id), 0) FROM taken))
WHERE name = 'order_facts';

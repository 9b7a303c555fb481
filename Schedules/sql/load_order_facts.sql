-- What has come since the last load; how far that was commits together with the load itself.
CREATE TABLE IF NOT EXISTS order_facts (
    order_id   bigint PRIMARY KEY,
    customer   int NOT NULL,
    revenue    numeric NOT NULL,
    ordered_at timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS load_positions (
    name           text PRIMARY KEY,
    loaded_through timestamptz NOT NULL
);

-- An hour further back, for orders that were committed late; those that are there are left alone.
INSERT INTO order_facts (order_id, customer, revenue, ordered_at)
SELECT order_id, customer, copies * price, ordered_at
FROM orders
WHERE ordered_at <= ${scheduledFor}
    AND ordered_at > coalesce(
        (SELECT loaded_through FROM load_positions WHERE name = 'order_facts'), '-infinity'
    ) - interval '1 hour'
ON CONFLICT (order_id) DO NOTHING;

INSERT INTO load_positions (name, loaded_through)
VALUES ('order_facts', ${scheduledFor})
ON CONFLICT (name) DO UPDATE
SET loaded_through = GREATEST(load_positions.loaded_through, excluded.loaded_through);

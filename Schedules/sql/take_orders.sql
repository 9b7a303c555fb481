-- The first run opens the order book: a year of 100,000 orders. Each run takes a few more.
CREATE TABLE IF NOT EXISTS orders (
    order_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer   int NOT NULL,
    title      text NOT NULL,
    copies     int NOT NULL CHECK (copies > 0),
    price      numeric(8, 2) NOT NULL,
    ordered_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS orders_by_time ON orders (ordered_at);

INSERT INTO orders (customer, title, copies, price, ordered_at)
SELECT 1 + n % 5000, 'Title ' || n % 800, 1 + n % 3, 5 + (n % 400) * 0.05,
       ${scheduledFor} - (100000 - n) * interval '315 seconds'
FROM generate_series(1, 100000) AS n
WHERE NOT EXISTS (SELECT FROM orders);

INSERT INTO orders (customer, title, copies, price, ordered_at)
SELECT 1 + n % 5000, 'Title ' || n % 800, 1 + n % 3, 5 + (n % 400) * 0.05, ${scheduledFor}
FROM (SELECT (random() * 1000000)::int AS n FROM generate_series(1, 20)) AS drawn;

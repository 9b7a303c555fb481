-- Retention: 300 days, so that the year of the example's order book has something to lose.
-- order_facts keeps what the reports need.
DELETE FROM orders WHERE ordered_at < ${scheduledFor} - interval '300 days';

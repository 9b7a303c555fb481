-- Retention: a little over ten months, so that the order book of the example has something to lose.
DELETE FROM orders WHERE ordered_at < ${scheduledFor} - interval '300 days';

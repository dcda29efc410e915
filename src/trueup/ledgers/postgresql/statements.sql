-- Every statement of the PostgreSQL ledger, by name. Values are bound, never written in. `{name}` is a fragment below.
-- A list is bound as one JSON array; where many rows are written ($n::type[]), each column is bound as one array.
-- `{locked}` stands for FOR NO KEY UPDATE in a write transaction: what is read there to be changed stays as it is read,
-- whoever writes past the ledger meanwhile. In a read transaction it is nothing. Rows are locked in the order of their
-- keys. `$1` of "now" may be null: then it is this database's own clock.

-- fragment: order_pairs
'client_order_id', o.client_order_id, 'venue_order_id', o.venue_order_id, 'trade_id', o.trade_id,
  'sub_tag', o.sub_tag, 'symbol', o.symbol, 'side', o.side, 'action', o.action, 'order_type', o.order_type,
  'qty', trim_scale(o.qty)::text, 'limit_price', trim_scale(o.limit_price)::text,
  'stop_price', trim_scale(o.stop_price)::text, 'status', o.status, 'filled_qty', trim_scale(o.filled_qty)::text,
  'filled_avg_price', trim_scale(o.filled_avg_price)::text, 'submitted_at', o.submitted_at,
  'last_activity_at', o.last_activity_at, 'venue_updated_at', o.venue_updated_at,
  'previous_venue_order_ids', o.previous_venue_order_ids::json, 'position_side', o.position_side,
  'by_notional', o.by_notional, 'version', o.version

-- fragment: order_columns
o.client_order_id, o.venue_order_id, o.trade_id, o.sub_tag, o.symbol, o.side, o.action, o.order_type,
  trim_scale(o.qty)::text, trim_scale(o.limit_price)::text, trim_scale(o.stop_price)::text, o.status,
  trim_scale(o.filled_qty)::text, trim_scale(o.filled_avg_price)::text, o.submitted_at, o.last_activity_at,
  o.venue_updated_at, o.position_side, o.by_notional, o.version,
  nullif(o.previous_venue_order_ids, '[]')

-- fragment: fill_pairs
'fill_id', f.fill_id, 'venue_order_id', f.venue_order_id, 'client_order_id', f.client_order_id,
  'symbol', f.symbol, 'side', f.side, 'qty', trim_scale(f.qty)::text, 'price', trim_scale(f.price)::text,
  'fee', trim_scale(f.fee)::text, 'fee_currency', f.fee_currency, 'filled_at', f.filled_at, 'inferred', f.inferred,
  'price_estimated', f.price_estimated

-- fragment: fill_columns
f.fill_id, f.venue_order_id, f.client_order_id, f.symbol, f.side, trim_scale(f.qty)::text, trim_scale(f.price)::text,
  trim_scale(f.fee)::text, f.fee_currency, f.filled_at, f.inferred, f.price_estimated

-- fragment: trade_pairs
'trade_id', t.trade_id, 'symbol', t.symbol, 'side', t.side, 'status', t.status,
  'entry_qty', trim_scale(t.entry_qty)::text, 'exit_qty', trim_scale(t.exit_qty)::text,
  'entry_avg_price', trim_scale(t.entry_avg_price)::text, 'fee_base_qty', trim_scale(t.fee_base_qty)::text,
  'quarantined_by', t.quarantined_by, 'opened_at', t.opened_at, 'version', t.version

-- fragment: trade_columns
t.trade_id, t.symbol, t.side, t.status, trim_scale(t.entry_qty)::text, trim_scale(t.exit_qty)::text,
  trim_scale(t.entry_avg_price)::text, trim_scale(t.fee_base_qty)::text, t.quarantined_by, t.opened_at, t.version

-- fragment: break_columns
profile_id, found, first_seen_at, last_seen_at, occurrences, resolution, resolved_at, run_id

-- fragment: decision_pairs
'decision_id', decision_id, 'kind', kind, 'venue_order_id', venue_order_id, 'client_order_id', client_order_id,
  'symbol', symbol, 'trade_id', trade_id, 'break_id', break_id, 'until', until, 'evidence', evidence::json, 'qty', trim_scale(qty)::text, 'owner', owner,
  'author', author, 'reason', reason, 'decided_at', decided_at

-- fragment: of_accounts
o.account_id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)))

-- fragment: has_older
EXISTS (SELECT 1 FROM orders o WHERE o.account_id = a.account_id AND NOT o.is_live AND o.last_activity_at < $2)
  OR EXISTS (SELECT 1 FROM orders o WHERE o.account_id = a.account_id AND NOT o.is_live AND o.last_activity_at IS NULL)
  OR EXISTS (SELECT 1 FROM trades t WHERE t.account_id = a.account_id AND t.status = 'closed' AND t.updated_at < $2)

-- fragment: trades_of_accounts
SELECT profile_id, trade_id FROM trades o WHERE {of_accounts} AND status <> 'closed'
  UNION SELECT profile_id, trade_id FROM trades o WHERE {of_accounts} AND status = 'closed' AND updated_at >= $2
  UNION SELECT r.profile_id, r.trade_id FROM orders o JOIN trades r USING (profile_id, trade_id_normal)
    WHERE {of_accounts} AND o.is_live AND r.status = 'closed'
  UNION SELECT r.profile_id, r.trade_id FROM orders o JOIN trades r USING (profile_id, trade_id_normal)
    WHERE {of_accounts} AND NOT o.is_live AND o.last_activity_at >= $2 AND r.status = 'closed'

-- fragment: order_rows
coalesce(json_agg(json_build_object(
  'order_key', o.order_key, 'profile_id', o.profile_id, 'logged_version', o.logged_version,
  'order', json_build_object({order_pairs}))), '[]')::text

-- fragment: fill_rows
coalesce(json_agg(json_build_object(
  'instrument', f.instrument, 'order_identity', f.order_identity, 'fill_identity', f.fill_identity,
  'order_key', f.order_key, 'fill', json_build_object({fill_pairs}))), '[]')::text

-- fragment: trade_rows
coalesce(json_agg(json_build_object(
  'logged_version', t.logged_version, 'trade', json_build_object({trade_pairs}))), '[]')::text

-- name: now
SELECT stamp(clock_timestamp())

-- ACCOUNTS AND PROFILES

-- name: add_account
INSERT INTO accounts AS known (account_id, venue) SELECT * FROM unnest($1::text[], $2::text[])
ON CONFLICT (account_id) DO UPDATE SET venue = excluded.venue
WHERE known.venue IS NULL AND excluded.venue IS NOT NULL

-- name: add_profile
INSERT INTO profiles AS known (profile_id, account_id, user_id)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
ON CONFLICT (profile_id) DO UPDATE SET user_id = excluded.user_id
WHERE known.user_id IS DISTINCT FROM excluded.user_id AND excluded.user_id IS NOT NULL

-- name: profile_homes
SELECT p.profile_id, p.account_id, a.venue FROM profiles p JOIN accounts a USING (account_id)
WHERE p.profile_id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)))

-- The profile's row is the lock of all who write its books: a run, its bot's recorders, and people.
-- name: lock_profile
SELECT 1 FROM profiles WHERE profile_id = $1 {locked}

-- name: books_of_profile
SELECT p.account_id, p.user_id, coalesce($2::text, stamp(clock_timestamp())), l.seq, l.hash,
  EXISTS (SELECT 1 FROM orders o WHERE o.profile_id = p.profile_id AND o.logged_version <> o.version)
    OR EXISTS (SELECT 1 FROM trades t WHERE t.profile_id = p.profile_id AND t.logged_version <> t.version)
FROM profiles p LEFT JOIN LATERAL (
  SELECT seq, hash FROM order_log WHERE profile_id = p.profile_id ORDER BY seq DESC LIMIT 1) l ON true
WHERE p.profile_id = $1

-- name: profiles
SELECT profile_id, account_id, user_id, a.venue, pause_reason FROM profiles JOIN accounts a USING (account_id)
ORDER BY profile_id

-- name: venue_account_ids
SELECT account_id, venue_account_id FROM accounts
WHERE account_id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb))) AND venue_account_id IS NOT NULL

-- name: set_venue_account_id
UPDATE accounts SET venue_account_id = $2 WHERE account_id = $1

-- name: set_pause
UPDATE profiles SET pause_reason = $2 WHERE profile_id = $1

-- name: profile_states
WITH p AS (
  SELECT * FROM profiles WHERE profile_id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb))) ORDER BY profile_id {locked})
SELECT p.profile_id, p.findings, p.pause_reason, (
  SELECT json_build_object('watermark', w.watermark, 'scope', w.scope::json)::text FROM watermarks w
  WHERE w.profile_id = p.profile_id AND (w.log_seq = 0 OR EXISTS (
    SELECT 1 FROM order_log l WHERE l.profile_id = w.profile_id AND l.seq = w.log_seq AND l.hash = w.log_hash))
  ORDER BY w.log_seq DESC LIMIT 1)
FROM p

-- name: watermark_believed
SELECT json_build_object('watermark', w.watermark, 'scope', w.scope::json)::text FROM watermarks w
WHERE w.profile_id = $1 AND left(w.watermark, 19) COLLATE "C" <= left($2::text, 19) AND (w.log_seq = 0 OR EXISTS (
  SELECT 1 FROM order_log l WHERE l.profile_id = w.profile_id AND l.seq = w.log_seq AND l.hash = w.log_hash))
ORDER BY w.log_seq DESC LIMIT 1

-- name: forget_watermarks
DELETE FROM watermarks WHERE profile_id = $1 AND left(watermark, 19) COLLATE "C" > left($2::text, 19)

-- name: set_findings
UPDATE profiles SET findings = $2 WHERE profile_id = $1 AND findings <> $2

-- name: set_watermark
INSERT INTO watermarks AS known (profile_id, log_seq, log_hash, watermark, scope) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (profile_id, log_seq) DO UPDATE SET
  watermark = excluded.watermark, log_hash = excluded.log_hash, scope = excluded.scope
WHERE known.watermark <> excluded.watermark OR known.log_hash <> excluded.log_hash OR known.scope <> excluded.scope

-- The same for many profiles, each with the head of its own log.
-- name: set_watermarks
INSERT INTO watermarks AS known (profile_id, log_seq, log_hash, watermark, scope)
SELECT r.profile_id, coalesce(l.seq, 0), coalesce(l.hash, ''), r.watermark, r.scope
FROM jsonb_to_recordset($1::jsonb) AS r (profile_id text, watermark text, scope text) LEFT JOIN LATERAL (
  SELECT seq, hash FROM order_log WHERE profile_id = r.profile_id ORDER BY seq DESC LIMIT 1) l ON true
ON CONFLICT (profile_id, log_seq) DO UPDATE SET
  watermark = excluded.watermark, log_hash = excluded.log_hash, scope = excluded.scope
WHERE known.watermark <> excluded.watermark OR known.log_hash <> excluded.log_hash OR known.scope <> excluded.scope

-- READING THE BOOKS

-- $1: the accounts, in one list

-- Where each of the rows below stands, and who wrote it there: nobody's UPDATE leaves both as they were. The first row
-- is all accounts': another server, or a table that was written anew (VACUUM FULL), has other marks.
-- name: marks_of_open_and_recent
SELECT NULL, 'server', concat_ws(' ', pg_postmaster_start_time(), pg_relation_filenode('orders'),
  pg_relation_filenode('fills'), pg_relation_filenode('trades'))
UNION ALL
SELECT o.account_id, 'live', md5(string_agg(o.ctid::text || o.xmin::text, '')) FROM orders o
WHERE {of_accounts} AND o.is_live GROUP BY o.account_id
UNION ALL
SELECT o.account_id, 'recent', md5(string_agg(o.ctid::text || o.xmin::text, '')) FROM orders o
WHERE {of_accounts} AND NOT o.is_live AND o.last_activity_at >= $2 GROUP BY o.account_id
UNION ALL
SELECT o.account_id, 'fills', md5(string_agg(f.ctid::text || f.xmin::text, ''))
FROM orders o JOIN fills f USING (order_key)
WHERE {of_accounts} AND o.is_live AND f.qty <> 0 GROUP BY o.account_id
UNION ALL
SELECT o.account_id, 'recent fills', md5(string_agg(f.ctid::text || f.xmin::text, ''))
FROM orders o JOIN fills f USING (order_key)
WHERE {of_accounts} AND NOT o.is_live AND o.last_activity_at >= $2 AND f.qty <> 0 GROUP BY o.account_id
UNION ALL
SELECT t.account_id, 'trades', md5(string_agg(t.ctid::text || t.xmin::text, '')) FROM trades t
WHERE (t.profile_id, t.trade_id) IN ({trades_of_accounts}) GROUP BY t.account_id
UNION ALL
SELECT a.account_id, 'older', NULL FROM jsonb_array_elements_text($1::jsonb) a (account_id) WHERE {has_older}

-- name: open_and_recent_orders
SELECT o.account_id, o.profile_id, {order_columns} FROM orders o WHERE {of_accounts} AND o.is_live
UNION ALL
SELECT o.account_id, o.profile_id, {order_columns} FROM orders o
WHERE {of_accounts} AND NOT o.is_live AND o.last_activity_at >= $2

-- name: accounts_with_older_rows
SELECT a.account_id FROM jsonb_array_elements_text($1::jsonb) a (account_id) WHERE {has_older}

-- name: fills_of_open_and_recent
SELECT o.account_id, o.profile_id, {fill_columns} FROM orders o JOIN fills f USING (order_key)
WHERE {of_accounts} AND o.is_live AND f.qty <> 0
UNION ALL
SELECT o.account_id, o.profile_id, {fill_columns} FROM orders o JOIN fills f USING (order_key)
WHERE {of_accounts} AND NOT o.is_live AND o.last_activity_at >= $2 AND f.qty <> 0

-- name: trades_open_and_recent
SELECT t.account_id, t.profile_id, {trade_columns} FROM trades t WHERE (t.profile_id, t.trade_id) IN ({trades_of_accounts})

-- name: unsettled_symbols
SELECT o.profile_id, o.symbol FROM orders o
WHERE {of_accounts} AND o.is_live AND o.symbol IS NOT NULL
  AND (o.last_activity_at BETWEEN $2 AND $3 OR o.status IN ('pending_cancel', 'pending_replace'))
UNION
SELECT o.profile_id, o.symbol FROM orders o
WHERE {of_accounts} AND NOT o.is_live AND o.symbol IS NOT NULL AND o.last_activity_at BETWEEN $2 AND $3
UNION
SELECT o.profile_id, o.symbol FROM profiles p JOIN deferrals d USING (profile_id)
JOIN orders o ON o.account_id = p.account_id
  AND (o.venue_id_normal = d.venue_order_id OR o.client_id_normal = d.client_order_id)
WHERE p.account_id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb))) AND o.symbol IS NOT NULL

-- fragment: keys_by_ids
SELECT order_key FROM orders WHERE account_id = $1
    AND venue_id_normal = ANY (ARRAY(SELECT jsonb_array_elements_text($2::jsonb)))
  UNION ALL SELECT order_key FROM orders WHERE account_id = $1
    AND client_id_normal = ANY (ARRAY(SELECT jsonb_array_elements_text($3::jsonb)))
  UNION ALL SELECT order_key FROM previous_ids WHERE account_id = $1
    AND venue_id_normal = ANY (ARRAY(SELECT jsonb_array_elements_text($2::jsonb)))

-- name: orders_by_ids
WITH o AS (SELECT * FROM orders WHERE order_key IN ({keys_by_ids}) ORDER BY order_key {locked})
SELECT {order_rows} FROM o

-- name: orders_to_change
WITH o AS (SELECT * FROM orders WHERE order_key IN ({keys_by_ids}) ORDER BY order_key {locked})
SELECT o.account_id, o.profile_id, {order_columns}, o.order_key, o.logged_version FROM o

-- name: orders_anywhere
SELECT {order_rows} FROM orders o WHERE ($2::text IS NULL OR o.profile_id = $2) AND o.order_key IN (
  SELECT order_key FROM orders WHERE account_id IN (SELECT account_id FROM accounts) AND venue_id_normal = $1
  UNION SELECT order_key FROM orders WHERE account_id IN (SELECT account_id FROM accounts) AND client_id_normal = $1
  UNION SELECT order_key FROM previous_ids WHERE account_id IN (SELECT account_id FROM accounts)
    AND venue_id_normal = $1)

-- name: trades_anywhere
SELECT coalesce(json_agg(json_build_object(
  'profile_id', t.profile_id, 'trade', json_build_object({trade_pairs}))), '[]')::text
FROM trades t WHERE t.trade_id_normal = $1 AND ($2::text IS NULL OR t.profile_id = $2)

-- name: orders_without_ids
WITH o AS (
  SELECT * FROM orders WHERE profile_id = $1 AND venue_id_normal IS NULL AND client_id_normal IS NULL
  ORDER BY order_key {locked})
SELECT {order_rows} FROM o

-- name: orders_of_trade
WITH o AS (SELECT * FROM orders WHERE profile_id = $1 AND trade_id_normal = $2 ORDER BY order_key {locked})
SELECT {order_rows} FROM o

-- name: orders_by_key
WITH o AS (
  SELECT * FROM orders WHERE order_key = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)::bigint))
  ORDER BY order_key {locked})
SELECT {order_rows} FROM o

-- name: orders_of_trades
WITH o AS (
  SELECT * FROM orders WHERE profile_id = $1
    AND trade_id_normal = ANY (ARRAY(SELECT jsonb_array_elements_text($2::jsonb))) ORDER BY order_key {locked})
SELECT {order_rows} FROM o

-- name: fills_of_orders
SELECT {fill_rows} FROM fills f
WHERE f.order_key = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)::bigint))

-- name: fills_by_identity
SELECT {fill_rows} FROM jsonb_array_elements($2::jsonb) wanted JOIN fills f
  ON f.account_id = $1 AND f.instrument = wanted ->> 0 AND f.order_identity = wanted ->> 1
  AND f.fill_identity = wanted ->> 2

-- name: trades_by_id
WITH t AS (
  SELECT * FROM trades WHERE profile_id = $1
    AND trade_id_normal = ANY (ARRAY(SELECT jsonb_array_elements_text($2::jsonb))) ORDER BY trade_id {locked})
SELECT {trade_rows} FROM t

-- name: quarantined_trades
SELECT {trade_rows} FROM trades t WHERE t.profile_id = $1 AND t.status = 'quarantined'

-- name: orders_past_the_log
WITH o AS (
  SELECT * FROM orders WHERE profile_id = $1 AND logged_version <> version ORDER BY order_key {locked})
SELECT {order_rows} FROM o

-- name: trades_past_the_log
WITH t AS (
  SELECT * FROM trades WHERE profile_id = $1 AND logged_version <> version ORDER BY trade_id {locked})
SELECT {trade_rows} FROM t

-- HELD AGAINST THE LOG: an order with its fills and its rows of the log; trades and theirs, both by the trade's id

-- name: orders_with_log
SELECT o.order_key, o.logged_version, json_build_object({order_pairs})::text,
  (SELECT {fill_rows} FROM fills f WHERE f.order_key = o.order_key),
  (SELECT coalesce(json_agg(json_build_array(l.version, l.payload::json) ORDER BY l.seq), '[]')::text
   FROM order_log l WHERE l.order_key = o.order_key)
FROM orders o WHERE o.profile_id = $1 ORDER BY o.order_key

-- name: orders_only_logged
SELECT DISTINCT l.order_key FROM order_log l
WHERE l.profile_id = $1 AND l.order_key IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.order_key = l.order_key AND o.profile_id = l.profile_id)
  AND (SELECT n.payload FROM order_log n WHERE n.order_key = l.order_key ORDER BY n.seq DESC LIMIT 1)::jsonb -> 'changes' ->> 'removed' IS NULL

-- name: trades_by_name
SELECT t.trade_id, t.logged_version, json_build_object({trade_pairs})::text,
  (SELECT coalesce(json_agg(json_build_array(o.action, trim_scale(o.filled_qty)::text)), '[]')::text FROM orders o
   WHERE o.profile_id = t.profile_id AND o.trade_id_normal = t.trade_id_normal)
FROM trades t WHERE t.profile_id = $1 ORDER BY t.trade_id COLLATE "C"

-- name: trade_log_by_name
SELECT coalesce(l.trade_id, ''), l.version, l.payload FROM order_log l
WHERE l.profile_id = $1 AND l.order_key IS NULL ORDER BY coalesce(l.trade_id, '') COLLATE "C", l.seq

-- WRITING THE BOOKS

-- Keys come from a sequence: two writers never get the same, and what was rolled back leaves a gap.
-- name: next_order_keys
SELECT nextval(pg_get_serial_sequence('orders', 'order_key')) FROM generate_series(1, $1::int)

-- name: insert_order
INSERT INTO orders (
  client_order_id, venue_order_id, trade_id, sub_tag, symbol, side, action, order_type, qty, limit_price, stop_price,
  status, filled_qty, filled_avg_price, submitted_at, last_activity_at, venue_updated_at, previous_venue_order_ids,
  position_side, by_notional, version, logged_version, order_key, account_id, profile_id)
SELECT
  c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, c19, c20, c21, c21, c22, c23, c24
FROM unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::numeric[],
  $10::numeric[], $11::numeric[], $12::text[], $13::numeric[], $14::numeric[], $15::text[], $16::text[], $17::text[],
  $18::text[], $19::text[], $20::bool[], $21::bigint[], $22::bigint[], $23::text[], $24::text[])
  AS r (
    c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, c19, c20, c21, c22, c23, c24)

-- name: move_orders
UPDATE orders o SET
  status = r.status, filled_qty = r.filled_qty, filled_avg_price = r.filled_avg_price,
  last_activity_at = r.last_activity_at, venue_updated_at = r.venue_updated_at,
  version = r.version, logged_version = r.version
FROM unnest(
  $1::bigint[], $2::bigint[], $3::text[], $4::numeric[], $5::numeric[], $6::text[], $7::text[])
  AS r (order_key, version, status, filled_qty, filled_avg_price, last_activity_at, venue_updated_at)
WHERE o.order_key = r.order_key AND o.version = r.version - 1

-- name: update_order
UPDATE orders o SET
  client_order_id = c1, venue_order_id = c2, trade_id = c3, sub_tag = c4, symbol = c5, side = c6, action = c7,
  order_type = c8, qty = c9, limit_price = c10, stop_price = c11, status = c12, filled_qty = c13,
  filled_avg_price = c14, submitted_at = c15, last_activity_at = c16, venue_updated_at = c17,
  previous_venue_order_ids = c18, position_side = c19, by_notional = c20, version = c21, logged_version = c21
FROM unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::numeric[],
  $10::numeric[], $11::numeric[], $12::text[], $13::numeric[], $14::numeric[], $15::text[], $16::text[], $17::text[],
  $18::text[], $19::text[], $20::bool[], $21::bigint[], $22::bigint[])
  AS r (c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, c19, c20, c21, c22)
WHERE o.order_key = c22 AND o.version = c21 - 1

-- name: order_logged
UPDATE orders o SET logged_version = o.version FROM unnest($1::bigint[]) AS r (order_key)
WHERE o.order_key = r.order_key

-- name: insert_fill
INSERT INTO fills (
  account_id, instrument, order_identity, fill_identity, order_key, fill_id, venue_order_id, client_order_id, symbol,
  side, qty, price, fee, fee_currency, filled_at, inferred, price_estimated)
SELECT * FROM unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[],
  $10::text[], $11::numeric[], $12::numeric[], $13::numeric[], $14::text[], $15::text[], $16::bool[], $17::bool[])
ON CONFLICT DO NOTHING

-- name: amend_fill
UPDATE fills f SET
  qty = r.qty, price = r.price, fee = r.fee, fee_currency = r.fee_currency, price_estimated = r.price_estimated
FROM unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::numeric[], $6::numeric[], $7::numeric[], $8::text[], $9::bool[])
  AS r (account_id, instrument, order_identity, fill_identity, qty, price, fee, fee_currency, price_estimated)
WHERE f.account_id = r.account_id AND f.instrument = r.instrument AND f.order_identity = r.order_identity
  AND f.fill_identity = r.fill_identity

-- name: drop_fill
DELETE FROM fills f USING unnest($1::text[], $2::text[], $3::text[], $4::text[])
  AS r (account_id, instrument, order_identity, fill_identity)
WHERE f.account_id = r.account_id AND f.instrument = r.instrument AND f.order_identity = r.order_identity
  AND f.fill_identity = r.fill_identity

-- name: drop_fills_of
DELETE FROM fills WHERE order_key = $1

-- name: drop_previous_ids_of
DELETE FROM previous_ids WHERE order_key = $1

-- name: drop_order
DELETE FROM orders WHERE order_key = $1 AND version = $2

-- name: drop_trade
DELETE FROM trades WHERE profile_id = $1 AND trade_id = $2 AND version = $3

-- name: insert_trade
INSERT INTO trades (
  symbol, side, status, entry_qty, exit_qty, entry_avg_price, fee_base_qty, quarantined_by, opened_at, version,
  logged_version, updated_at, profile_id, trade_id, account_id)
SELECT c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c10, c11, c12, c13, c14
FROM unnest(
  $1::text[], $2::text[], $3::text[], $4::numeric[], $5::numeric[], $6::numeric[], $7::numeric[], $8::text[],
  $9::text[], $10::bigint[], $11::text[], $12::text[], $13::text[], $14::text[])
  AS r (c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14)

-- name: update_trade
UPDATE trades t SET
  symbol = c1, side = c2, status = c3, entry_qty = c4, exit_qty = c5, entry_avg_price = c6, fee_base_qty = c7,
  quarantined_by = c8, opened_at = c9, version = c10, logged_version = c10, updated_at = c11
FROM unnest(
  $1::text[], $2::text[], $3::text[], $4::numeric[], $5::numeric[], $6::numeric[], $7::numeric[], $8::text[],
  $9::text[], $10::bigint[], $11::text[], $12::text[], $13::text[])
  AS r (c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13)
WHERE t.profile_id = c12 AND t.trade_id = c13 AND t.version = c10 - 1

-- name: trade_logged
UPDATE trades t SET logged_version = t.version FROM unnest($1::text[], $2::text[]) AS r (profile_id, trade_id)
WHERE t.profile_id = r.profile_id AND t.trade_id = r.trade_id

-- name: append_log
INSERT INTO order_log (
  profile_id, seq, logged_at, event, written_by, order_key, trade_id, version, payload, hash)
SELECT * FROM unnest(
  $1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::bigint[], $9::text[],
  $10::text[])

-- name: read_log
SELECT seq, logged_at, event, written_by, order_key, trade_id, version, payload, hash
FROM order_log WHERE profile_id = $1 ORDER BY seq

-- BOOKS OF THE BOTS' OWN

-- name: foreign_rows_known
SELECT row_key, fingerprint, order_key, profile_id, removed_at FROM foreign_rows
WHERE account_id = $1 AND source = $2 AND row_key = ANY (ARRAY(SELECT jsonb_array_elements_text($3::jsonb)))

-- name: foreign_rows_live
SELECT r.row_key, r.fingerprint FROM orders o JOIN foreign_rows r ON r.order_key = o.order_key
WHERE o.account_id = $1 AND o.is_live AND r.source = $2 AND r.removed_at IS NULL

-- name: foreign_rows_of_orders
SELECT order_key, row_key, fingerprint, source, removed_at FROM foreign_rows
WHERE order_key = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)::bigint))

-- name: remember_foreign_row
INSERT INTO foreign_rows (account_id, source, row_key, profile_id, order_key, fingerprint)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (account_id, source, row_key) DO UPDATE SET fingerprint = excluded.fingerprint, removed_at = NULL

-- name: forget_foreign_row
DELETE FROM foreign_rows WHERE account_id = $1 AND source = $2 AND row_key = $3

-- name: remove_foreign_row
UPDATE foreign_rows SET removed_at = $4
WHERE account_id = $1 AND source = $2 AND row_key = $3 AND removed_at IS NULL

-- name: foreign_rows_removed
SELECT r.profile_id, r.row_key, r.removed_at, json_build_object({order_pairs})::text
FROM foreign_rows r JOIN orders o USING (order_key)
WHERE r.removed_at IS NOT NULL AND r.profile_id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)))
ORDER BY r.removed_at, r.row_key

-- name: foreign_cursor
SELECT cursor FROM foreign_cursors WHERE account_id = $1 AND source = $2

-- name: set_foreign_cursor
INSERT INTO foreign_cursors AS c (account_id, source, cursor) VALUES ($1, $2, $3)
ON CONFLICT (account_id, source) DO UPDATE SET cursor = excluded.cursor WHERE c.cursor <> excluded.cursor

-- name: open_write_backs
SELECT sequence, order_key, row_key, judged, wanted FROM write_backs
WHERE (outcome IS NULL OR outcome = 'refused')
  AND order_key = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)::bigint))

-- name: insert_write_back
INSERT INTO write_backs (
  account_id, source, profile_id, order_key, row_key, judged, wanted, subject, run_id, committed_at, outcome, error)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)

-- name: widen_write_back
UPDATE write_backs SET
  wanted = $2, subject = $3, attempts = 0, next_attempt_at = NULL, outcome = $4, error = $5, settled_at = NULL
WHERE sequence = $1

-- name: waiting_write_backs
SELECT sequence, profile_id, row_key, judged, wanted FROM write_backs
WHERE account_id = $1 AND source = $2 AND outcome IS NULL
  AND (next_attempt_at IS NULL OR next_attempt_at <= $3 OR next_attempt_at > $4)
ORDER BY sequence LIMIT $5

-- name: refused_write_backs
SELECT profile_id, row_key, wanted, committed_at, error FROM write_backs
WHERE outcome = 'refused' AND profile_id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb))) ORDER BY sequence

-- name: refused_to_retry
SELECT sequence, wanted FROM write_backs WHERE outcome = 'refused' AND ($1::text IS NULL OR profile_id = $1) ORDER BY sequence

-- name: write_backs_with_rest
SELECT sequence, account_id, source, profile_id, order_key, row_key, judged, run_id, wanted FROM write_backs
WHERE sequence = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)::bigint)) AND outcome = 'delivered' AND settled_at = $2
  AND wanted::jsonb -> 'unwritable' <> '{}'::jsonb

-- name: settle_write_back
UPDATE write_backs SET outcome = $2, settled_at = $3, error = $4, attempts = attempts + 1
WHERE sequence = $1 AND outcome IS NULL
RETURNING account_id, source, profile_id, order_key

-- name: delay_write_back
UPDATE write_backs SET attempts = attempts + 1, next_attempt_at = $2, error = $3
WHERE sequence = $1 AND outcome IS NULL

-- name: write_back_attempts
SELECT attempts FROM write_backs WHERE sequence = $1

-- name: supersede_write_backs
UPDATE write_backs SET outcome = 'moved', settled_at = $2
WHERE (outcome IS NULL OR outcome = 'refused')
  AND order_key = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)::bigint))
RETURNING sequence

-- name: found_write_backs
UPDATE write_backs SET outcome = 'delivered', settled_at = $2
WHERE (outcome IS NULL OR outcome = 'refused')
  AND order_key = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)::bigint))

-- name: doubt_foreign_row
UPDATE foreign_rows SET fingerprint = '' WHERE order_key = $1

-- name: drop_held_notifications
DELETE FROM outbox WHERE delivered_at IS NULL AND sequence IN (
  SELECT n.sequence FROM write_backs w JOIN orders o ON o.order_key = w.order_key
  JOIN outbox n ON n.profile_id = w.profile_id AND n.subject = w.subject AND n.committed_at >= w.committed_at
  WHERE w.sequence = $1 AND (
    normal_id(n.notification::jsonb ->> 'venue_order_id') = o.venue_id_normal
    OR normal_id(n.notification::jsonb ->> 'client_order_id') = o.client_id_normal))

-- LEASES

-- name: acquire_lease
INSERT INTO leases AS l (account_id, epoch, holder, last_holder, ttl_s, expires_at)
SELECT $1, 1, $2, $2, $3::float8, stamp(now::timestamptz + make_interval(secs => $3::float8))
FROM coalesce($4::text, stamp(clock_timestamp())) AS now
ON CONFLICT (account_id) DO UPDATE SET
  epoch = l.epoch + 1, holder = excluded.holder, last_holder = excluded.holder, ttl_s = excluded.ttl_s,
  expires_at = excluded.expires_at
WHERE l.holder IS NULL OR l.expires_at <= coalesce($4::text, stamp(clock_timestamp()))
  OR l.expires_at > stamp(
    coalesce($4::timestamptz, clock_timestamp()) + make_interval(secs => l.ttl_s + 1))
RETURNING epoch, expires_at, failures

-- name: add_lease
INSERT INTO leases (account_id, epoch, holder, ttl_s, expires_at)
SELECT account_id, 0, NULL, 0, coalesce(at, stamp(clock_timestamp()))
FROM unnest($1::text[], $2::text[]) AS r (account_id, at)
ON CONFLICT (account_id) DO NOTHING

-- name: claim_leases
WITH now AS (SELECT coalesce($4::text, stamp(clock_timestamp())) AS now),
free AS (
  SELECT account_id FROM leases CROSS JOIN now
  WHERE account_id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)))
    AND (holder IS NULL OR expires_at <= now
      OR expires_at > stamp(now::timestamptz + make_interval(secs => ttl_s + 1)))
    AND (next_due_at IS NULL OR next_due_at <= now
      OR account_id = ANY (ARRAY(SELECT jsonb_array_elements_text($5::jsonb)))
      OR next_due_at > stamp(now::timestamptz + make_interval(secs => $6::float8)))
  ORDER BY account_id FOR UPDATE OF leases SKIP LOCKED)
UPDATE leases SET
  epoch = epoch + 1, holder = $2, last_holder = $2, ttl_s = $3::float8,
  late_s = greatest(0, coalesce(extract(epoch FROM now::timestamptz - next_due_at::timestamptz), 0)),
  expires_at = stamp(now::timestamptz + make_interval(secs => $3::float8))
FROM free CROSS JOIN now WHERE leases.account_id = free.account_id
RETURNING leases.account_id, epoch, expires_at, failures

-- name: lease_waits
SELECT account_id, holder, expires_at, next_due_at, coalesce($2::text, stamp(clock_timestamp())) FROM leases
WHERE account_id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)))

-- name: renew_lease
UPDATE leases SET expires_at = stamp(now::timestamptz + make_interval(secs => coalesce($5::float8, ttl_s)))
FROM coalesce($4::text, stamp(clock_timestamp())) AS now
WHERE account_id = $1 AND epoch = $2 AND holder = $3
RETURNING expires_at

-- What is no longer ours is left alone, and not returned. The leases are locked in the order of their accounts.
-- name: release_leases
WITH r AS (
  SELECT * FROM jsonb_to_recordset($1::jsonb) AS r (
    account_id text, epoch bigint, holder text, completed jsonb, due_in_s float8, was_run bool, failure text)),
mine AS (
  SELECT r.* FROM leases l JOIN r ON r.account_id = l.account_id AND r.epoch = l.epoch AND r.holder = l.holder
  ORDER BY l.account_id FOR UPDATE OF l)
UPDATE leases l SET
  holder = NULL, expires_at = now, completed = l.completed || r.completed,
  next_due_at = coalesce(stamp(now::timestamptz + make_interval(secs => r.due_in_s)), l.next_due_at),
  failures = CASE WHEN NOT r.was_run THEN l.failures WHEN r.failure IS NULL THEN 0 ELSE l.failures + 1 END,
  failing_since = CASE
    WHEN NOT r.was_run THEN l.failing_since WHEN r.failure IS NOT NULL THEN coalesce(l.failing_since, now) END,
  failure = CASE WHEN r.was_run THEN r.failure ELSE l.failure END
FROM mine r CROSS JOIN coalesce($2::text, stamp(clock_timestamp())) AS now
WHERE l.account_id = r.account_id
RETURNING l.account_id, l.expires_at

-- name: leases
SELECT account_id, epoch, holder, last_holder, expires_at, next_due_at, completed::text, failures, failing_since, failure
FROM leases ORDER BY account_id

-- THE FLEET

-- name: add_fleet_accounts
INSERT INTO fleet_accounts AS known (account_id, shard, profiles, settings)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[])
ON CONFLICT (account_id) DO UPDATE SET
  profiles = excluded.profiles, settings = excluded.settings, version = known.version + 1
WHERE known.settings <> excluded.settings

-- name: move_fleet_accounts
UPDATE fleet_accounts f SET shard = r.shard FROM unnest($1::text[], $2::bigint[]) AS r (account_id, shard)
WHERE f.account_id = r.account_id

-- name: remove_fleet_accounts
DELETE FROM fleet_accounts WHERE account_id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)))

-- name: fleet_sizes
SELECT account_id, shard, profiles FROM fleet_accounts ORDER BY account_id

-- name: fleet_accounts
SELECT account_id, shard, settings, version FROM fleet_accounts
WHERE $1::text IS NULL OR account_id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)))
ORDER BY account_id

-- name: claim_shard
WITH now AS (SELECT coalesce($4::text, stamp(clock_timestamp())) AS now),
free AS (
  SELECT l.account_id, f.version FROM fleet_accounts f JOIN leases l USING (account_id) CROSS JOIN now
  WHERE f.shard = $1::bigint
    AND (l.holder IS NULL OR l.expires_at <= now
      OR l.expires_at > stamp(now::timestamptz + make_interval(secs => l.ttl_s + 1)))
    AND (l.next_due_at IS NULL
      OR l.next_due_at <= stamp(now::timestamptz - make_interval(secs => $6::float8))
      OR l.next_due_at > stamp(now::timestamptz + make_interval(secs => $5::float8))
      OR l.account_id = ANY (ARRAY(SELECT jsonb_array_elements_text($8::jsonb)))
      -- whoever is known to be wrong does not wait for those who are not
      OR l.next_due_at <= stamp(now::timestamptz + make_interval(secs => $7::float8)) AND EXISTS (
        SELECT 1 FROM profiles p JOIN breaks b USING (profile_id)
        WHERE p.account_id = l.account_id AND b.resolution IS NULL))
  ORDER BY l.account_id FOR UPDATE OF l SKIP LOCKED)
UPDATE leases SET
  epoch = epoch + 1, holder = $2, last_holder = $2, ttl_s = $3::float8,
  late_s = greatest(0, coalesce(extract(epoch FROM now::timestamptz - next_due_at::timestamptz), 0)),
  expires_at = stamp(now::timestamptz + make_interval(secs => $3::float8))
FROM free CROSS JOIN now WHERE leases.account_id = free.account_id
RETURNING leases.account_id, epoch, expires_at, failures, late_s::text, free.version

-- name: overdue_shards
SELECT f.shard FROM fleet_accounts f JOIN leases l USING (account_id)
CROSS JOIN (SELECT coalesce($1::text, stamp(clock_timestamp())) AS now)
WHERE (l.holder IS NULL OR l.expires_at <= now) AND coalesce(l.next_due_at, l.expires_at)
  <= stamp(now::timestamptz - make_interval(secs => $2::float8))
GROUP BY f.shard ORDER BY min(coalesce(l.next_due_at, l.expires_at)), f.shard LIMIT $3::bigint

-- name: fleet_lateness
SELECT f.account_id, f.shard, f.profiles, l.late_s::text, l.holder IS NOT NULL AND l.expires_at > now,
  extract(epoch FROM now::timestamptz - coalesce(l.next_due_at, l.expires_at)::timestamptz)::text
FROM fleet_accounts f JOIN leases l USING (account_id)
CROSS JOIN (SELECT coalesce($1::text, stamp(clock_timestamp())) AS now)
ORDER BY f.account_id

-- name: worker_seen
INSERT INTO fleet_workers AS known (worker, started_at, seen_at, says)
SELECT $1, now, now, $2 FROM coalesce($3::text, stamp(clock_timestamp())) AS now
ON CONFLICT (worker) DO UPDATE SET seen_at = excluded.seen_at, says = excluded.says
RETURNING draining

-- name: worker_gone
DELETE FROM fleet_workers WHERE worker = $1 OR seen_at <= stamp(
  coalesce($2::timestamptz, clock_timestamp()) - make_interval(secs => $3::float8))

-- name: drain_workers
UPDATE fleet_workers SET draining = true WHERE $1::text IS NULL OR worker = $1

-- name: fleet_workers
SELECT worker, started_at, seen_at, draining, says FROM fleet_workers ORDER BY worker

-- name: lock_budget
INSERT INTO fleet_budgets (budget) VALUES ($1) ON CONFLICT (budget) DO UPDATE SET budget = excluded.budget

-- name: forget_portions
DELETE FROM fleet_portions WHERE budget = $1 AND counts_until <= coalesce($2::text, stamp(clock_timestamp()))

-- name: portions_taken
SELECT coalesce(sum(requests), 0)::bigint, coalesce(extract(epoch FROM
  min(counts_until)::timestamptz - coalesce($2::timestamptz, clock_timestamp())), 0)::text
FROM fleet_portions WHERE budget = $1

-- name: add_portion
INSERT INTO fleet_portions (budget, requests, counts_until)
VALUES ($1, $2, stamp(coalesce($3::timestamptz, clock_timestamp()) + make_interval(secs => $4::float8)))

-- RUNS, BREAKS, CORRECTIONS, ALERTS, DEFERRALS

-- name: insert_run
INSERT INTO runs (
  run_id, profile_id, plan_id, taken_at, committed_at, state, error, applied, superseded, snapshot, plan)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)

-- name: stored_runs
SELECT run_id, taken_at, error, snapshot, plan FROM runs ORDER BY run_id

-- name: stored_findings
SELECT findings::text FROM profiles ORDER BY profile_id

-- name: newer_migrations
SELECT name FROM migrations WHERE number > $1 AND name NOT LIKE '%.pre' ORDER BY number

-- name: schema_parts
SELECT CASE WHEN c.relkind IN ('i', 'I') THEN 'index' ELSE 'table' END, c.relname::text, coalesce(i.indisvalid, true)
FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
WHERE c.relnamespace = 'trueup'::regnamespace AND c.relkind IN ('r', 'p', 'i', 'I')
UNION ALL
SELECT 'trigger', t.tgname::text, t.tgenabled <> 'D'
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'trueup'::regnamespace AND NOT t.tgisinternal

-- name: list_runs
SELECT run_id, profile_id, taken_at, state, plan_id, error FROM runs
WHERE $1::text IS NULL OR profile_id = $1 ORDER BY run_id DESC LIMIT $2

-- name: load_run
SELECT run_id, profile_id, taken_at, state, plan_id, error, snapshot, plan FROM runs WHERE run_id = $1

-- name: run_report
SELECT r.applied, (
  SELECT coalesce(json_agg(one ->> 'correction_id'), '[]')::text FROM json_array_elements(r.superseded::json) AS one)
FROM runs r WHERE r.run_id = $1

-- name: see_breaks
INSERT INTO breaks AS known (
  profile_id, break_id, found, first_seen_at, last_seen_at, occurrences, resolution, resolved_at, run_id)
SELECT $1, one ->> 'break_id', one::text, $3, $3, 1, CASE WHEN $5::int = 1 THEN 'corrected' END,
  CASE WHEN $5::int = 1 THEN $3 END, $4
FROM json_array_elements($2::json) AS one
ON CONFLICT (profile_id, break_id) DO UPDATE SET
  found = excluded.found,
  first_seen_at = CASE WHEN known.resolution IS NULL THEN known.first_seen_at ELSE excluded.first_seen_at END,
  last_seen_at = excluded.last_seen_at, occurrences = known.occurrences + 1, resolution = excluded.resolution,
  resolved_at = excluded.resolved_at, run_id = excluded.run_id

-- name: leave_breaks_open
UPDATE breaks SET resolution = NULL, resolved_at = NULL
WHERE profile_id = $1 AND break_id = ANY (ARRAY(SELECT jsonb_array_elements_text($2::jsonb)))

-- name: close_other_breaks
UPDATE breaks SET resolution = 'not_seen_again', resolved_at = $3
WHERE profile_id = $1 AND resolution IS NULL AND run_id <> $2
  AND break_id <> ALL (ARRAY(SELECT jsonb_array_elements_text($4::jsonb)))

-- name: list_breaks
SELECT {break_columns} FROM breaks
WHERE ($1::text IS NULL OR profile_id = $1) AND ($2::int = 0 OR resolution IS NULL)
ORDER BY first_seen_at, profile_id, break_id

-- name: open_break_texts
SELECT profile_id, found::text FROM breaks
WHERE resolution IS NULL AND ($1::text IS NULL OR profile_id = $1)
ORDER BY profile_id, break_id

-- name: open_breaks
SELECT {break_columns} FROM breaks
WHERE profile_id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb))) AND resolution IS NULL
ORDER BY first_seen_at, break_id

-- name: alerts
SELECT profile_id, raised_at, stands, alert, began_at, told_at, about FROM alerts
WHERE $1::jsonb IS NULL OR profile_id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)))
ORDER BY raised_at, profile_id, dedupe_key

-- name: set_alert
INSERT INTO alerts (profile_id, dedupe_key, raised_at, stands, alert, began_at, told_at, about)
SELECT * FROM unnest(
  $1::text[], $2::text[], $3::text[], $4::bool[], $5::text[], $6::text[], $7::text[], $8::text[])
ON CONFLICT (profile_id, dedupe_key) DO UPDATE SET
  raised_at = excluded.raised_at, stands = excluded.stands, alert = excluded.alert, began_at = excluded.began_at,
  told_at = excluded.told_at, about = excluded.about

-- name: withdraw_deliveries
UPDATE alert_deliveries SET outcome = 'withdrawn', settled_at = $3
WHERE notifier = $1 AND alert_key = $2 AND outcome IS NULL AND attempts = 0 AND not_before > $3

-- name: insert_delivery
INSERT INTO alert_deliveries (delivery_id, notifier, alert_key, message, committed_at, not_before)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
ON CONFLICT (delivery_id) DO NOTHING

-- name: due_deliveries
SELECT d.sequence, d.delivery_id, d.message, d.attempts, d.perhaps_told OR d.claimed_until IS NOT NULL
FROM alert_deliveries d
WHERE d.notifier = $1 AND d.outcome IS NULL AND (d.not_before <= $2 OR d.not_before > $4)
  AND (d.claimed_until IS NULL OR d.claimed_until <= $2 OR d.claimed_until > $5)
  AND NOT EXISTS (
    SELECT 1 FROM alert_deliveries earlier
    WHERE earlier.notifier = $1 AND earlier.alert_key = d.alert_key AND earlier.outcome IS NULL
      AND earlier.sequence < d.sequence)
ORDER BY d.sequence LIMIT $3
FOR UPDATE OF d SKIP LOCKED

-- name: claim_delivery
UPDATE alert_deliveries d SET
  perhaps_told = d.perhaps_told OR d.claimed_until IS NOT NULL, claimed_until = r.until, attempts = d.attempts + 1
FROM unnest($1::bigint[], $2::text[]) AS r (sequence, until) WHERE d.sequence = r.sequence

-- name: settle_delivery
UPDATE alert_deliveries d SET outcome = 'told', settled_at = r.at, claimed_until = NULL, error = NULL
FROM unnest($1::bigint[], $2::text[], $3::text[]) AS r (sequence, at, delivery_id)
WHERE d.sequence = r.sequence AND d.delivery_id = r.delivery_id AND d.outcome IS NULL

-- name: return_delivery
UPDATE alert_deliveries d SET
  claimed_until = NULL, not_before = r.at, error = r.error, perhaps_told = d.perhaps_told OR r.perhaps,
  outcome = r.outcome, settled_at = r.settled_at
FROM unnest(
  $1::bigint[], $2::text[], $3::text[], $4::bool[], $5::text[], $6::text[], $7::text[])
  AS r (sequence, at, error, perhaps, outcome, settled_at, delivery_id)
WHERE d.sequence = r.sequence AND d.delivery_id = r.delivery_id AND d.outcome IS NULL

-- name: next_delivery
SELECT min(greatest(d.not_before, d.claimed_until)) FROM alert_deliveries d
WHERE d.outcome IS NULL AND d.notifier IN (SELECT jsonb_array_elements_text($1::jsonb))

-- name: list_deliveries
SELECT delivery_id, notifier, message, committed_at, not_before, attempts, outcome, settled_at, error
FROM alert_deliveries WHERE $1::bigint = 0 OR outcome IS NULL OR outcome = 'refused'
ORDER BY sequence DESC LIMIT $2

-- name: insert_exit_audit
INSERT INTO exit_audit (
  profile_id, batch_id, venue_order_id, trade_id, state, symbol, side, qty, price, reason, run_id, audited_at)
SELECT * FROM unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::numeric[], $9::numeric[],
  $10::text[], $11::text[], $12::text[])
ON CONFLICT (profile_id, batch_id, venue_order_id, symbol) DO UPDATE SET
  state = excluded.state, run_id = excluded.run_id, audited_at = excluded.audited_at

-- name: insert_decision
INSERT INTO decisions (
  decision_id, kind, venue_order_id, client_order_id, trade_id, break_id, until, author, reason, decided_at, profile_id,
  symbol, evidence, qty, owner)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::numeric, $15)

-- name: revoke_decision
UPDATE decisions SET revoked_at = $2, revoked_by = $3, revoke_reason = $4
WHERE decision_id = $1 AND revoked_at IS NULL

-- name: standing_decisions
SELECT profile_id, json_agg(json_build_object({decision_pairs}))::text FROM decisions
WHERE profile_id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb))) AND revoked_at IS NULL
  AND (until IS NULL OR until > $2)
GROUP BY profile_id

-- name: list_decisions
SELECT json_build_object(
  'profile_id', profile_id, 'decision', json_build_object({decision_pairs}), 'revoked_at', revoked_at,
  'revoked_by', revoked_by, 'revoke_reason', revoke_reason)::text
FROM decisions WHERE $1::text IS NULL OR profile_id = $1 ORDER BY decided_at, decision_id

-- name: list_deferrals
SELECT profile_id, client_order_id, venue_order_id, reason, first_deferred_at FROM deferrals
WHERE profile_id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb))) ORDER BY first_deferred_at, order_identity

-- name: keep_deferrals
DELETE FROM deferrals
WHERE profile_id = $1 AND order_identity <> ALL (ARRAY(SELECT jsonb_array_elements_text($2::jsonb)))

-- name: defer_order
INSERT INTO deferrals AS known (
  profile_id, order_identity, client_order_id, venue_order_id, reason, first_deferred_at)
SELECT DISTINCT ON (c1, c2) * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
  AS r (c1, c2, c3, c4, c5, c6)
ON CONFLICT (profile_id, order_identity) DO UPDATE SET reason = excluded.reason
WHERE known.reason <> excluded.reason

-- OUTBOX

-- name: insert_notifications
INSERT INTO outbox (notification_id, profile_id, run_id, subject, notification, committed_at)
SELECT one ->> 'notification_id', $1, $4,
  coalesce(one ->> 'trade_id', one ->> 'client_order_id', one ->> 'venue_order_id', one ->> 'notification_id'),
  one::text, $3
FROM json_array_elements($2::json) WITH ORDINALITY AS list (one, place) ORDER BY place
ON CONFLICT (notification_id) DO NOTHING

-- name: pending_notifications
SELECT b.profile_id, b.run_id, b.sequence, b.notification, b.subject, b.attempts FROM outbox b
WHERE b.delivered_at IS NULL AND b.parked_at IS NULL
  AND ($2::text IS NULL OR b.profile_id IN (SELECT jsonb_array_elements_text($2::jsonb)))
  AND NOT EXISTS (
    SELECT 1 FROM outbox held
    WHERE held.profile_id = b.profile_id AND held.subject = b.subject AND held.sequence <= b.sequence
      AND held.delivered_at IS NULL AND held.parked_at IS NULL
      AND held.next_attempt_at > $1 AND held.next_attempt_at <= $4)
  AND NOT EXISTS (
    SELECT 1 FROM write_backs w
    WHERE w.profile_id = b.profile_id AND w.subject = b.subject AND w.outcome IS NULL)
ORDER BY b.sequence LIMIT $3

-- name: mark_delivered
UPDATE outbox b SET delivered_at = r.at, attempts = b.attempts + 1, error = NULL
FROM unnest($1::bigint[], $2::text[], $3::text[]) AS r (sequence, at, notification_id)
WHERE b.sequence = r.sequence AND b.notification_id = r.notification_id AND b.delivered_at IS NULL

-- name: mark_failed
UPDATE outbox SET attempts = attempts + 1, next_attempt_at = $2, parked_at = $3, error = $4
WHERE sequence = $1 AND notification_id = $5 AND delivered_at IS NULL

-- name: unpark
UPDATE outbox SET parked_at = NULL, attempts = 0, next_attempt_at = NULL
WHERE parked_at IS NOT NULL AND ($1::text IS NULL OR profile_id = $1)

-- name: parked_notifications
SELECT profile_id, count(*) FROM outbox
WHERE parked_at IS NOT NULL AND delivered_at IS NULL
  AND profile_id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)))
GROUP BY profile_id

-- name: count_waiting
SELECT profile_id, sum(deferred)::bigint, sum(waiting)::bigint, sum(parked)::bigint, sum(unwritten)::bigint FROM (
  SELECT profile_id, count(*) AS deferred, 0 AS waiting, 0 AS parked, 0 AS unwritten FROM deferrals GROUP BY profile_id
  UNION ALL
  SELECT profile_id, 0, count(*) FILTER (WHERE parked_at IS NULL), count(*) FILTER (WHERE parked_at IS NOT NULL), 0
  FROM outbox WHERE delivered_at IS NULL GROUP BY profile_id
  UNION ALL
  SELECT profile_id, 0, 0, 0, count(*) FROM write_backs WHERE outcome IS NULL GROUP BY profile_id
) AS counted GROUP BY profile_id

-- name: count_outbox
SELECT count(*) FILTER (WHERE delivered_at IS NULL AND parked_at IS NULL),
  count(*) FILTER (WHERE parked_at IS NOT NULL)
FROM outbox WHERE $1::text IS NULL OR profile_id = $1

-- name: outbox_state
SELECT count(*) FILTER (WHERE parked_at IS NULL), count(*) FILTER (WHERE parked_at IS NOT NULL),
  min(committed_at) FILTER (WHERE parked_at IS NULL)
FROM outbox WHERE delivered_at IS NULL

-- TIMELINE OF ONE ORDER (ids), OR OF ONE TRADE ($3): log, breaks, corrections, notifications, decisions

-- name: order_key
SELECT order_key FROM orders
WHERE profile_id = $1 AND CASE WHEN $2::text IS NOT NULL THEN venue_id_normal = $2 ELSE client_id_normal = $3 END
  AND symbol IS NOT DISTINCT FROM $4

-- name: repaired_orders
SELECT l.profile_id, l.order_key, l.logged_at, l.written_by, l.payload FROM order_log l
WHERE l.order_key IN (
  SELECT order_key FROM order_log WHERE ($1::text IS NULL OR profile_id = $1) AND order_key IS NOT NULL
    AND logged_at >= $2 AND written_by LIKE 'trueup:%')
ORDER BY l.profile_id, l.order_key, l.seq

-- name: bot_writes
SELECT logged_at FROM order_log WHERE profile_id = $1 AND logged_at >= $2 AND written_by = $3 ORDER BY logged_at

-- name: written_by
SELECT order_key, trade_id, seq FROM order_log WHERE profile_id = $1 AND written_by = $2 ORDER BY seq

-- name: written_between
SELECT order_key, trade_id, seq FROM order_log WHERE profile_id = $1 AND seq BETWEEN $2 AND $3 ORDER BY seq

-- name: log_of_order
SELECT seq, logged_at, event, written_by, version, payload FROM order_log WHERE profile_id = $1 AND order_key = $2
ORDER BY seq

-- name: log_of_trade
SELECT seq, logged_at, event, written_by, version, payload FROM order_log
WHERE profile_id = $1 AND order_key IS NULL AND trade_id = $2 ORDER BY seq

-- name: has_foreign_rows
SELECT EXISTS (SELECT 1 FROM foreign_rows WHERE profile_id = $1)

-- name: was_anything_undone
SELECT EXISTS (SELECT 1 FROM person_corrections WHERE profile_id = $1 AND undoes IS NOT NULL)

-- name: known_notifications
SELECT notification_id FROM outbox WHERE notification_id IN (SELECT jsonb_array_elements_text($1::jsonb))

-- name: insert_person_correction
INSERT INTO person_corrections (
  correction_id, profile_id, kind, about, author, reason, corrected_at, first_seq, last_seq, undoes, document)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)

-- name: person_corrections
SELECT correction_id, profile_id, kind, about, author, reason, corrected_at, first_seq, last_seq, undoes, document
FROM person_corrections WHERE ($1::text IS NULL OR profile_id = $1) ORDER BY corrected_at, correction_id

-- name: timeline_log
SELECT logged_at, event, written_by, version, payload FROM order_log WHERE order_key = $1 ORDER BY seq

-- name: timeline_trade_log
SELECT logged_at, event, written_by, version, payload FROM order_log
WHERE profile_id = $1 AND normal_id(trade_id) = $2 ORDER BY seq

-- fragment: names_one
normal_id(one ->> 'venue_order_id') IN (SELECT jsonb_array_elements_text($2::jsonb))
  OR normal_id(one ->> 'client_order_id') IN (SELECT jsonb_array_elements_text($2::jsonb))
  OR normal_id(one ->> 'trade_id') = $3

-- name: timeline_breaks
SELECT {break_columns} FROM breaks CROSS JOIN LATERAL (SELECT found::json) AS document (one)
WHERE profile_id = $1 AND ({names_one})
ORDER BY first_seen_at, break_id

-- name: timeline_superseded
SELECT r.committed_at, one::text, r.run_id
FROM runs r CROSS JOIN LATERAL json_array_elements(r.superseded::json) WITH ORDINALITY AS list (one, place)
WHERE r.profile_id = $1 AND ({names_one})
ORDER BY r.run_id, place

-- name: timeline_decisions
SELECT decided_at, kind, author, reason, trade_id, until, decision_id, revoked_at, revoked_by, revoke_reason
FROM decisions WHERE profile_id = $1 AND (
  normal_id(venue_order_id) IN (SELECT jsonb_array_elements_text($2::jsonb))
  OR normal_id(client_order_id) IN (SELECT jsonb_array_elements_text($2::jsonb))
  OR normal_id(trade_id) = $3
  OR break_id IN (SELECT jsonb_array_elements_text($4::jsonb)))
ORDER BY decided_at, decision_id

-- name: timeline_notifications
SELECT committed_at, notification, attempts, delivered_at, parked_at, error, run_id
FROM outbox CROSS JOIN LATERAL (SELECT notification::json) AS document (one)
WHERE profile_id = $1 AND ({names_one})
ORDER BY sequence

-- RETENTION

-- name: purge_runs
DELETE FROM runs WHERE committed_at < $1 AND run_id NOT IN (
  SELECT run_id FROM (
    SELECT run_id, row_number() OVER (PARTITION BY profile_id ORDER BY run_id DESC) AS newest FROM runs) ranked
  WHERE newest <= $2)

-- name: purge_outbox
DELETE FROM outbox WHERE delivered_at < $1

-- name: purge_deliveries
DELETE FROM alert_deliveries WHERE settled_at < $1

-- name: purge_alerts
DELETE FROM alerts WHERE NOT stands AND raised_at < $1

-- name: purge_breaks
DELETE FROM breaks WHERE resolved_at < $1

-- name: purge_watermarks
DELETE FROM watermarks WHERE (profile_id, log_seq) NOT IN (
  SELECT profile_id, log_seq FROM (
    SELECT profile_id, log_seq, row_number() OVER (PARTITION BY profile_id ORDER BY log_seq DESC) AS newest
    FROM watermarks) ranked
  WHERE newest <= $1)

-- EXPORT: one JSON object a row

-- name: export_orders
SELECT json_build_object({order_pairs}, 'profile_id', o.profile_id)::text FROM orders o
WHERE $1::text IS NULL OR o.profile_id = $1 ORDER BY o.order_key

-- name: export_fills
SELECT json_build_object({fill_pairs}, 'profile_id', o.profile_id)::text FROM orders o JOIN fills f USING (order_key)
WHERE $1::text IS NULL OR o.profile_id = $1
ORDER BY o.order_key, f.filled_at COLLATE "C" NULLS FIRST, f.fill_identity

-- name: export_trades
SELECT json_build_object({trade_pairs}, 'profile_id', t.profile_id)::text FROM trades t
WHERE $1::text IS NULL OR t.profile_id = $1 ORDER BY t.profile_id, t.trade_id

-- name: export_breaks
SELECT json_build_object(
  'profile_id', profile_id, 'break_id', break_id, 'kind', one ->> 'kind', 'severity', one ->> 'severity',
  'symbol', one ->> 'symbol', 'client_order_id', one ->> 'client_order_id',
  'venue_order_id', one ->> 'venue_order_id', 'trade_id', one ->> 'trade_id', 'reason', one ->> 'reason',
  'message', one ->> 'message', 'local', one -> 'local', 'venue', one -> 'venue',
  'first_seen_at', first_seen_at, 'last_seen_at', last_seen_at, 'occurrences', occurrences,
  'resolution', resolution, 'resolved_at', resolved_at, 'run_id', run_id)::text
FROM breaks CROSS JOIN LATERAL (SELECT found::json) AS document (one)
WHERE $1::text IS NULL OR profile_id = $1 ORDER BY first_seen_at, profile_id, break_id

-- name: export_corrections
WITH corrections (profile_id, run_id, state, client_order_id, venue_order_id, trade_id, c) AS (
  SELECT l.profile_id, CASE WHEN l.written_by LIKE 'trueup:%' THEN substr(l.written_by, length('trueup:') + 1) END, 'applied', o.client_order_id, o.venue_order_id,
    l.trade_id, one
  FROM order_log l CROSS JOIN LATERAL json_array_elements(l.payload::json -> 'corrections') AS one
  LEFT JOIN orders o ON o.order_key = l.order_key
  WHERE $1::text IS NULL OR l.profile_id = $1
  UNION ALL
  SELECT r.profile_id, r.run_id, 'superseded', one ->> 'client_order_id', one ->> 'venue_order_id',
    one ->> 'trade_id', one
  FROM runs r CROSS JOIN LATERAL json_array_elements(r.superseded::json) AS one
  WHERE $1::text IS NULL OR r.profile_id = $1)
SELECT json_build_object(
  'profile_id', profile_id, 'run_id', run_id, 'correction_id', c ->> 'correction_id', 'break_id', c ->> 'break_id',
  'state', state, 'kind', c ->> 'kind', 'reason', c ->> 'reason', 'client_order_id', client_order_id,
  'venue_order_id', venue_order_id, 'trade_id', trade_id, 'fill', c -> 'fill', 'changes', c -> 'changes')::text
FROM corrections ORDER BY run_id COLLATE "C", c ->> 'correction_id' COLLATE "C"

-- name: export_runs
SELECT json_build_object(
  'run_id', run_id, 'profile_id', profile_id, 'plan_id', plan_id, 'taken_at', taken_at,
  'committed_at', committed_at, 'state', state, 'error', error, 'applied', applied,
  'superseded', json_array_length(superseded::json))::text
FROM runs WHERE $1::text IS NULL OR profile_id = $1 ORDER BY run_id

-- name: export_order_log
SELECT json_build_object(
  'profile_id', profile_id, 'seq', seq, 'logged_at', logged_at, 'event', event, 'written_by', written_by,
  'order_key', order_key, 'trade_id', trade_id, 'version', version, 'payload', payload::json, 'hash', hash)::text
FROM order_log WHERE $1::text IS NULL OR profile_id = $1 ORDER BY profile_id, seq

-- name: export_outbox
SELECT json_build_object(
  'sequence', sequence, 'profile_id', profile_id, 'run_id', run_id, 'notification', notification::json,
  'committed_at', committed_at, 'attempts', attempts, 'next_attempt_at', next_attempt_at,
  'delivered_at', delivered_at, 'parked_at', parked_at, 'error', error)::text
FROM outbox WHERE $1::text IS NULL OR profile_id = $1 ORDER BY sequence

-- name: export_exit_audit
SELECT json_build_object(
  'profile_id', profile_id, 'batch_id', batch_id, 'state', state, 'venue_order_id', venue_order_id,
  'trade_id', trade_id, 'symbol', symbol, 'side', side, 'qty', trim_scale(qty)::text,
  'price', trim_scale(price)::text, 'reason', reason, 'run_id', run_id, 'audited_at', audited_at)::text
FROM exit_audit WHERE $1::text IS NULL OR profile_id = $1 ORDER BY audited_at, profile_id, batch_id, venue_order_id, symbol

-- name: export_decisions
SELECT json_build_object(
  'profile_id', profile_id, {decision_pairs}, 'revoked_at', revoked_at, 'revoked_by', revoked_by,
  'revoke_reason', revoke_reason)::text
FROM decisions WHERE $1::text IS NULL OR profile_id = $1 ORDER BY decided_at, decision_id

-- name: export_person_corrections
SELECT json_build_object(
  'correction_id', correction_id, 'profile_id', profile_id, 'kind', kind, 'about', about, 'author', author,
  'reason', reason, 'corrected_at', corrected_at, 'first_seq', first_seq, 'last_seq', last_seq, 'undoes', undoes,
  'document', document::json)::text
FROM person_corrections WHERE $1::text IS NULL OR profile_id = $1 ORDER BY corrected_at, correction_id

-- Every statement of the SQLite ledger, by name. Values are bound, never written in. `{name}` is a fragment below.
-- A list is bound as one JSON array.

-- fragment: order_document
json_object(
  'client_order_id', o.client_order_id, 'venue_order_id', o.venue_order_id, 'trade_id', o.trade_id,
  'sub_tag', o.sub_tag, 'symbol', o.symbol, 'side', o.side, 'action', o.action, 'order_type', o.order_type,
  'qty', o.qty, 'limit_price', o.limit_price, 'stop_price', o.stop_price, 'status', o.status,
  'filled_qty', o.filled_qty, 'filled_avg_price', o.filled_avg_price, 'submitted_at', o.submitted_at,
  'last_activity_at', o.last_activity_at, 'venue_updated_at', o.venue_updated_at,
  'previous_venue_order_ids', json(o.previous_venue_order_ids), 'position_side', o.position_side,
  'by_notional', json(CASE o.by_notional WHEN 1 THEN 'true' ELSE 'false' END),
  'version', o.version)

-- fragment: order_columns
json_array(
  o.client_order_id, o.venue_order_id, o.trade_id, o.sub_tag, o.symbol, o.side, o.action, o.order_type, o.qty,
  o.limit_price, o.stop_price, o.status, o.filled_qty, o.filled_avg_price, o.submitted_at, o.last_activity_at,
  o.venue_updated_at, json(o.previous_venue_order_ids), o.position_side,
  json(CASE o.by_notional WHEN 1 THEN 'true' ELSE 'false' END), o.version)

-- fragment: fill_document
json_object(
  'fill_id', f.fill_id, 'venue_order_id', f.venue_order_id, 'client_order_id', f.client_order_id,
  'symbol', f.symbol, 'side', f.side, 'qty', f.qty, 'price', f.price, 'fee', f.fee,
  'fee_currency', f.fee_currency, 'filled_at', f.filled_at,
  'inferred', json(CASE f.inferred WHEN 1 THEN 'true' ELSE 'false' END),
  'price_estimated', json(CASE f.price_estimated WHEN 1 THEN 'true' ELSE 'false' END))

-- fragment: fill_columns
json_array(
  f.fill_id, f.venue_order_id, f.client_order_id, f.symbol, f.side, f.qty, f.price, f.fee, f.fee_currency, f.filled_at,
  json(CASE f.inferred WHEN 1 THEN 'true' ELSE 'false' END),
  json(CASE f.price_estimated WHEN 1 THEN 'true' ELSE 'false' END))

-- fragment: trade_document
json_object(
  'trade_id', t.trade_id, 'symbol', t.symbol, 'side', t.side, 'status', t.status, 'entry_qty', t.entry_qty,
  'exit_qty', t.exit_qty, 'entry_avg_price', t.entry_avg_price, 'fee_base_qty', t.fee_base_qty,
  'quarantined_by', t.quarantined_by, 'opened_at', t.opened_at, 'version', t.version)

-- fragment: trade_columns
json_array(
  t.trade_id, t.symbol, t.side, t.status, t.entry_qty, t.exit_qty, t.entry_avg_price, t.fee_base_qty,
  t.quarantined_by, t.opened_at, t.version)

-- fragment: break_columns
profile_id, found, first_seen_at, last_seen_at, occurrences, resolution, resolved_at, run_id

-- fragment: decision_document
'decision_id', decision_id, 'kind', kind, 'venue_order_id', venue_order_id, 'client_order_id', client_order_id,
  'symbol', symbol, 'trade_id', trade_id, 'break_id', break_id, 'until', until, 'evidence', json(evidence), 'qty', qty, 'owner', owner,
  'author', author, 'reason', reason, 'decided_at', decided_at

-- fragment: of_accounts
json_each(?1) AS a CROSS JOIN orders o ON o.account_id = a.value

-- fragment: order_rows
json_group_array(json_object(
  'order_key', o.order_key, 'profile_id', o.profile_id, 'logged_version', o.logged_version,
  'order', {order_document}))

-- fragment: fill_rows
json_group_array(json_object(
  'instrument', f.instrument, 'order_identity', f.order_identity, 'fill_identity', f.fill_identity,
  'order_key', f.order_key, 'fill', {fill_document}))

-- fragment: trade_rows
json_group_array(json_object('logged_version', t.logged_version, 'trade', {trade_document}))

-- ACCOUNTS AND PROFILES

-- name: add_account
INSERT INTO accounts (account_id, venue) VALUES (?1, ?2)
ON CONFLICT (account_id) DO UPDATE SET venue = excluded.venue WHERE venue IS NULL AND excluded.venue IS NOT NULL

-- name: add_profile
INSERT INTO profiles (profile_id, account_id, user_id) VALUES (?1, ?2, ?3)
ON CONFLICT (profile_id) DO UPDATE SET user_id = excluded.user_id
WHERE user_id IS NOT excluded.user_id AND excluded.user_id IS NOT NULL

-- name: profile_homes
SELECT p.profile_id, p.account_id, a.venue FROM profiles p JOIN accounts a USING (account_id)
WHERE p.profile_id IN (SELECT value FROM json_each(?1))

-- the whole database is locked for one writer
-- name: lock_profile
SELECT 1 WHERE ?1 IS NOT NULL

-- name: books_of_profile
SELECT p.account_id, p.user_id, ?2, l.seq, l.hash,
  EXISTS (SELECT 1 FROM orders o WHERE o.profile_id = p.profile_id AND o.logged_version <> o.version)
    OR EXISTS (SELECT 1 FROM trades t WHERE t.profile_id = p.profile_id AND t.logged_version <> t.version)
FROM profiles p LEFT JOIN order_log l
  ON l.profile_id = p.profile_id AND l.seq = (SELECT max(seq) FROM order_log WHERE profile_id = p.profile_id)
WHERE p.profile_id = ?1

-- name: profiles
SELECT profile_id, account_id, user_id, a.venue, pause_reason FROM profiles JOIN accounts a USING (account_id)
ORDER BY profile_id

-- name: venue_account_ids
SELECT account_id, venue_account_id FROM json_each(?1) CROSS JOIN accounts ON account_id = value
WHERE venue_account_id IS NOT NULL

-- name: set_venue_account_id
UPDATE accounts SET venue_account_id = ?2 WHERE account_id = ?1

-- name: set_pause
UPDATE profiles SET pause_reason = ?2 WHERE profile_id = ?1

-- name: profile_states
SELECT p.profile_id, p.findings, p.pause_reason, (
  SELECT json_object('watermark', w.watermark, 'scope', json(w.scope)) FROM watermarks w
  WHERE w.profile_id = p.profile_id AND (w.log_seq = 0 OR EXISTS (
    SELECT 1 FROM order_log l WHERE l.profile_id = w.profile_id AND l.seq = w.log_seq AND l.hash = w.log_hash))
  ORDER BY w.log_seq DESC LIMIT 1)
FROM profiles p WHERE p.profile_id IN (SELECT value FROM json_each(?1))

-- name: watermark_believed
SELECT json_object('watermark', w.watermark, 'scope', json(w.scope)) FROM watermarks w
WHERE w.profile_id = ?1 AND substr(w.watermark, 1, 19) <= substr(?2, 1, 19) AND (w.log_seq = 0 OR EXISTS (
  SELECT 1 FROM order_log l WHERE l.profile_id = w.profile_id AND l.seq = w.log_seq AND l.hash = w.log_hash))
ORDER BY w.log_seq DESC LIMIT 1

-- name: forget_watermarks
DELETE FROM watermarks WHERE profile_id = ?1 AND substr(watermark, 1, 19) > substr(?2, 1, 19)

-- name: set_findings
UPDATE profiles SET findings = ?2 WHERE profile_id = ?1 AND findings <> ?2

-- name: set_watermark
INSERT INTO watermarks (profile_id, log_seq, log_hash, watermark, scope) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (profile_id, log_seq) DO UPDATE SET
  watermark = excluded.watermark, log_hash = excluded.log_hash, scope = excluded.scope
WHERE watermark <> excluded.watermark OR log_hash <> excluded.log_hash OR scope <> excluded.scope

-- The same for many profiles, each with the head of its own log.
-- name: set_watermarks
INSERT INTO watermarks (profile_id, log_seq, log_hash, watermark, scope)
SELECT r.value ->> 'profile_id', coalesce(l.seq, 0), coalesce(l.hash, ''), r.value ->> 'watermark', r.value ->> 'scope'
FROM json_each(?1) AS r LEFT JOIN order_log l ON l.profile_id = r.value ->> 'profile_id' AND l.seq = (
  SELECT max(seq) FROM order_log WHERE profile_id = r.value ->> 'profile_id')
WHERE true
ON CONFLICT (profile_id, log_seq) DO UPDATE SET
  watermark = excluded.watermark, log_hash = excluded.log_hash, scope = excluded.scope
WHERE watermark <> excluded.watermark OR log_hash <> excluded.log_hash OR scope <> excluded.scope

-- READING THE BOOKS
-- Live orders and recently closed ones are two arms everywhere: of an OR of both, SQLite scans the whole table.

-- ?1: the accounts, in one list

-- name: open_and_recent_orders
SELECT o.account_id, o.profile_id, {order_columns} FROM {of_accounts} AND o.is_live
UNION ALL
SELECT o.account_id, o.profile_id, {order_columns} FROM {of_accounts} AND NOT o.is_live AND o.last_activity_at >= ?2

-- name: oldest_recent
SELECT a.value,
  (SELECT min(last_activity_at) FROM orders WHERE account_id = a.value AND NOT is_live AND last_activity_at >= ?2),
  (SELECT min(updated_at) FROM trades WHERE account_id = a.value AND status = 'closed' AND updated_at >= ?2)
FROM json_each(?1) AS a

-- name: accounts_with_older_rows
SELECT a.value FROM json_each(?1) AS a WHERE EXISTS (
  SELECT 1 FROM orders
  WHERE account_id = a.value AND NOT is_live AND (last_activity_at IS NULL OR last_activity_at < ?2))
  OR EXISTS (SELECT 1 FROM trades WHERE account_id = a.value AND status = 'closed' AND updated_at < ?2)

-- name: fills_of_open_and_recent
SELECT o.account_id, o.profile_id, {fill_columns}
FROM {of_accounts} AND o.is_live CROSS JOIN fills f ON f.order_key = o.order_key AND f.qty <> '0'
UNION ALL
SELECT o.account_id, o.profile_id, {fill_columns}
FROM {of_accounts} AND NOT o.is_live AND o.last_activity_at >= ?2
CROSS JOIN fills f ON f.order_key = o.order_key AND f.qty <> '0'

-- name: trades_open_and_recent
SELECT t.account_id, t.profile_id, {trade_columns} FROM trades t WHERE t.rowid IN (
  SELECT r.rowid FROM json_each(?1) AS a CROSS JOIN trades r ON r.account_id = a.value AND r.status <> 'closed'
  UNION ALL SELECT r.rowid FROM json_each(?1) AS a
    CROSS JOIN trades r ON r.account_id = a.value AND r.status = 'closed' AND r.updated_at >= ?2
  UNION ALL SELECT r.rowid FROM {of_accounts} AND o.is_live
    CROSS JOIN trades r ON r.profile_id = o.profile_id AND r.trade_id_normal = o.trade_id_normal AND r.status = 'closed'
  UNION ALL SELECT r.rowid FROM {of_accounts} AND NOT o.is_live AND o.last_activity_at >= ?2
    CROSS JOIN trades r ON r.profile_id = o.profile_id AND r.trade_id_normal = o.trade_id_normal AND r.status = 'closed')

-- name: unsettled_symbols
SELECT o.profile_id, o.symbol FROM {of_accounts} AND o.is_live AND o.symbol IS NOT NULL
  AND (o.last_activity_at BETWEEN ?2 AND ?3 OR o.status IN ('pending_cancel', 'pending_replace'))
UNION
SELECT o.profile_id, o.symbol
FROM {of_accounts} AND NOT o.is_live AND o.symbol IS NOT NULL AND o.last_activity_at BETWEEN ?2 AND ?3
UNION
SELECT o.profile_id, o.symbol FROM profiles p JOIN deferrals d USING (profile_id)
JOIN orders o ON o.account_id = p.account_id
  AND (o.venue_id_normal = d.venue_order_id OR o.client_id_normal = d.client_order_id)
WHERE p.account_id IN (SELECT value FROM json_each(?1)) AND o.symbol IS NOT NULL

-- fragment: keys_by_ids
SELECT order_key FROM json_each(?2) AS wanted CROSS JOIN orders ON account_id = ?1 AND venue_id_normal = wanted.value
  UNION ALL SELECT order_key FROM json_each(?3) AS wanted CROSS JOIN orders
    ON account_id = ?1 AND client_id_normal = wanted.value
  UNION ALL SELECT order_key FROM json_each(?2) AS wanted CROSS JOIN previous_ids
    ON account_id = ?1 AND venue_id_normal = wanted.value

-- name: orders_by_ids
SELECT {order_rows} FROM orders o WHERE o.order_key IN ({keys_by_ids})

-- name: orders_to_change
SELECT o.account_id, o.profile_id, {order_columns}, o.order_key, o.logged_version FROM orders o WHERE o.order_key IN ({keys_by_ids})

-- name: orders_anywhere
SELECT {order_rows} FROM orders o WHERE (?2 IS NULL OR o.profile_id = ?2) AND o.order_key IN (
  SELECT order_key FROM orders WHERE account_id IN (SELECT account_id FROM accounts) AND venue_id_normal = ?1
  UNION SELECT order_key FROM orders WHERE account_id IN (SELECT account_id FROM accounts) AND client_id_normal = ?1
  UNION SELECT order_key FROM previous_ids WHERE account_id IN (SELECT account_id FROM accounts)
    AND venue_id_normal = ?1)

-- name: trades_anywhere
SELECT json_group_array(json_object('profile_id', t.profile_id, 'trade', {trade_document})) FROM trades t
WHERE t.trade_id_normal = ?1 AND (?2 IS NULL OR t.profile_id = ?2)

-- name: orders_without_ids
SELECT {order_rows} FROM orders o
WHERE o.profile_id = ?1 AND o.venue_id_normal IS NULL AND o.client_id_normal IS NULL

-- name: orders_of_trade
SELECT {order_rows} FROM orders o WHERE o.profile_id = ?1 AND o.trade_id_normal = ?2

-- name: orders_by_key
SELECT {order_rows} FROM orders o WHERE o.order_key IN (SELECT value FROM json_each(?1))

-- name: orders_of_trades
SELECT {order_rows} FROM json_each(?2) wanted CROSS JOIN orders o
WHERE o.profile_id = ?1 AND o.trade_id_normal = wanted.value

-- name: fills_of_orders
SELECT {fill_rows} FROM fills f WHERE f.order_key IN (SELECT value FROM json_each(?1))

-- name: fills_by_identity
SELECT {fill_rows} FROM json_each(?2) wanted CROSS JOIN fills f
WHERE f.account_id = ?1 AND f.instrument = wanted.value ->> 0 AND f.order_identity = wanted.value ->> 1
  AND f.fill_identity = wanted.value ->> 2

-- name: trades_by_id
SELECT {trade_rows} FROM trades t WHERE t.profile_id = ?1 AND t.trade_id_normal IN (SELECT value FROM json_each(?2))

-- name: quarantined_trades
SELECT {trade_rows} FROM trades t WHERE t.profile_id = ?1 AND t.status = 'quarantined'

-- name: orders_past_the_log
SELECT {order_rows} FROM orders o WHERE o.profile_id = ?1 AND o.logged_version <> o.version

-- name: trades_past_the_log
SELECT {trade_rows} FROM trades t WHERE t.profile_id = ?1 AND t.logged_version <> t.version

-- HELD AGAINST THE LOG: an order with its fills and its rows of the log; trades and theirs, both by the trade's id

-- name: orders_with_log
SELECT o.order_key, o.logged_version, {order_document},
  (SELECT {fill_rows} FROM fills f WHERE f.order_key = o.order_key),
  (SELECT json_group_array(json_array(l.version, json(l.payload)) ORDER BY l.seq)
   FROM order_log l WHERE l.order_key = o.order_key)
FROM orders o WHERE o.profile_id = ?1 ORDER BY o.order_key

-- name: orders_only_logged
SELECT DISTINCT l.order_key FROM order_log l
WHERE l.profile_id = ?1 AND l.order_key IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.order_key = l.order_key AND o.profile_id = l.profile_id)
  AND (SELECT n.payload FROM order_log n WHERE n.order_key = l.order_key ORDER BY n.seq DESC LIMIT 1) ->> '$.changes.removed' IS NULL

-- name: trades_by_name
SELECT t.trade_id, t.logged_version, {trade_document},
  (SELECT json_group_array(json_array(o.action, o.filled_qty)) FROM orders o
   WHERE o.profile_id = t.profile_id AND o.trade_id_normal = t.trade_id_normal)
FROM trades t WHERE t.profile_id = ?1 ORDER BY t.trade_id

-- name: trade_log_by_name
SELECT coalesce(l.trade_id, '') AS name, l.version, l.payload FROM order_log l
WHERE l.profile_id = ?1 AND l.order_key IS NULL ORDER BY name, l.seq

-- WRITING THE BOOKS

-- name: next_order_keys
WITH RECURSIVE new (number, last) AS (
  SELECT 1, max(coalesce((SELECT max(order_key) FROM orders), 0), coalesce((
    SELECT max(order_key) FROM order_log WHERE order_key IS NOT NULL), 0)) WHERE ?1 > 0   -- never one that was taken away
  UNION ALL SELECT number + 1, last FROM new WHERE number < ?1)
SELECT last + number FROM new

-- name: insert_order
INSERT INTO orders (
  client_order_id, venue_order_id, trade_id, sub_tag, symbol, side, action, order_type, qty, limit_price, stop_price,
  status, filled_qty, filled_avg_price, submitted_at, last_activity_at, venue_updated_at, previous_venue_order_ids,
  position_side, by_notional, version, logged_version, order_key, account_id, profile_id)
VALUES (
  ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?21, ?22, ?23, ?24)

-- name: move_orders
UPDATE OR FAIL orders SET
  status = moved.value ->> 2, filled_qty = moved.value ->> 3, filled_avg_price = moved.value ->> 4,
  last_activity_at = moved.value ->> 5, venue_updated_at = moved.value ->> 6,
  version = version + 1, logged_version = version + 1
FROM jsonb_each(?1) AS moved WHERE order_key = moved.value ->> 0 AND version + 1 = moved.value ->> 1

-- name: update_order
UPDATE orders SET
  client_order_id = ?1, venue_order_id = ?2, trade_id = ?3, sub_tag = ?4, symbol = ?5, side = ?6, action = ?7,
  order_type = ?8, qty = ?9, limit_price = ?10, stop_price = ?11, status = ?12, filled_qty = ?13,
  filled_avg_price = ?14, submitted_at = ?15, last_activity_at = ?16, venue_updated_at = ?17,
  previous_venue_order_ids = ?18, position_side = ?19, by_notional = ?20, version = ?21, logged_version = ?21
WHERE order_key = ?22 AND version = ?21 - 1

-- name: order_logged
UPDATE orders SET logged_version = version WHERE order_key = ?1

-- name: insert_fill
INSERT INTO fills (
  account_id, instrument, order_identity, fill_identity, order_key, fill_id, venue_order_id, client_order_id, symbol,
  side, qty, price, fee, fee_currency, filled_at, inferred, price_estimated)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
ON CONFLICT DO NOTHING

-- name: amend_fill
UPDATE fills SET qty = ?5, price = ?6, fee = ?7, fee_currency = ?8, price_estimated = ?9
WHERE account_id = ?1 AND instrument = ?2 AND order_identity = ?3 AND fill_identity = ?4

-- name: drop_fill
DELETE FROM fills WHERE account_id = ?1 AND instrument = ?2 AND order_identity = ?3 AND fill_identity = ?4

-- name: drop_fills_of
DELETE FROM fills WHERE order_key = ?1

-- name: drop_previous_ids_of
DELETE FROM previous_ids WHERE order_key = ?1

-- name: drop_order
DELETE FROM orders WHERE order_key = ?1 AND version = ?2

-- name: drop_trade
DELETE FROM trades WHERE profile_id = ?1 AND trade_id = ?2 AND version = ?3

-- name: insert_trade
INSERT INTO trades (
  symbol, side, status, entry_qty, exit_qty, entry_avg_price, fee_base_qty, quarantined_by, opened_at, version,
  logged_version, updated_at, profile_id, trade_id, account_id)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11, ?12, ?13, ?14)

-- name: update_trade
UPDATE trades SET
  symbol = ?1, side = ?2, status = ?3, entry_qty = ?4, exit_qty = ?5, entry_avg_price = ?6, fee_base_qty = ?7,
  quarantined_by = ?8, opened_at = ?9, version = ?10, logged_version = ?10, updated_at = ?11
WHERE profile_id = ?12 AND trade_id = ?13 AND version = ?10 - 1

-- name: trade_logged
UPDATE trades SET logged_version = version WHERE profile_id = ?1 AND trade_id = ?2

-- name: append_log
INSERT OR FAIL INTO order_log (
  profile_id, seq, logged_at, event, written_by, order_key, trade_id, version, payload, hash)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)

-- name: read_log
SELECT seq, logged_at, event, written_by, order_key, trade_id, version, payload, hash
FROM order_log WHERE profile_id = ?1 ORDER BY seq

-- BOOKS OF THE BOTS' OWN

-- name: foreign_rows_known
SELECT row_key, fingerprint, order_key, profile_id, removed_at FROM foreign_rows
WHERE account_id = ?1 AND source = ?2 AND row_key IN (SELECT value FROM json_each(?3))

-- name: foreign_rows_live
SELECT r.row_key, r.fingerprint FROM orders o CROSS JOIN foreign_rows r ON r.order_key = o.order_key
WHERE o.account_id = ?1 AND o.is_live AND r.source = ?2 AND r.removed_at IS NULL

-- name: foreign_rows_of_orders
SELECT order_key, row_key, fingerprint, source, removed_at FROM foreign_rows
WHERE order_key IN (SELECT value FROM json_each(?1))

-- name: remember_foreign_row
INSERT INTO foreign_rows (account_id, source, row_key, profile_id, order_key, fingerprint)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (account_id, source, row_key) DO UPDATE SET fingerprint = excluded.fingerprint, removed_at = NULL

-- name: forget_foreign_row
DELETE FROM foreign_rows WHERE account_id = ?1 AND source = ?2 AND row_key = ?3

-- name: remove_foreign_row
UPDATE foreign_rows SET removed_at = ?4
WHERE account_id = ?1 AND source = ?2 AND row_key = ?3 AND removed_at IS NULL

-- name: foreign_rows_removed
SELECT r.profile_id, r.row_key, r.removed_at, json({order_document})
FROM foreign_rows r JOIN orders o USING (order_key)
WHERE r.removed_at IS NOT NULL AND r.profile_id IN (SELECT value FROM json_each(?1))
ORDER BY r.removed_at, r.row_key

-- name: foreign_cursor
SELECT cursor FROM foreign_cursors WHERE account_id = ?1 AND source = ?2

-- name: set_foreign_cursor
INSERT INTO foreign_cursors (account_id, source, cursor) VALUES (?1, ?2, ?3)
ON CONFLICT (account_id, source) DO UPDATE SET cursor = excluded.cursor WHERE cursor <> excluded.cursor

-- name: open_write_backs
SELECT sequence, order_key, row_key, judged, wanted FROM write_backs
WHERE (outcome IS NULL OR outcome = 'refused') AND order_key IN (SELECT value FROM json_each(?1))

-- name: insert_write_back
INSERT INTO write_backs (
  account_id, source, profile_id, order_key, row_key, judged, wanted, subject, run_id, committed_at, outcome, error)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)

-- name: widen_write_back
UPDATE write_backs SET
  wanted = ?2, subject = ?3, attempts = 0, next_attempt_at = NULL, outcome = ?4, error = ?5, settled_at = NULL
WHERE sequence = ?1

-- name: waiting_write_backs
SELECT sequence, profile_id, row_key, judged, wanted FROM write_backs
WHERE account_id = ?1 AND source = ?2 AND outcome IS NULL
  AND (next_attempt_at IS NULL OR next_attempt_at <= ?3 OR next_attempt_at > ?4)
ORDER BY sequence LIMIT ?5

-- name: refused_write_backs
SELECT profile_id, row_key, wanted, committed_at, error FROM write_backs
WHERE outcome = 'refused' AND profile_id IN (SELECT value FROM json_each(?1)) ORDER BY sequence

-- name: refused_to_retry
SELECT sequence, wanted FROM write_backs WHERE outcome = 'refused' AND (?1 IS NULL OR profile_id = ?1) ORDER BY sequence

-- name: write_backs_with_rest
SELECT sequence, account_id, source, profile_id, order_key, row_key, judged, run_id, wanted FROM write_backs
WHERE sequence IN (SELECT value FROM json_each(?1)) AND outcome = 'delivered' AND settled_at = ?2
  AND wanted -> 'unwritable' IS NOT NULL AND wanted ->> 'unwritable' <> '{}'

-- name: settle_write_back
UPDATE write_backs SET outcome = ?2, settled_at = ?3, error = ?4, attempts = attempts + 1
WHERE sequence = ?1 AND outcome IS NULL
RETURNING account_id, source, profile_id, order_key

-- name: delay_write_back
UPDATE write_backs SET attempts = attempts + 1, next_attempt_at = ?2, error = ?3
WHERE sequence = ?1 AND outcome IS NULL

-- name: write_back_attempts
SELECT attempts FROM write_backs WHERE sequence = ?1

-- name: supersede_write_backs
UPDATE write_backs SET outcome = 'moved', settled_at = ?2
WHERE (outcome IS NULL OR outcome = 'refused') AND order_key IN (SELECT value FROM json_each(?1))
RETURNING sequence

-- name: found_write_backs
UPDATE write_backs SET outcome = 'delivered', settled_at = ?2
WHERE (outcome IS NULL OR outcome = 'refused') AND order_key IN (SELECT value FROM json_each(?1))

-- name: doubt_foreign_row
UPDATE foreign_rows SET fingerprint = '' WHERE order_key = ?1

-- name: drop_held_notifications
DELETE FROM outbox WHERE delivered_at IS NULL AND sequence IN (
  SELECT n.sequence FROM write_backs w JOIN orders o ON o.order_key = w.order_key
  JOIN outbox n ON n.profile_id = w.profile_id AND n.subject = w.subject AND n.committed_at >= w.committed_at
  WHERE w.sequence = ?1 AND (
    lower(trim(n.notification ->> 'venue_order_id')) = o.venue_id_normal
    OR lower(trim(n.notification ->> 'client_order_id')) = o.client_id_normal))

-- LEASES

-- name: acquire_lease
INSERT INTO leases (account_id, epoch, holder, last_holder, ttl_s, expires_at)
VALUES (?1, 1, ?2, ?2, ?3, strftime('%Y-%m-%dT%H:%M:%f000000Z', ?4, '+' || ?3 || ' seconds'))
ON CONFLICT (account_id) DO UPDATE SET
  epoch = epoch + 1, holder = excluded.holder, last_holder = excluded.holder, ttl_s = excluded.ttl_s,
  expires_at = excluded.expires_at
WHERE holder IS NULL OR expires_at <= ?4
  OR expires_at > strftime('%Y-%m-%dT%H:%M:%f000000Z', ?4, '+' || (ttl_s + 1) || ' seconds')
RETURNING epoch, expires_at, failures

-- name: add_lease
INSERT INTO leases (account_id, epoch, holder, ttl_s, expires_at) VALUES (?1, 0, NULL, 0, ?2)
ON CONFLICT (account_id) DO NOTHING

-- name: claim_leases
UPDATE leases SET
  epoch = epoch + 1, holder = ?2, last_holder = ?2, ttl_s = ?3,
  late_s = max(0, coalesce((julianday(?4) - julianday(next_due_at)) * 86400, 0)),
  expires_at = strftime('%Y-%m-%dT%H:%M:%f000000Z', ?4, '+' || ?3 || ' seconds')
WHERE account_id IN (SELECT value FROM json_each(?1))
  AND (holder IS NULL OR expires_at <= ?4
    OR expires_at > strftime('%Y-%m-%dT%H:%M:%f000000Z', ?4, '+' || (ttl_s + 1) || ' seconds'))
  AND (next_due_at IS NULL OR next_due_at <= ?4 OR account_id IN (SELECT value FROM json_each(?5))
    OR next_due_at > strftime('%Y-%m-%dT%H:%M:%f000000Z', ?4, '+' || ?6 || ' seconds'))
RETURNING account_id, epoch, expires_at, failures

-- name: lease_waits
SELECT account_id, holder, expires_at, next_due_at, ?2 FROM leases
WHERE account_id IN (SELECT value FROM json_each(?1))

-- name: renew_lease
UPDATE leases SET
  expires_at = strftime('%Y-%m-%dT%H:%M:%f000000Z', ?4, '+' || coalesce(?5, ttl_s) || ' seconds')
WHERE account_id = ?1 AND epoch = ?2 AND holder = ?3
RETURNING expires_at

-- What is no longer ours is left alone, and not returned.
-- name: release_leases
UPDATE leases SET
  holder = NULL, expires_at = ?2, completed = json_patch(completed, r.value -> 'completed'),
  next_due_at = coalesce(
    strftime('%Y-%m-%dT%H:%M:%f000000Z', ?2, '+' || (r.value ->> 'due_in_s') || ' seconds'), next_due_at),
  failures = CASE
    WHEN NOT r.value ->> 'was_run' THEN failures WHEN r.value ->> 'failure' IS NULL THEN 0 ELSE failures + 1 END,
  failing_since = CASE
    WHEN NOT r.value ->> 'was_run' THEN failing_since
    WHEN r.value ->> 'failure' IS NOT NULL THEN coalesce(failing_since, ?2) END,
  failure = CASE WHEN r.value ->> 'was_run' THEN r.value ->> 'failure' ELSE failure END
FROM json_each(?1) AS r
WHERE account_id = r.value ->> 'account_id' AND epoch = r.value ->> 'epoch' AND holder = r.value ->> 'holder'
RETURNING account_id, expires_at

-- name: leases
SELECT account_id, epoch, holder, last_holder, expires_at, next_due_at, completed, failures, failing_since, failure
FROM leases ORDER BY account_id

-- THE FLEET

-- name: add_fleet_accounts
INSERT INTO fleet_accounts AS known (account_id, shard, profiles, settings) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (account_id) DO UPDATE SET
  profiles = excluded.profiles, settings = excluded.settings, version = known.version + 1
WHERE known.settings <> excluded.settings

-- name: move_fleet_accounts
UPDATE fleet_accounts SET shard = ?2 WHERE account_id = ?1

-- name: remove_fleet_accounts
DELETE FROM fleet_accounts WHERE account_id IN (SELECT value FROM json_each(?1))

-- name: fleet_sizes
SELECT account_id, shard, profiles FROM fleet_accounts ORDER BY account_id

-- name: fleet_accounts
SELECT account_id, shard, settings, version FROM fleet_accounts
WHERE ?1 IS NULL OR account_id IN (SELECT value FROM json_each(?1)) ORDER BY account_id

-- name: claim_shard
UPDATE leases SET
  epoch = epoch + 1, holder = ?2, last_holder = ?2, ttl_s = ?3,
  late_s = max(0, coalesce((julianday(?4) - julianday(next_due_at)) * 86400, 0)),
  expires_at = strftime('%Y-%m-%dT%H:%M:%f000000Z', ?4, '+' || ?3 || ' seconds')
WHERE account_id IN (SELECT account_id FROM fleet_accounts WHERE shard = ?1)
  AND (holder IS NULL OR expires_at <= ?4
    OR expires_at > strftime('%Y-%m-%dT%H:%M:%f000000Z', ?4, '+' || (ttl_s + 1) || ' seconds'))
  AND (next_due_at IS NULL
    OR next_due_at <= strftime('%Y-%m-%dT%H:%M:%f000000Z', ?4, (-?6) || ' seconds')
    OR next_due_at > strftime('%Y-%m-%dT%H:%M:%f000000Z', ?4, '+' || ?5 || ' seconds')
    OR account_id IN (SELECT value FROM json_each(?8))
    -- whoever is known to be wrong does not wait for those who are not
    OR next_due_at <= strftime('%Y-%m-%dT%H:%M:%f000000Z', ?4, '+' || ?7 || ' seconds') AND EXISTS (
      SELECT 1 FROM profiles p JOIN breaks b USING (profile_id)
      WHERE p.account_id = leases.account_id AND b.resolution IS NULL))
RETURNING account_id, epoch, expires_at, failures, CAST(late_s AS TEXT),
  (SELECT version FROM fleet_accounts f WHERE f.account_id = leases.account_id)

-- name: overdue_shards
SELECT f.shard FROM fleet_accounts f JOIN leases l USING (account_id)
WHERE (l.holder IS NULL OR l.expires_at <= ?1)
  AND coalesce(l.next_due_at, l.expires_at) <= strftime('%Y-%m-%dT%H:%M:%f000000Z', ?1, (-?2) || ' seconds')
GROUP BY f.shard ORDER BY min(coalesce(l.next_due_at, l.expires_at)), f.shard LIMIT ?3

-- name: fleet_lateness
SELECT f.account_id, f.shard, f.profiles, CAST(l.late_s AS TEXT), l.holder IS NOT NULL AND l.expires_at > ?1,
  CAST((julianday(?1) - julianday(coalesce(l.next_due_at, l.expires_at))) * 86400 AS TEXT)
FROM fleet_accounts f JOIN leases l USING (account_id) ORDER BY f.account_id

-- name: worker_seen
INSERT INTO fleet_workers AS known (worker, started_at, seen_at, says) VALUES (?1, ?3, ?3, ?2)
ON CONFLICT (worker) DO UPDATE SET seen_at = excluded.seen_at, says = excluded.says
RETURNING draining

-- name: worker_gone
DELETE FROM fleet_workers WHERE worker = ?1 OR seen_at <= strftime('%Y-%m-%dT%H:%M:%f000000Z', ?2, (-?3) || ' seconds')

-- name: drain_workers
UPDATE fleet_workers SET draining = 1 WHERE ?1 IS NULL OR worker = ?1

-- name: fleet_workers
SELECT worker, started_at, seen_at, draining, says FROM fleet_workers ORDER BY worker

-- name: lock_budget
INSERT INTO fleet_budgets (budget) VALUES (?1) ON CONFLICT (budget) DO NOTHING

-- name: forget_portions
DELETE FROM fleet_portions WHERE budget = ?1 AND counts_until <= ?2

-- name: portions_taken
SELECT coalesce(sum(requests), 0), CAST(coalesce((julianday(min(counts_until)) - julianday(?2)) * 86400, 0) AS TEXT)
FROM fleet_portions WHERE budget = ?1

-- name: add_portion
INSERT INTO fleet_portions (budget, requests, counts_until)
VALUES (?1, ?2, strftime('%Y-%m-%dT%H:%M:%f000000Z', ?3, '+' || ?4 || ' seconds'))

-- RUNS, BREAKS, CORRECTIONS, ALERTS, DEFERRALS

-- name: insert_run
INSERT INTO runs (
  run_id, profile_id, plan_id, taken_at, committed_at, state, error, applied, superseded, snapshot, plan)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)

-- name: stored_runs
SELECT run_id, taken_at, error, snapshot, plan FROM runs ORDER BY run_id

-- name: stored_findings
SELECT findings FROM profiles ORDER BY profile_id

-- name: list_runs
SELECT run_id, profile_id, taken_at, state, plan_id, error FROM runs
WHERE ?1 IS NULL OR profile_id = ?1 ORDER BY run_id DESC LIMIT ?2

-- name: load_run
SELECT run_id, profile_id, taken_at, state, plan_id, error, snapshot, plan FROM runs WHERE run_id = ?1

-- name: run_report
SELECT r.applied, (SELECT json_group_array(value ->> 'correction_id') FROM json_each(r.superseded))
FROM runs r WHERE r.run_id = ?1

-- name: see_breaks
INSERT INTO breaks (
  profile_id, break_id, found, first_seen_at, last_seen_at, occurrences, resolution, resolved_at, run_id)
SELECT ?1, value ->> 'break_id', json(value), ?3, ?3, 1, iif(?5, 'corrected', NULL), iif(?5, ?3, NULL), ?4
FROM jsonb_each(?2)
WHERE true
ON CONFLICT (profile_id, break_id) DO UPDATE SET
  found = excluded.found, first_seen_at = iif(resolution IS NULL, first_seen_at, excluded.first_seen_at),
  last_seen_at = excluded.last_seen_at, occurrences = occurrences + 1, resolution = excluded.resolution,
  resolved_at = excluded.resolved_at, run_id = excluded.run_id

-- name: leave_breaks_open
UPDATE breaks SET resolution = NULL, resolved_at = NULL
WHERE profile_id = ?1 AND break_id IN (SELECT value FROM json_each(?2))

-- name: close_other_breaks
UPDATE breaks SET resolution = 'not_seen_again', resolved_at = ?3
WHERE profile_id = ?1 AND resolution IS NULL AND run_id <> ?2
  AND break_id NOT IN (SELECT value FROM json_each(?4))

-- name: list_breaks
SELECT {break_columns} FROM breaks
WHERE (?1 IS NULL OR profile_id = ?1) AND (NOT ?2 OR resolution IS NULL)
ORDER BY first_seen_at, profile_id, break_id

-- name: open_break_texts
SELECT profile_id, found FROM breaks WHERE resolution IS NULL AND (?1 IS NULL OR profile_id = ?1)
ORDER BY profile_id, break_id

-- name: open_breaks
SELECT {break_columns} FROM breaks
WHERE profile_id IN (SELECT value FROM json_each(?1)) AND resolution IS NULL ORDER BY first_seen_at, break_id

-- name: alerts
SELECT profile_id, raised_at, stands, alert, began_at, told_at, about FROM alerts
WHERE ?1 IS NULL OR profile_id IN (SELECT value FROM json_each(?1))
ORDER BY raised_at, profile_id, dedupe_key

-- name: set_alert
INSERT INTO alerts (profile_id, dedupe_key, raised_at, stands, alert, began_at, told_at, about)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (profile_id, dedupe_key) DO UPDATE SET
  raised_at = excluded.raised_at, stands = excluded.stands, alert = excluded.alert, began_at = excluded.began_at,
  told_at = excluded.told_at, about = excluded.about

-- name: withdraw_deliveries
UPDATE alert_deliveries SET outcome = 'withdrawn', settled_at = ?3
WHERE notifier = ?1 AND alert_key = ?2 AND outcome IS NULL AND attempts = 0 AND not_before > ?3

-- name: insert_delivery
INSERT INTO alert_deliveries (delivery_id, notifier, alert_key, message, committed_at, not_before)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (delivery_id) DO NOTHING

-- name: due_deliveries
SELECT d.sequence, d.delivery_id, d.message, d.attempts, d.perhaps_told OR d.claimed_until IS NOT NULL
FROM alert_deliveries d
WHERE d.notifier = ?1 AND d.outcome IS NULL AND (d.not_before <= ?2 OR d.not_before > ?4)
  AND (d.claimed_until IS NULL OR d.claimed_until <= ?2 OR d.claimed_until > ?5)
  AND NOT EXISTS (
    SELECT 1 FROM alert_deliveries earlier
    WHERE earlier.notifier = ?1 AND earlier.alert_key = d.alert_key AND earlier.outcome IS NULL
      AND earlier.sequence < d.sequence)
ORDER BY d.sequence LIMIT ?3

-- name: claim_delivery
UPDATE alert_deliveries SET
  perhaps_told = perhaps_told OR claimed_until IS NOT NULL, claimed_until = ?2, attempts = attempts + 1
WHERE sequence = ?1

-- name: settle_delivery
UPDATE alert_deliveries SET outcome = 'told', settled_at = ?2, claimed_until = NULL, error = NULL
WHERE sequence = ?1 AND delivery_id = ?3 AND outcome IS NULL

-- name: return_delivery
UPDATE alert_deliveries SET
  claimed_until = NULL, not_before = ?2, error = ?3, perhaps_told = perhaps_told OR ?4, outcome = ?5, settled_at = ?6
WHERE sequence = ?1 AND delivery_id = ?7 AND outcome IS NULL

-- name: next_delivery
SELECT min(max(d.not_before, coalesce(d.claimed_until, ''))) FROM alert_deliveries d
WHERE d.outcome IS NULL AND d.notifier IN (SELECT value FROM json_each(?1))

-- name: list_deliveries
SELECT delivery_id, notifier, message, committed_at, not_before, attempts, outcome, settled_at, error
FROM alert_deliveries WHERE NOT ?1 OR outcome IS NULL OR outcome = 'refused' ORDER BY sequence DESC LIMIT ?2

-- name: insert_exit_audit
INSERT INTO exit_audit (
  profile_id, batch_id, venue_order_id, trade_id, state, symbol, side, qty, price, reason, run_id, audited_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
ON CONFLICT (profile_id, batch_id, venue_order_id, symbol) DO UPDATE SET
  state = excluded.state, run_id = excluded.run_id, audited_at = excluded.audited_at

-- name: insert_decision
INSERT INTO decisions (
  decision_id, kind, venue_order_id, client_order_id, trade_id, break_id, until, author, reason, decided_at, profile_id,
  symbol, evidence, qty, owner)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)

-- name: revoke_decision
UPDATE decisions SET revoked_at = ?2, revoked_by = ?3, revoke_reason = ?4
WHERE decision_id = ?1 AND revoked_at IS NULL

-- name: standing_decisions
SELECT profile_id, json_group_array(json_object({decision_document})) FROM decisions
WHERE profile_id IN (SELECT value FROM json_each(?1)) AND revoked_at IS NULL AND (until IS NULL OR until > ?2)
GROUP BY profile_id

-- name: list_decisions
SELECT json_object(
  'profile_id', profile_id, 'decision', json_object({decision_document}), 'revoked_at', revoked_at,
  'revoked_by', revoked_by, 'revoke_reason', revoke_reason)
FROM decisions WHERE ?1 IS NULL OR profile_id = ?1 ORDER BY decided_at, decision_id

-- name: list_deferrals
SELECT profile_id, client_order_id, venue_order_id, reason, first_deferred_at FROM deferrals
WHERE profile_id IN (SELECT value FROM json_each(?1)) ORDER BY first_deferred_at, order_identity

-- name: keep_deferrals
DELETE FROM deferrals WHERE profile_id = ?1 AND order_identity NOT IN (SELECT value FROM json_each(?2))

-- name: defer_order
INSERT INTO deferrals (profile_id, order_identity, client_order_id, venue_order_id, reason, first_deferred_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (profile_id, order_identity) DO UPDATE SET reason = excluded.reason WHERE reason <> excluded.reason

-- OUTBOX

-- name: insert_notifications
INSERT INTO outbox (notification_id, profile_id, run_id, subject, notification, committed_at)
SELECT value ->> 'notification_id', ?1, ?4,
  coalesce(value ->> 'trade_id', value ->> 'client_order_id', value ->> 'venue_order_id', value ->> 'notification_id'),
  json(value), ?3
FROM jsonb_each(?2)
WHERE true
ON CONFLICT (notification_id) DO NOTHING

-- name: pending_notifications
SELECT b.profile_id, b.run_id, b.sequence, b.notification, b.subject, b.attempts FROM outbox b
WHERE b.delivered_at IS NULL AND b.parked_at IS NULL
  AND (?2 IS NULL OR b.profile_id IN (SELECT value FROM json_each(?2)))
  AND NOT EXISTS (
    SELECT 1 FROM outbox held
    WHERE held.profile_id = b.profile_id AND held.subject = b.subject AND held.sequence <= b.sequence
      AND held.delivered_at IS NULL AND held.parked_at IS NULL
      AND held.next_attempt_at > ?1 AND held.next_attempt_at <= ?4)
  AND NOT EXISTS (
    SELECT 1 FROM write_backs w
    WHERE w.profile_id = b.profile_id AND w.subject = b.subject AND w.outcome IS NULL)
ORDER BY b.sequence LIMIT ?3

-- name: mark_delivered
UPDATE outbox SET delivered_at = ?2, attempts = attempts + 1, error = NULL
WHERE sequence = ?1 AND notification_id = ?3 AND delivered_at IS NULL

-- name: mark_failed
UPDATE outbox SET attempts = attempts + 1, next_attempt_at = ?2, parked_at = ?3, error = ?4
WHERE sequence = ?1 AND notification_id = ?5 AND delivered_at IS NULL

-- name: unpark
UPDATE outbox SET parked_at = NULL, attempts = 0, next_attempt_at = NULL
WHERE parked_at IS NOT NULL AND (?1 IS NULL OR profile_id = ?1)

-- name: parked_notifications
SELECT profile_id, count(*) FROM outbox
WHERE parked_at IS NOT NULL AND delivered_at IS NULL AND profile_id IN (SELECT value FROM json_each(?1))
GROUP BY profile_id

-- name: count_waiting
SELECT profile_id, sum(deferred), sum(waiting), sum(parked), sum(unwritten) FROM (
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
FROM outbox WHERE ?1 IS NULL OR profile_id = ?1

-- name: outbox_state
SELECT count(*) FILTER (WHERE parked_at IS NULL), count(*) FILTER (WHERE parked_at IS NOT NULL),
  min(committed_at) FILTER (WHERE parked_at IS NULL)
FROM outbox WHERE delivered_at IS NULL

-- TIMELINE OF ONE ORDER (ids), OR OF ONE TRADE (?3): log, breaks, corrections, notifications, decisions

-- name: order_key
SELECT order_key FROM orders
WHERE profile_id = ?1 AND CASE WHEN ?2 IS NOT NULL THEN venue_id_normal = ?2 ELSE client_id_normal = ?3 END
  AND symbol IS ?4

-- name: repaired_orders
SELECT l.profile_id, l.order_key, l.logged_at, l.written_by, l.payload FROM order_log l
WHERE l.order_key IN (
  SELECT order_key FROM order_log WHERE (?1 IS NULL OR profile_id = ?1) AND order_key IS NOT NULL
    AND logged_at >= ?2 AND written_by LIKE 'trueup:%')
ORDER BY l.profile_id, l.order_key, l.seq

-- name: bot_writes
SELECT logged_at FROM order_log WHERE profile_id = ?1 AND logged_at >= ?2 AND written_by = ?3 ORDER BY logged_at

-- name: written_by
SELECT order_key, trade_id, seq FROM order_log WHERE profile_id = ?1 AND written_by = ?2 ORDER BY seq

-- name: written_between
SELECT order_key, trade_id, seq FROM order_log WHERE profile_id = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq

-- name: log_of_order
SELECT seq, logged_at, event, written_by, version, payload FROM order_log WHERE profile_id = ?1 AND order_key = ?2
ORDER BY seq

-- name: log_of_trade
SELECT seq, logged_at, event, written_by, version, payload FROM order_log
WHERE profile_id = ?1 AND order_key IS NULL AND trade_id = ?2 ORDER BY seq

-- name: has_foreign_rows
SELECT EXISTS (SELECT 1 FROM foreign_rows WHERE profile_id = ?1)

-- name: was_anything_undone
SELECT EXISTS (SELECT 1 FROM person_corrections WHERE profile_id = ?1 AND undoes IS NOT NULL)

-- name: known_notifications
SELECT notification_id FROM outbox WHERE notification_id IN (SELECT value FROM json_each(?1))

-- name: insert_person_correction
INSERT INTO person_corrections (
  correction_id, profile_id, kind, about, author, reason, corrected_at, first_seq, last_seq, undoes, document)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)

-- name: person_corrections
SELECT correction_id, profile_id, kind, about, author, reason, corrected_at, first_seq, last_seq, undoes, document
FROM person_corrections WHERE (?1 IS NULL OR profile_id = ?1) ORDER BY corrected_at, correction_id

-- name: timeline_log
SELECT logged_at, event, written_by, version, payload FROM order_log WHERE order_key = ?1 ORDER BY seq

-- name: timeline_trade_log
SELECT logged_at, event, written_by, version, payload FROM order_log
WHERE profile_id = ?1 AND lower(trim(trade_id)) = ?2 ORDER BY seq

-- name: timeline_breaks
SELECT {break_columns} FROM breaks WHERE profile_id = ?1 AND (
  lower(trim(found ->> 'venue_order_id')) IN (SELECT value FROM json_each(?2))
  OR lower(trim(found ->> 'client_order_id')) IN (SELECT value FROM json_each(?2))
  OR lower(trim(found ->> 'trade_id')) = ?3)
ORDER BY first_seen_at, break_id

-- name: timeline_superseded
SELECT r.committed_at, c.value, r.run_id FROM runs r CROSS JOIN json_each(r.superseded) c
WHERE r.profile_id = ?1 AND (
  lower(trim(c.value ->> 'venue_order_id')) IN (SELECT value FROM json_each(?2))
  OR lower(trim(c.value ->> 'client_order_id')) IN (SELECT value FROM json_each(?2))
  OR lower(trim(c.value ->> 'trade_id')) = ?3)
ORDER BY r.run_id, c.key

-- name: timeline_decisions
SELECT decided_at, kind, author, reason, trade_id, until, decision_id, revoked_at, revoked_by, revoke_reason
FROM decisions WHERE profile_id = ?1 AND (
  lower(trim(venue_order_id)) IN (SELECT value FROM json_each(?2))
  OR lower(trim(client_order_id)) IN (SELECT value FROM json_each(?2))
  OR lower(trim(trade_id)) = ?3
  OR break_id IN (SELECT value FROM json_each(?4)))
ORDER BY decided_at, decision_id

-- name: timeline_notifications
SELECT committed_at, notification, attempts, delivered_at, parked_at, error, run_id FROM outbox
WHERE profile_id = ?1 AND (
  lower(trim(notification ->> 'venue_order_id')) IN (SELECT value FROM json_each(?2))
  OR lower(trim(notification ->> 'client_order_id')) IN (SELECT value FROM json_each(?2))
  OR lower(trim(notification ->> 'trade_id')) = ?3)
ORDER BY sequence

-- RETENTION

-- name: purge_runs
DELETE FROM runs WHERE committed_at < ?1 AND run_id NOT IN (
  SELECT run_id FROM (
    SELECT run_id, row_number() OVER (PARTITION BY profile_id ORDER BY run_id DESC) AS newest FROM runs)
  WHERE newest <= ?2)

-- name: purge_outbox
DELETE FROM outbox WHERE delivered_at < ?1

-- name: purge_deliveries
DELETE FROM alert_deliveries WHERE settled_at < ?1

-- name: purge_alerts
DELETE FROM alerts WHERE stands = 0 AND raised_at < ?1

-- name: purge_breaks
DELETE FROM breaks WHERE resolved_at < ?1

-- name: purge_watermarks
DELETE FROM watermarks WHERE (profile_id, log_seq) NOT IN (
  SELECT profile_id, log_seq FROM (
    SELECT profile_id, log_seq, row_number() OVER (PARTITION BY profile_id ORDER BY log_seq DESC) AS newest
    FROM watermarks)
  WHERE newest <= ?1)

-- EXPORT: one JSON object a row

-- name: export_orders
SELECT json_insert({order_document}, '$.profile_id', o.profile_id) FROM orders o
WHERE ?1 IS NULL OR o.profile_id = ?1 ORDER BY o.order_key

-- name: export_fills
SELECT json_insert({fill_document}, '$.profile_id', o.profile_id) FROM orders o CROSS JOIN fills f USING (order_key)
WHERE ?1 IS NULL OR o.profile_id = ?1 ORDER BY o.order_key, f.filled_at, f.fill_identity

-- name: export_trades
SELECT json_insert({trade_document}, '$.profile_id', t.profile_id) FROM trades t
WHERE ?1 IS NULL OR t.profile_id = ?1 ORDER BY t.profile_id, t.trade_id

-- name: export_breaks
SELECT json_object(
  'profile_id', profile_id, 'break_id', break_id, 'kind', found ->> 'kind', 'severity', found ->> 'severity',
  'symbol', found ->> 'symbol', 'client_order_id', found ->> 'client_order_id',
  'venue_order_id', found ->> 'venue_order_id', 'trade_id', found ->> 'trade_id', 'reason', found ->> 'reason',
  'message', found ->> 'message', 'local', json(found -> 'local'), 'venue', json(found -> 'venue'),
  'first_seen_at', first_seen_at, 'last_seen_at', last_seen_at, 'occurrences', occurrences,
  'resolution', resolution, 'resolved_at', resolved_at, 'run_id', run_id)
FROM breaks WHERE ?1 IS NULL OR profile_id = ?1 ORDER BY first_seen_at, profile_id, break_id

-- name: export_corrections
WITH corrections (profile_id, run_id, state, client_order_id, venue_order_id, trade_id, c) AS (
  SELECT l.profile_id, CASE WHEN l.written_by LIKE 'trueup:%' THEN substr(l.written_by, length('trueup:') + 1) END, 'applied', o.client_order_id, o.venue_order_id,
    l.trade_id, json_each.value
  FROM order_log l JOIN json_each(l.payload, '$.corrections') LEFT JOIN orders o ON o.order_key = l.order_key
  WHERE ?1 IS NULL OR l.profile_id = ?1
  UNION ALL
  SELECT r.profile_id, r.run_id, 'superseded', value ->> 'client_order_id', value ->> 'venue_order_id',
    value ->> 'trade_id', value
  FROM runs r JOIN json_each(r.superseded) WHERE ?1 IS NULL OR r.profile_id = ?1)
SELECT json_object(
  'profile_id', profile_id, 'run_id', run_id, 'correction_id', c ->> 'correction_id', 'break_id', c ->> 'break_id',
  'state', state, 'kind', c ->> 'kind', 'reason', c ->> 'reason', 'client_order_id', client_order_id,
  'venue_order_id', venue_order_id, 'trade_id', trade_id, 'fill', json(c -> 'fill'), 'changes', json(c -> 'changes'))
FROM corrections ORDER BY run_id, c ->> 'correction_id'

-- name: export_runs
SELECT json_object(
  'run_id', run_id, 'profile_id', profile_id, 'plan_id', plan_id, 'taken_at', taken_at,
  'committed_at', committed_at, 'state', state, 'error', error, 'applied', applied,
  'superseded', json_array_length(superseded))
FROM runs WHERE ?1 IS NULL OR profile_id = ?1 ORDER BY run_id

-- name: export_order_log
SELECT json_object(
  'profile_id', profile_id, 'seq', seq, 'logged_at', logged_at, 'event', event, 'written_by', written_by,
  'order_key', order_key, 'trade_id', trade_id, 'version', version, 'payload', json(payload), 'hash', hash)
FROM order_log WHERE ?1 IS NULL OR profile_id = ?1 ORDER BY profile_id, seq

-- name: export_outbox
SELECT json_object(
  'sequence', sequence, 'profile_id', profile_id, 'run_id', run_id, 'notification', json(notification),
  'committed_at', committed_at, 'attempts', attempts, 'next_attempt_at', next_attempt_at,
  'delivered_at', delivered_at, 'parked_at', parked_at, 'error', error)
FROM outbox WHERE ?1 IS NULL OR profile_id = ?1 ORDER BY sequence

-- name: export_exit_audit
SELECT json_object(
  'profile_id', profile_id, 'batch_id', batch_id, 'state', state, 'venue_order_id', venue_order_id,
  'trade_id', trade_id, 'symbol', symbol, 'side', side, 'qty', qty, 'price', price, 'reason', reason,
  'run_id', run_id, 'audited_at', audited_at)
FROM exit_audit WHERE ?1 IS NULL OR profile_id = ?1 ORDER BY audited_at, profile_id, batch_id, venue_order_id, symbol

-- name: export_decisions
SELECT json_object(
  'profile_id', profile_id, {decision_document}, 'revoked_at', revoked_at, 'revoked_by', revoked_by,
  'revoke_reason', revoke_reason)
FROM decisions WHERE ?1 IS NULL OR profile_id = ?1 ORDER BY decided_at, decision_id

-- name: export_person_corrections
SELECT json_object(
  'correction_id', correction_id, 'profile_id', profile_id, 'kind', kind, 'about', about, 'author', author,
  'reason', reason, 'corrected_at', corrected_at, 'first_seq', first_seq, 'last_seq', last_seq, 'undoes', undoes,
  'document', json(document))
FROM person_corrections WHERE ?1 IS NULL OR profile_id = ?1 ORDER BY corrected_at, correction_id

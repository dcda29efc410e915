-- The books (accounts to fills), the order log, and trueup's journal.
-- Money is canonical decimal TEXT. Times are RFC 3339 UTC TEXT; those that the ledger stamps have nine digits, so that
-- they sort as text. A row of the books is deleted by an undo alone, and logged.

CREATE TABLE accounts (
  account_id       TEXT NOT NULL PRIMARY KEY,
  venue            TEXT,
  venue_account_id TEXT              -- the venue's own id, as first seen; another one later proves nothing
) STRICT;

CREATE TABLE profiles (
  profile_id   TEXT NOT NULL PRIMARY KEY,
  account_id   TEXT NOT NULL REFERENCES accounts (account_id),
  user_id      TEXT,
  pause_reason TEXT,                 -- null: not paused
  findings     TEXT NOT NULL DEFAULT '[]'   -- the last run's, as JSON: what the next snapshot carries as prior
) STRICT;
CREATE INDEX profiles_by_account ON profiles (account_id);

-- Each watermark with the log head it was stored at: a log that does not hold that head is a restored backup's, and the
-- watermark falls back to the newest one whose head it does hold.
CREATE TABLE watermarks (
  profile_id TEXT NOT NULL REFERENCES profiles (profile_id),
  log_seq    INTEGER NOT NULL,
  watermark  TEXT NOT NULL,
  log_hash   TEXT NOT NULL,
  scope      TEXT NOT NULL,          -- what was classed before it, as JSON; 'null': nothing
  PRIMARY KEY (profile_id, log_seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE trades (
  profile_id      TEXT NOT NULL REFERENCES profiles (profile_id),
  trade_id        TEXT NOT NULL,
  account_id      TEXT NOT NULL REFERENCES accounts (account_id),
  symbol          TEXT NOT NULL,
  side            TEXT NOT NULL CHECK (side IN ('long', 'short')),
  status          TEXT NOT NULL DEFAULT 'open' CHECK (status = 'open' OR status = 'closed' OR status = 'quarantined'),
  entry_qty       TEXT NOT NULL DEFAULT '0',
  exit_qty        TEXT NOT NULL DEFAULT '0',
  entry_avg_price TEXT,
  fee_base_qty    TEXT NOT NULL DEFAULT '0',
  quarantined_by  TEXT CHECK (quarantined_by IN ('parity', 'person')),
  opened_at       TEXT,
  updated_at      TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000000Z', 'now')),
  version         INTEGER NOT NULL DEFAULT 1,
  logged_version  INTEGER NOT NULL DEFAULT 0,   -- the version that the order log holds; lower: written past the log
  trade_id_normal TEXT GENERATED ALWAYS AS (lower(trim(trade_id, char(32, 9, 10, 11, 12, 13)))) VIRTUAL,
  PRIMARY KEY (profile_id, trade_id)
) STRICT;
CREATE UNIQUE INDEX trades_by_id ON trades (profile_id, trade_id_normal);
CREATE INDEX trades_not_closed ON trades (account_id) WHERE status <> 'closed';
CREATE INDEX trades_closed ON trades (account_id, updated_at) WHERE status = 'closed';
CREATE INDEX trades_quarantined ON trades (profile_id) WHERE status = 'quarantined';
CREATE INDEX trades_past_the_log ON trades (profile_id) WHERE logged_version <> version;

CREATE TABLE orders (
  order_key                INTEGER PRIMARY KEY,
  account_id               TEXT NOT NULL REFERENCES accounts (account_id),
  profile_id               TEXT NOT NULL REFERENCES profiles (profile_id),
  client_order_id          TEXT,
  venue_order_id           TEXT,
  trade_id                 TEXT,
  sub_tag                  TEXT,
  symbol                   TEXT,
  side                     TEXT NOT NULL CHECK (side IN ('buy', 'sell')),
  action                   TEXT CHECK (action IN ('entry', 'exit')),
  order_type               TEXT,
  qty                      TEXT,
  limit_price              TEXT,
  stop_price               TEXT,
  status                   TEXT NOT NULL CONSTRAINT known_status CHECK (is_live IS NOT NULL),
  filled_qty               TEXT NOT NULL DEFAULT '0',
  filled_avg_price         TEXT,
  submitted_at             TEXT,
  last_activity_at         TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000000Z', 'now')),
  venue_updated_at         TEXT,
  previous_venue_order_ids TEXT NOT NULL DEFAULT '[]' CHECK (json_type(previous_venue_order_ids) = 'array'),
  position_side            TEXT CHECK (position_side IN ('long', 'short')),
  by_notional              INTEGER NOT NULL DEFAULT 0 CHECK (by_notional IN (0, 1)),
  version                  INTEGER NOT NULL DEFAULT 1,
  logged_version           INTEGER NOT NULL DEFAULT 0,
  -- ids compare trimmed and in lower case; '', '0' and 'api' name nothing
  venue_id_normal  TEXT GENERATED ALWAYS AS (
    nullif(lower(trim(venue_order_id, char(32, 9, 10, 11, 12, 13))), '')) VIRTUAL,
  client_id_normal TEXT GENERATED ALWAYS AS (
    nullif(nullif(nullif(lower(trim(client_order_id, char(32, 9, 10, 11, 12, 13))), ''), '0'), 'api')) VIRTUAL,
  trade_id_normal  TEXT GENERATED ALWAYS AS (lower(trim(trade_id, char(32, 9, 10, 11, 12, 13)))) VIRTUAL,
  -- the symbol's token, as far as SQL makes it: at some exchanges orders of two instruments have one number
  instrument       TEXT GENERATED ALWAYS AS (lower(replace(replace(replace(replace(replace(replace(
    coalesce(symbol, ''), '/', ''), '-', ''), '_', ''), ':', ''), '.', ''), ' ', ''))) VIRTUAL,
  -- CASE, and OR above: of an IN with more than two words SQLite makes a table, for every row and check that is written
  is_live          INTEGER GENERATED ALWAYS AS (CASE status
    WHEN 'pending_new' THEN 1 WHEN 'partially_filled' THEN 1 WHEN 'pending_cancel' THEN 1
    WHEN 'pending_replace' THEN 1 WHEN 'suspended' THEN 1
    WHEN 'filled' THEN 0 WHEN 'canceled' THEN 0 WHEN 'expired' THEN 0 WHEN 'rejected' THEN 0 WHEN 'replaced' THEN 0
    END) VIRTUAL,
  CHECK (coalesce(client_order_id, venue_order_id, trade_id) IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX orders_by_venue_id ON orders (account_id, venue_id_normal, instrument)
  WHERE venue_id_normal IS NOT NULL;
CREATE UNIQUE INDEX orders_by_client_id ON orders (account_id, client_id_normal) WHERE client_id_normal IS NOT NULL;
CREATE INDEX orders_by_trade ON orders (profile_id, trade_id_normal) WHERE trade_id_normal IS NOT NULL;
CREATE INDEX orders_without_ids ON orders (profile_id) WHERE venue_id_normal IS NULL AND client_id_normal IS NULL;
CREATE INDEX orders_live ON orders (account_id, profile_id) WHERE is_live;
CREATE INDEX orders_terminal ON orders (account_id, last_activity_at) WHERE NOT is_live;
CREATE INDEX orders_past_the_log ON orders (profile_id) WHERE logged_version <> version;

-- Derived from orders.previous_venue_order_ids by trigger, to look them up.
CREATE TABLE previous_ids (
  account_id      TEXT NOT NULL,
  venue_id_normal TEXT NOT NULL,
  instrument      TEXT NOT NULL,
  order_key       INTEGER NOT NULL REFERENCES orders (order_key),
  PRIMARY KEY (account_id, venue_id_normal, instrument)
) STRICT, WITHOUT ROWID;

-- `qty` is the effective quantity: what real fills took the place of is taken off an inferred one.
CREATE TABLE fills (
  account_id      TEXT NOT NULL,
  instrument      TEXT NOT NULL,     -- the symbol's token
  order_identity  TEXT NOT NULL,     -- the venue order id in its comparable form, else 'client:' and the client's
  fill_identity   TEXT NOT NULL,     -- the fill id in its comparable form
  order_key       INTEGER NOT NULL REFERENCES orders (order_key),
  fill_id         TEXT NOT NULL,
  venue_order_id  TEXT,
  client_order_id TEXT,
  symbol          TEXT,
  side            TEXT CHECK (side IN ('buy', 'sell')),
  qty             TEXT NOT NULL,
  price           TEXT,
  fee             TEXT,
  fee_currency    TEXT,
  filled_at       TEXT,
  inferred        INTEGER NOT NULL DEFAULT 0 CHECK (inferred IN (0, 1)),
  price_estimated INTEGER NOT NULL DEFAULT 0 CHECK (price_estimated IN (0, 1)),
  PRIMARY KEY (account_id, instrument, order_identity, fill_identity)
) STRICT, WITHOUT ROWID;
CREATE INDEX fills_by_order ON fills (order_key);

-- Append only; each row's `hash` covers the hash of the profile's row before it, its other columns, and its payload.
CREATE TABLE order_log (
  profile_id TEXT NOT NULL,
  seq        INTEGER NOT NULL,
  logged_at  TEXT NOT NULL,
  event      TEXT NOT NULL,
  written_by TEXT NOT NULL,          -- 'bot', 'trueup:<run id>', 'person:<author>'; 'outside': past the log, found later
  order_key  INTEGER,                -- null: about a trade only
  trade_id   TEXT,
  version    INTEGER NOT NULL,       -- of the order, or of the trade
  payload    TEXT NOT NULL,
  hash       TEXT NOT NULL,
  PRIMARY KEY (profile_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX order_log_by_order ON order_log (order_key) WHERE order_key IS NOT NULL;

-- The rows of bots' own books, as they were last taken in: the orders of these tables mirror them.
CREATE TABLE foreign_rows (
  account_id  TEXT NOT NULL REFERENCES accounts (account_id),
  source      TEXT NOT NULL,         -- names the books within their account
  row_key     TEXT NOT NULL,         -- the row's primary key there, as text
  profile_id  TEXT NOT NULL REFERENCES profiles (profile_id),
  order_key   INTEGER NOT NULL UNIQUE REFERENCES orders (order_key),
  fingerprint TEXT NOT NULL,         -- of what was mapped of it; another one is the bot's word
  removed_at  TEXT,                  -- since when it is gone, though the bot never ended the order; null: it is there
  PRIMARY KEY (account_id, source, row_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX foreign_rows_removed ON foreign_rows (profile_id) WHERE removed_at IS NOT NULL;

-- How far each of these books was read, where they tell what changed.
CREATE TABLE foreign_cursors (
  account_id TEXT NOT NULL REFERENCES accounts (account_id),
  source     TEXT NOT NULL,
  cursor     TEXT NOT NULL,
  PRIMARY KEY (account_id, source)
) STRICT, WITHOUT ROWID;

-- What corrections want of those rows: committed with the mirror, then set by compare-and-set in the bot's database.
CREATE TABLE write_backs (
  sequence        INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id      TEXT NOT NULL,
  source          TEXT NOT NULL,
  profile_id      TEXT NOT NULL,
  order_key       INTEGER NOT NULL REFERENCES orders (order_key),
  row_key         TEXT,              -- null: the order is to be inserted there
  judged          TEXT,              -- the fingerprint it was judged by
  wanted          TEXT NOT NULL,     -- values, order, fills and trade, as JSON
  subject         TEXT NOT NULL,     -- whose notifications wait for it
  run_id          TEXT NOT NULL,
  committed_at    TEXT NOT NULL,
  attempts        INTEGER NOT NULL DEFAULT 0,
  next_attempt_at TEXT,              -- null: at once
  outcome         TEXT CHECK (outcome IN ('delivered', 'moved', 'refused')),   -- null: it waits
  settled_at      TEXT,
  error           TEXT
) STRICT;
CREATE UNIQUE INDEX write_backs_open ON write_backs (order_key) WHERE outcome IS NULL OR outcome = 'refused';
CREATE INDEX write_backs_waiting ON write_backs (account_id, source, sequence) WHERE outcome IS NULL;
CREATE INDEX write_backs_held ON write_backs (profile_id, subject) WHERE outcome IS NULL;

CREATE TABLE leases (
  account_id  TEXT NOT NULL PRIMARY KEY REFERENCES accounts (account_id),
  epoch       INTEGER NOT NULL,
  holder      TEXT,                  -- null: free
  last_holder TEXT,                  -- who worked on it last, or does
  ttl_s       REAL NOT NULL,
  expires_at  TEXT NOT NULL,
  next_due_at TEXT,
  late_s      REAL NOT NULL DEFAULT 0,      -- how long after its due time it was claimed last
  completed   TEXT NOT NULL DEFAULT '{}',   -- profile id: taken_at of its last run that ended well
  failures      INTEGER NOT NULL DEFAULT 0, -- runs in a row that could judge nothing
  failing_since TEXT,                -- null: the last run could judge
  failure       TEXT                 -- why the last one could not
) STRICT;

-- The fleet: the accounts that workers run, cut into shards, each dispatched by one message. Where this is empty, the
-- accounts are those of a configuration file.
CREATE TABLE fleet_accounts (
  account_id TEXT NOT NULL PRIMARY KEY REFERENCES accounts (account_id),
  shard      INTEGER NOT NULL,
  profiles   INTEGER NOT NULL,       -- how many it has
  settings   TEXT NOT NULL,          -- what [[accounts]] says in a file, as JSON: names of secrets, never a secret
  version    INTEGER NOT NULL DEFAULT 1     -- rises with the settings
) STRICT;
CREATE INDEX fleet_accounts_by_shard ON fleet_accounts (shard);

CREATE TABLE fleet_workers (
  worker     TEXT NOT NULL PRIMARY KEY,     -- machine and process
  started_at TEXT NOT NULL,
  seen_at    TEXT NOT NULL,
  draining   INTEGER NOT NULL DEFAULT 0,    -- it is to end what it runs, and then itself
  says       TEXT NOT NULL           -- its version, what it runs and how it fares, as JSON
) STRICT;

-- Requests of a budget that several accounts share, handed out in portions. What was handed out counts against the
-- budget's minute until the minute after its last use is over, whether it was used or not.
CREATE TABLE fleet_budgets (
  budget TEXT NOT NULL PRIMARY KEY
) STRICT;
CREATE TABLE fleet_portions (
  sequence     INTEGER NOT NULL PRIMARY KEY,
  budget       TEXT NOT NULL REFERENCES fleet_budgets (budget),
  requests     INTEGER NOT NULL,
  counts_until TEXT NOT NULL
) STRICT;
CREATE INDEX fleet_portions_by_budget ON fleet_portions (budget, counts_until);

CREATE TABLE runs (
  run_id       TEXT NOT NULL PRIMARY KEY,
  profile_id   TEXT NOT NULL REFERENCES profiles (profile_id),
  plan_id      TEXT NOT NULL,
  taken_at     TEXT NOT NULL,
  committed_at TEXT NOT NULL,
  state        TEXT NOT NULL CHECK (state IN ('dry', 'applied', 'blocked', 'failed')),
  error        TEXT,
  applied      INTEGER NOT NULL,
  superseded   TEXT NOT NULL,        -- the corrections that did not apply, as JSON; those that did are in the log
  snapshot     BLOB NOT NULL,        -- Zstandard of canonical JSON, for replay
  plan         BLOB NOT NULL
) STRICT;
CREATE INDEX runs_by_profile ON runs (profile_id, run_id);

CREATE TABLE breaks (
  profile_id      TEXT NOT NULL REFERENCES profiles (profile_id),
  break_id        TEXT NOT NULL,
  found           TEXT NOT NULL,     -- the break as the plan has it, JSON
  first_seen_at   TEXT NOT NULL,
  last_seen_at    TEXT NOT NULL,
  occurrences     INTEGER NOT NULL,
  resolution      TEXT CHECK (resolution IN ('corrected', 'not_seen_again')),   -- null: open
  resolved_at     TEXT,
  run_id          TEXT NOT NULL,     -- the last run that saw it
  PRIMARY KEY (profile_id, break_id)
) STRICT;
CREATE INDEX breaks_open ON breaks (profile_id) WHERE resolution IS NULL;

CREATE TABLE outbox (
  sequence        INTEGER PRIMARY KEY AUTOINCREMENT,
  notification_id TEXT NOT NULL UNIQUE,
  profile_id      TEXT NOT NULL,
  run_id          TEXT NOT NULL,
  subject         TEXT NOT NULL,     -- the trade, else the order: delivered in order within it
  notification    TEXT NOT NULL,
  committed_at    TEXT NOT NULL,
  attempts        INTEGER NOT NULL DEFAULT 0,
  next_attempt_at TEXT,              -- null: at once
  delivered_at    TEXT,
  parked_at       TEXT,
  error           TEXT
) STRICT;
CREATE INDEX outbox_pending ON outbox (sequence) WHERE delivered_at IS NULL;
CREATE INDEX outbox_failed ON outbox (profile_id, subject, sequence)
  WHERE delivered_at IS NULL AND parked_at IS NULL AND next_attempt_at IS NOT NULL;
CREATE INDEX outbox_parked ON outbox (profile_id) WHERE parked_at IS NOT NULL AND delivered_at IS NULL;

-- Each exit that the backfill proposed or inserted, by its venue order: why it is in the books, or would be.
CREATE TABLE exit_audit (
  profile_id     TEXT NOT NULL,
  batch_id       TEXT NOT NULL,
  venue_order_id TEXT NOT NULL,
  trade_id       TEXT NOT NULL,
  state          TEXT NOT NULL CHECK (state IN ('proposed', 'inserted')),
  symbol         TEXT NOT NULL,     -- tells apart exits of two instruments that have one number
  side           TEXT,
  qty            TEXT NOT NULL,
  price          TEXT,
  reason         TEXT NOT NULL,
  run_id         TEXT NOT NULL,
  audited_at     TEXT NOT NULL,
  PRIMARY KEY (profile_id, batch_id, venue_order_id, symbol)
) STRICT, WITHOUT ROWID;

-- What a person decided: evidence for the plans until it is revoked or its time is over. Never deleted.
CREATE TABLE decisions (
  decision_id     TEXT NOT NULL PRIMARY KEY,
  profile_id      TEXT NOT NULL REFERENCES profiles (profile_id),
  kind            TEXT NOT NULL CHECK (
    kind IN ('map_trade', 'ignore_break', 'adopt_order', 'disown_order', 'hold_repair', 'set_baseline', 'assign_break')),
  venue_order_id  TEXT,
  client_order_id TEXT,
  symbol          TEXT,              -- tells apart orders of two instruments that have one number
  trade_id        TEXT,
  break_id        TEXT,
  until           TEXT,              -- null: for good
  evidence        TEXT NOT NULL DEFAULT '[]',   -- of a repair that is held: what it would do, as digests
  qty             TEXT,              -- of a baseline: what the owner holds besides, signed
  owner           TEXT,              -- of a break: who looks after it
  author          TEXT NOT NULL,
  reason          TEXT NOT NULL,
  decided_at      TEXT NOT NULL,
  revoked_at      TEXT,
  revoked_by      TEXT,
  revoke_reason   TEXT
) STRICT;
-- What a person wrote into the books, and what that was to be seen by: `document` is the plan that was shown. Its rows of
-- the order log are those from `first_seq` to `last_seq`. Never deleted.
CREATE TABLE person_corrections (
  correction_id TEXT NOT NULL PRIMARY KEY,
  profile_id    TEXT NOT NULL REFERENCES profiles (profile_id),
  kind          TEXT NOT NULL,
  about         TEXT NOT NULL,        -- the order, trade, symbol, run or correction that it is about
  author        TEXT NOT NULL,
  reason        TEXT NOT NULL,
  corrected_at  TEXT NOT NULL,
  first_seq     INTEGER,              -- null: it wrote no order and no trade
  last_seq      INTEGER,
  undoes        TEXT,                 -- the run or the correction that it takes back
  document      TEXT NOT NULL
) STRICT;
CREATE INDEX person_corrections_by_profile ON person_corrections (profile_id, corrected_at);

CREATE INDEX decisions_standing ON decisions (profile_id) WHERE revoked_at IS NULL;

-- The last time that each alert was told, and whether it still stands: kept over restarts, so that it is told once and
-- recovers once.
CREATE TABLE alerts (
  profile_id TEXT NOT NULL,
  dedupe_key TEXT NOT NULL,
  raised_at  TEXT NOT NULL,
  stands     INTEGER NOT NULL CHECK (stands IN (0, 1)),
  alert      TEXT NOT NULL,
  began_at   TEXT,                   -- since when it stands, or stood
  told_at    TEXT,                   -- when people were last told of it, besides the log
  about      TEXT,                   -- the break, the money, as JSON
  PRIMARY KEY (profile_id, dedupe_key)
) STRICT, WITHOUT ROWID;

-- What people are told: a row for each message and notifier, committed with the alert and delivered afterwards.
CREATE TABLE alert_deliveries (
  sequence      INTEGER PRIMARY KEY AUTOINCREMENT,
  delivery_id   TEXT NOT NULL UNIQUE,   -- of message and notifier: committed twice it is one
  notifier      TEXT NOT NULL,
  alert_key     TEXT NOT NULL,       -- in order within it: raised, then recovered
  message       TEXT NOT NULL,
  committed_at  TEXT NOT NULL,
  not_before    TEXT NOT NULL,       -- quiet hours, the wait after a failure
  attempts      INTEGER NOT NULL DEFAULT 0,
  claimed_until TEXT,                -- somebody tells it; past: nobody knows whether it arrived
  perhaps_told  INTEGER NOT NULL DEFAULT 0 CHECK (perhaps_told IN (0, 1)),
  outcome       TEXT CHECK (outcome IN ('told', 'refused', 'withdrawn')),   -- null: it waits
  settled_at    TEXT,
  error         TEXT
) STRICT;
CREATE INDEX alert_deliveries_waiting ON alert_deliveries (notifier, alert_key, sequence) WHERE outcome IS NULL;

CREATE TABLE deferrals (
  profile_id        TEXT NOT NULL,
  order_identity    TEXT NOT NULL,
  client_order_id   TEXT,
  venue_order_id    TEXT,
  reason            TEXT NOT NULL,
  first_deferred_at TEXT NOT NULL,
  PRIMARY KEY (profile_id, order_identity)
) STRICT, WITHOUT ROWID;

-- Versions rise with every update, whoever writes. Whoever writes through the order log raises both numbers by one
-- himself; any other update is the bot's or a person's: it is stamped by this database's clock and was not logged.
-- (Logging such a write later only catches logged_version up.)
CREATE TRIGGER orders_version AFTER UPDATE ON orders
WHEN (NEW.version <> OLD.version + 1 OR NEW.logged_version <> NEW.version)
  AND (NEW.version <> OLD.version OR NEW.logged_version <> NEW.version OR OLD.logged_version = OLD.version)
BEGIN
  UPDATE orders SET
    version = OLD.version + 1,
    logged_version = OLD.logged_version,
    last_activity_at = strftime('%Y-%m-%dT%H:%M:%f000000Z', 'now')
  WHERE order_key = NEW.order_key;
END;

CREATE TRIGGER orders_activity AFTER INSERT ON orders
WHEN NEW.logged_version <> NEW.version
BEGIN
  UPDATE orders SET last_activity_at = strftime('%Y-%m-%dT%H:%M:%f000000Z', 'now') WHERE order_key = NEW.order_key;
END;

CREATE TRIGGER trades_version AFTER UPDATE ON trades
WHEN (NEW.version <> OLD.version + 1 OR NEW.logged_version <> NEW.version)
  AND (NEW.version <> OLD.version OR NEW.logged_version <> NEW.version OR OLD.logged_version = OLD.version)
BEGIN
  UPDATE trades SET
    version = OLD.version + 1,
    logged_version = OLD.logged_version,
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000000Z', 'now')
  WHERE profile_id = NEW.profile_id AND trade_id = NEW.trade_id;
END;

CREATE TRIGGER orders_previous_ids_updated AFTER UPDATE OF previous_venue_order_ids ON orders
WHEN NEW.previous_venue_order_ids <> OLD.previous_venue_order_ids
BEGIN
  DELETE FROM previous_ids WHERE order_key = NEW.order_key;
  INSERT INTO previous_ids (account_id, venue_id_normal, instrument, order_key)
    SELECT DISTINCT NEW.account_id, lower(trim(value, char(32, 9, 10, 11, 12, 13))), NEW.instrument, NEW.order_key
    FROM json_each(NEW.previous_venue_order_ids);
END;

CREATE TRIGGER orders_previous_ids_inserted AFTER INSERT ON orders
WHEN NEW.previous_venue_order_ids <> '[]'
BEGIN
  INSERT INTO previous_ids (account_id, venue_id_normal, instrument, order_key)
    SELECT DISTINCT NEW.account_id, lower(trim(value, char(32, 9, 10, 11, 12, 13))), NEW.instrument, NEW.order_key
    FROM json_each(NEW.previous_venue_order_ids);
END;

-- FAIL, not ABORT: nothing of a row was written yet, and SQLite need not note what it would undo (a third of the cost).
CREATE TRIGGER order_log_appends BEFORE INSERT ON order_log
WHEN NEW.seq <> 1 + coalesce((SELECT max(seq) FROM order_log WHERE profile_id = NEW.profile_id), 0)
BEGIN
  SELECT RAISE(FAIL, 'the order log only grows: seq must be the next one');
END;

CREATE TRIGGER order_log_keeps_updated BEFORE UPDATE ON order_log
BEGIN
  SELECT RAISE(ABORT, 'the order log only grows: rows are never changed');
END;

CREATE TRIGGER order_log_keeps_deleted BEFORE DELETE ON order_log
BEGIN
  SELECT RAISE(ABORT, 'the order log only grows: rows are never deleted');
END;

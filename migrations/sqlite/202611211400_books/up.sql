-- The accounts of the books. Whose a receivable, a prepaid fee or a coach's pay is stands on the posting.
CREATE TABLE accounts (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    type TEXT NOT NULL CHECK (type IN ('asset', 'liability', 'equity', 'income', 'expense')),
    -- Made by the club, not by Muster.
    is_category INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO accounts (id, account, name, type) VALUES
    (1, 'cash', 'Cash', 'asset'),
    (2, 'bank', 'Bank', 'asset'),
    (3, 'receivables', 'Owed by members', 'asset'),
    (4, 'prepaid', 'Prepaid class fees', 'liability'),
    (5, 'payables', 'Unpaid bills', 'liability'),
    (6, 'coach_pay', 'Owed to coaches', 'liability'),
    (7, 'opening', 'Opening balances', 'equity'),
    (8, 'dues', 'Dues', 'income'),
    (9, 'classes', 'Class fees', 'income'),
    (10, 'donations', 'Donations', 'income'),
    (11, 'other', 'Other income', 'income'),
    (12, 'coaches', 'Coaches', 'expense'),
    (13, 'write_offs', 'Debts written off', 'expense'),
    (14, 'other_expenses', 'Other expenses', 'expense');

-- One row: up to which day the books are closed.
CREATE TABLE books (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    closed_through TEXT
) STRICT;
INSERT INTO books (id) VALUES (1);

-- An entry is made open, gets its postings, and is sealed, all in one transaction. From then on nothing changes it;
-- another entry can reverse it.
CREATE TABLE entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    date TEXT NOT NULL,
    -- None for what the clock does.
    made_by INTEGER REFERENCES users (id),
    made_at INTEGER NOT NULL,
    reverses INTEGER UNIQUE REFERENCES entries (id),
    sealed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX entries_date ON entries (date, id);
CREATE INDEX entries_kind ON entries (kind, id);
CREATE INDEX entries_made_by ON entries (made_by);

-- The amount is a debit if it is above zero, else a credit. The date is the entry's.
CREATE TABLE postings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    entry_id INTEGER NOT NULL REFERENCES entries (id),
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    amount INTEGER NOT NULL CHECK (amount <> 0),
    date TEXT NOT NULL,
    member_id INTEGER REFERENCES users (id),
    coach_id INTEGER REFERENCES users (id)
) STRICT;
CREATE INDEX postings_entry ON postings (entry_id, id);
CREATE INDEX postings_account ON postings (account_id, date, amount);
CREATE INDEX postings_member ON postings (member_id, account_id, date, entry_id, amount) WHERE member_id IS NOT NULL;
CREATE INDEX postings_members ON postings (account_id, member_id, date, amount) WHERE member_id IS NOT NULL;
CREATE INDEX postings_coach ON postings (coach_id, account_id, date, entry_id, amount) WHERE coach_id IS NOT NULL;

CREATE TRIGGER entries_begin_open BEFORE INSERT ON entries WHEN NEW.sealed <> 0
BEGIN SELECT RAISE(ABORT, 'refused: an entry is sealed after its postings'); END;
CREATE TRIGGER entries_of_open_periods BEFORE INSERT ON entries
WHEN NEW.date <= (SELECT closed_through FROM books)
BEGIN SELECT RAISE(ABORT, 'refused: the period is closed'); END;
CREATE TRIGGER entries_kept BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'refused: entries are never deleted'); END;
CREATE TRIGGER entries_unchanged BEFORE UPDATE OF id, kind, date, made_by, made_at, reverses ON entries
BEGIN SELECT RAISE(ABORT, 'refused: entries are never changed'); END;
CREATE TRIGGER entries_sealed_once BEFORE UPDATE OF sealed ON entries WHEN OLD.sealed <> 0 OR NEW.sealed <> 1
BEGIN SELECT RAISE(ABORT, 'refused: entries are never changed'); END;
CREATE TRIGGER entries_balance BEFORE UPDATE OF sealed ON entries
WHEN (SELECT COALESCE(SUM(amount), 1) FROM postings WHERE entry_id = NEW.id) <> 0
BEGIN SELECT RAISE(ABORT, 'refused: the postings of an entry sum to zero'); END;
CREATE TRIGGER postings_of_open_entries BEFORE INSERT ON postings
WHEN EXISTS (SELECT 1 FROM entries WHERE id = NEW.entry_id AND (sealed <> 0 OR date <> NEW.date))
BEGIN SELECT RAISE(ABORT, 'refused: the entry is sealed, or of another day'); END;
CREATE TRIGGER postings_kept BEFORE DELETE ON postings
BEGIN SELECT RAISE(ABORT, 'refused: postings are never deleted'); END;
CREATE TRIGGER postings_unchanged BEFORE UPDATE ON postings
BEGIN SELECT RAISE(ABORT, 'refused: postings are never changed'); END;
-- An amount means what its currency makes of it.
CREATE TRIGGER club_currency_fixed BEFORE UPDATE OF currency ON club
WHEN OLD.currency <> NEW.currency AND EXISTS (SELECT 1 FROM entries)
BEGIN SELECT RAISE(ABORT, 'refused: the currency is fixed after the first entry'); END;

-- What staff wrote beside an entry: it may hold names, so it can be redacted.
CREATE TABLE entry_notes (
    entry_id INTEGER PRIMARY KEY REFERENCES entries (id),
    text TEXT,
    reference TEXT,
    reason TEXT
) STRICT;

-- What members owe, item by item: charges, and what was paid back to them. An item that was reversed owes nothing.
CREATE TABLE charges (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    entry_id INTEGER NOT NULL UNIQUE REFERENCES entries (id),
    member_id INTEGER NOT NULL REFERENCES users (id),
    kind TEXT NOT NULL CHECK (kind IN ('charge', 'refund')),
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    amount INTEGER NOT NULL CHECK (amount > 0),
    date TEXT NOT NULL,
    due_on TEXT NOT NULL,
    open INTEGER NOT NULL CHECK (open BETWEEN 0 AND amount),
    is_open INTEGER NOT NULL,
    is_reversed INTEGER NOT NULL DEFAULT 0,
    CHECK (is_open = (open > 0))
) STRICT;
CREATE INDEX charges_open ON charges (member_id, is_open, due_on, date, id);
CREATE INDEX charges_member ON charges (member_id, kind, id);
CREATE INDEX charges_due ON charges (is_open, due_on, id);

-- What members have paid or were let off.
CREATE TABLE credits (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    entry_id INTEGER NOT NULL UNIQUE REFERENCES entries (id),
    member_id INTEGER NOT NULL REFERENCES users (id),
    kind TEXT NOT NULL CHECK (kind IN ('payment', 'write_off')),
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    amount INTEGER NOT NULL CHECK (amount > 0),
    date TEXT NOT NULL,
    rest INTEGER NOT NULL CHECK (rest BETWEEN 0 AND amount),
    has_rest INTEGER NOT NULL,
    is_reversed INTEGER NOT NULL DEFAULT 0,
    CHECK (has_rest = (rest > 0))
) STRICT;
CREATE INDEX credits_rest ON credits (member_id, has_rest, date, id);
CREATE INDEX credits_member ON credits (member_id, kind, id);

-- Which credit settles which charge, and how much of it.
CREATE TABLE allocations (
    charge_id INTEGER NOT NULL REFERENCES charges (id),
    credit_id INTEGER NOT NULL REFERENCES credits (id),
    amount INTEGER NOT NULL CHECK (amount > 0),
    PRIMARY KEY (charge_id, credit_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX allocations_credit ON allocations (credit_id, charge_id);

-- Where a member stands: derived from the above in the same transaction, and proven by `check`.
CREATE TABLE standing (
    member_id INTEGER PRIMARY KEY REFERENCES users (id),
    balance INTEGER NOT NULL DEFAULT 0,
    oldest_due_on TEXT,
    -- Days after which a debt that is due is overdue: those of the member's plan.
    grace_days INTEGER NOT NULL DEFAULT 0,
    -- The first day on which something is overdue.
    overdue_from TEXT,
    prepaid_fees INTEGER NOT NULL DEFAULT 0,
    prepaid_reserved INTEGER NOT NULL DEFAULT 0,
    CHECK (prepaid_reserved BETWEEN 0 AND prepaid_fees)
) STRICT;
CREATE INDEX standing_balance ON standing (balance, member_id);
CREATE INDEX standing_overdue ON standing (overdue_from, member_id);
INSERT INTO standing (member_id) SELECT id FROM users;

-- Class fees paid in advance.
CREATE TABLE prepaid_lots (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    entry_id INTEGER NOT NULL UNIQUE REFERENCES entries (id),
    member_id INTEGER NOT NULL REFERENCES users (id),
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    count INTEGER NOT NULL CHECK (count > 0),
    amount INTEGER NOT NULL CHECK (amount >= 0),
    date TEXT NOT NULL,
    -- The last day on which it can be used.
    expires_on TEXT,
    used INTEGER NOT NULL DEFAULT 0,
    reserved INTEGER NOT NULL DEFAULT 0,
    -- Expired, refunded or reversed.
    lapsed INTEGER NOT NULL DEFAULT 0,
    -- What of the amount is no longer owed as classes.
    released INTEGER NOT NULL DEFAULT 0,
    is_live INTEGER NOT NULL,
    CHECK (used >= 0 AND reserved >= 0 AND lapsed >= 0 AND used + reserved + lapsed <= count),
    CHECK (released BETWEEN 0 AND amount),
    CHECK (is_live = (used + lapsed < count))
) STRICT;
CREATE INDEX prepaid_lots_member ON prepaid_lots (member_id, is_live, expires_on, id);
CREATE INDEX prepaid_lots_of ON prepaid_lots (member_id, id);
CREATE INDEX prepaid_lots_expiry ON prepaid_lots (is_live, expires_on, id);
CREATE INDEX prepaid_lots_live ON prepaid_lots (is_live, id);

-- How a lot became less: used, expired, refunded or reversed; or more, when a use was taken back.
CREATE TABLE prepaid_moves (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    lot_id INTEGER NOT NULL REFERENCES prepaid_lots (id),
    entry_id INTEGER NOT NULL UNIQUE REFERENCES entries (id),
    date TEXT NOT NULL,
    fees INTEGER NOT NULL,
    amount INTEGER NOT NULL
) STRICT;
CREATE INDEX prepaid_moves_lot ON prepaid_moves (lot_id, date);
CREATE INDEX prepaid_moves_date ON prepaid_moves (date, lot_id);

-- Months that take no more entries, and what every account stood at when they ended.
CREATE TABLE closed_periods (
    period TEXT PRIMARY KEY,
    closed_at INTEGER NOT NULL,
    closed_by INTEGER NOT NULL REFERENCES users (id)
) STRICT, WITHOUT ROWID;
CREATE TABLE period_balances (
    period TEXT NOT NULL REFERENCES closed_periods (period),
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    balance INTEGER NOT NULL,
    PRIMARY KEY (period, account_id)
) STRICT, WITHOUT ROWID;

-- Whoever has or had the role `coach`, with the id of the user. The row is made with the role and stays without it.
CREATE TABLE coaches (
    id INTEGER PRIMARY KEY REFERENCES users (id),
    version INTEGER NOT NULL DEFAULT 1,
    -- They have the role now.
    is_coach INTEGER NOT NULL,
    -- They have the role, or the club owes them something, or they the club.
    is_listed INTEGER NOT NULL,
    -- Somebody has filled the profile in.
    has_profile INTEGER NOT NULL DEFAULT 0,
    -- By what coaches are sorted: the public name, else the last and the first, without regard to capitals.
    name_key TEXT NOT NULL,
    public_name TEXT,
    bio TEXT,
    specialities TEXT NOT NULL DEFAULT '[]',
    -- What was accrued and not paid out; derived from the two tables below in the same transaction, and proven by `check`.
    payment_balance INTEGER NOT NULL DEFAULT 0,
    -- The last payout that was not taken back.
    last_payment_balance INTEGER NOT NULL DEFAULT 0,
    classes_taught_total INTEGER NOT NULL DEFAULT 0 CHECK (classes_taught_total >= 0),
    CHECK (is_listed = (is_coach OR payment_balance <> 0))
) STRICT;
CREATE INDEX coaches_name ON coaches (is_listed, name_key, id);
CREATE INDEX coaches_listed ON coaches (is_listed, id);
INSERT INTO coaches (id, is_coach, is_listed, name_key)
SELECT r.user_id, 1, 1, u.name_key FROM user_roles r JOIN users u ON u.id = r.user_id WHERE r.role = 'coach';

-- When a coach is there: a document.
CREATE TABLE coach_availability (
    coach_id INTEGER PRIMARY KEY REFERENCES coaches (id),
    says TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 1
) STRICT;

-- What a coach is paid for a class from a day on, until the next terms start. Those by which something was accrued stay:
-- the line names them.
CREATE TABLE coach_terms (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    coach_id INTEGER NOT NULL REFERENCES coaches (id),
    starts_on TEXT NOT NULL,
    per_class INTEGER NOT NULL CHECK (per_class >= 0),
    -- For each who attended above so many.
    per_head INTEGER NOT NULL CHECK (per_head >= 0),
    heads_above INTEGER NOT NULL CHECK (heads_above >= 0),
    minimum INTEGER CHECK (minimum >= 0),
    maximum INTEGER CHECK (maximum >= 0),
    made_by INTEGER NOT NULL REFERENCES users (id),
    made_at INTEGER NOT NULL,
    UNIQUE (coach_id, starts_on),
    CHECK (minimum <= maximum)
) STRICT;
CREATE INDEX coach_terms_made_by ON coach_terms (made_by);
CREATE TRIGGER coach_terms_unchanged BEFORE UPDATE ON coach_terms
BEGIN SELECT RAISE(ABORT, 'refused: pay terms are never changed'); END;

-- A time at which all coaches were paid what was due for classes up to a day.
CREATE TABLE payroll_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    through TEXT NOT NULL,
    method TEXT NOT NULL CHECK (method IN ('cash', 'bank')),
    state TEXT NOT NULL CHECK (state IN ('running', 'done')),
    -- How many lines of each kind it has, and what was paid in all.
    paid INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    amount INTEGER NOT NULL DEFAULT 0,
    started_by INTEGER NOT NULL REFERENCES users (id),
    started_at INTEGER NOT NULL,
    finished_at INTEGER,
    version INTEGER NOT NULL DEFAULT 1,
    CHECK ((state = 'done') = (finished_at IS NOT NULL))
) STRICT;
CREATE INDEX payroll_runs_started_by ON payroll_runs (started_by);

-- What was paid to a coach: the balance that the payout before left, and items, less the amount, is what it leaves.
CREATE TABLE coach_payouts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    coach_id INTEGER NOT NULL REFERENCES coaches (id),
    entry_id INTEGER NOT NULL UNIQUE REFERENCES entries (id),
    run_id INTEGER REFERENCES payroll_runs (id),
    amount INTEGER NOT NULL CHECK (amount > 0),
    method TEXT NOT NULL CHECK (method IN ('cash', 'bank')),
    date TEXT NOT NULL,
    brought_forward INTEGER NOT NULL,
    items_total INTEGER NOT NULL,
    carried_forward INTEGER NOT NULL,
    is_reversed INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL DEFAULT 1,
    CHECK (brought_forward + items_total - amount = carried_forward)
) STRICT;
CREATE INDEX coach_payouts_coach ON coach_payouts (coach_id, id);
CREATE INDEX coach_payouts_live ON coach_payouts (coach_id, is_reversed, id);
CREATE INDEX coach_payouts_run ON coach_payouts (run_id);
CREATE TRIGGER coach_payouts_unchanged BEFORE UPDATE OF id, coach_id, entry_id, run_id, amount, method, date,
    brought_forward, items_total, carried_forward ON coach_payouts
BEGIN SELECT RAISE(ABORT, 'refused: payouts are never changed'); END;
CREATE TRIGGER coach_payouts_kept BEFORE DELETE ON coach_payouts
BEGIN SELECT RAISE(ABORT, 'refused: payouts are never deleted'); END;

-- What became of each coach in a run.
CREATE TABLE payroll_lines (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL REFERENCES payroll_runs (id),
    coach_id INTEGER NOT NULL REFERENCES coaches (id),
    outcome TEXT NOT NULL CHECK (outcome IN ('paid', 'skipped')),
    payout_id INTEGER UNIQUE REFERENCES coach_payouts (id),
    reason TEXT,
    UNIQUE (run_id, coach_id),
    CHECK ((outcome = 'paid') = (payout_id IS NOT NULL) AND (outcome = 'skipped') = (reason IS NOT NULL))
) STRICT;
CREATE INDEX payroll_lines_run ON payroll_lines (run_id, id);
CREATE INDEX payroll_lines_outcome ON payroll_lines (run_id, outcome, id);
CREATE INDEX payroll_lines_coach ON payroll_lines (coach_id);

-- What a coach earned by a class, and what was added or taken away when its attendance was corrected. The classes
-- themselves are another crate's.
CREATE TABLE coach_accruals (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    coach_id INTEGER NOT NULL REFERENCES coaches (id),
    class_id INTEGER NOT NULL,
    class_at INTEGER NOT NULL,
    -- The class's day where it took place.
    date TEXT NOT NULL,
    -- None when there were no terms on that day: then it is nothing.
    terms_id INTEGER REFERENCES coach_terms (id),
    heads INTEGER NOT NULL CHECK (heads >= 0),
    -- What the class comes to with these heads, and what of that this line adds.
    pay INTEGER NOT NULL CHECK (pay >= 0),
    amount INTEGER NOT NULL,
    -- The class's own line, if this one corrects it.
    adjusts INTEGER REFERENCES coach_accruals (id),
    entry_id INTEGER UNIQUE REFERENCES entries (id),
    -- None while it is unpaid.
    payout_id INTEGER REFERENCES coach_payouts (id),
    CHECK ((entry_id IS NULL) = (amount = 0)),
    CHECK (adjusts IS NOT NULL OR amount = pay),
    CHECK (terms_id IS NOT NULL OR pay = 0)
) STRICT;
CREATE UNIQUE INDEX coach_accruals_once ON coach_accruals (class_id) WHERE adjusts IS NULL;
CREATE INDEX coach_accruals_class ON coach_accruals (class_id, id);
CREATE INDEX coach_accruals_day ON coach_accruals (coach_id, date, id);
CREATE INDEX coach_accruals_taught ON coach_accruals (coach_id, date) WHERE adjusts IS NULL;
CREATE INDEX coach_accruals_unpaid ON coach_accruals (coach_id, date, amount) WHERE payout_id IS NULL;
CREATE INDEX coach_accruals_payout ON coach_accruals (payout_id, id);
CREATE INDEX coach_accruals_terms ON coach_accruals (terms_id);
CREATE INDEX coach_accruals_adjusts ON coach_accruals (adjusts);
CREATE TRIGGER coach_accruals_unchanged BEFORE UPDATE OF id, coach_id, class_id, class_at, date, terms_id, heads, pay,
    amount, adjusts, entry_id ON coach_accruals
BEGIN SELECT RAISE(ABORT, 'refused: what was accrued is never changed'); END;
CREATE TRIGGER coach_accruals_kept BEFORE DELETE ON coach_accruals
BEGIN SELECT RAISE(ABORT, 'refused: what was accrued is never deleted'); END;

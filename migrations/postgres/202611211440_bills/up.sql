-- What the club owes for things: hall rent, equipment. Payee and text are written by staff and may hold names.
CREATE TABLE bills (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entry_id BIGINT NOT NULL UNIQUE REFERENCES entries (id),
    payee TEXT NOT NULL,
    text TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    open BIGINT NOT NULL CHECK (open BETWEEN 0 AND amount),
    is_open BOOLEAN NOT NULL,
    -- The expense that it is.
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    date DATE NOT NULL,
    due_on DATE NOT NULL,
    -- How often it comes again, and the day of the next one; on the first bill of a series.
    repeat TEXT CHECK (repeat IN ('month', 'quarter', 'year')),
    next_on DATE,
    -- The first bill of the series, and the day in the series that this one stands for. Its own date is later if that
    -- month was closed.
    repeats BIGINT REFERENCES bills (id),
    stands_for DATE,
    is_reversed BOOLEAN NOT NULL DEFAULT false,
    version BIGINT NOT NULL DEFAULT 1,
    CHECK (is_open = (open > 0)),
    CHECK (repeat IS NULL OR repeats IS NULL),
    CHECK ((repeat IS NULL) = (next_on IS NULL)),
    CHECK ((repeats IS NULL) = (stands_for IS NULL)),
    UNIQUE (repeats, stands_for)
);
CREATE INDEX bills_open ON bills (is_open, due_on, id);
CREATE INDEX bills_next ON bills (next_on, id) WHERE next_on IS NOT NULL;

CREATE TABLE bill_payments (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bill_id BIGINT NOT NULL REFERENCES bills (id),
    entry_id BIGINT NOT NULL UNIQUE REFERENCES entries (id),
    -- Out of which it was paid.
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    amount BIGINT NOT NULL CHECK (amount > 0),
    date DATE NOT NULL,
    is_reversed BOOLEAN NOT NULL DEFAULT false
);
CREATE INDEX bill_payments_bill ON bill_payments (bill_id, id);

-- For reports: those who owe or have credit, in order; what was charged of late; what coaches are owed.
CREATE INDEX standing_unsettled ON standing (member_id) WHERE balance <> 0;
CREATE INDEX charges_aging ON charges (member_id, due_on, date, amount);
CREATE INDEX postings_coaches ON postings (account_id, coach_id, date, amount) WHERE coach_id IS NOT NULL;

-- What came to each account on each day, of the postings up to a number: so that balances do not cost what was ever posted.
CREATE TABLE account_days (
    day TEXT NOT NULL,
    account_id INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    PRIMARY KEY (day, account_id)
) STRICT, WITHOUT ROWID;
ALTER TABLE books ADD COLUMN summed_through INTEGER NOT NULL DEFAULT 0;

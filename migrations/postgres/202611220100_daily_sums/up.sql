-- What came to each account on each day, of the postings up to a number: so that balances do not cost what was ever posted.
CREATE TABLE account_days (
    day DATE NOT NULL,
    account_id BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    PRIMARY KEY (day, account_id)
);
ALTER TABLE books ADD COLUMN summed_through BIGINT NOT NULL DEFAULT 0;

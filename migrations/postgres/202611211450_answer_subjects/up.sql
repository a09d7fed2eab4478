-- Whom a kept answer is about, so that it goes when that person is erased. No foreign key: it tells nothing else.
ALTER TABLE idempotency_keys ADD COLUMN subject_id BIGINT;
CREATE INDEX idempotency_keys_subject ON idempotency_keys (subject_id);

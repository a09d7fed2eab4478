-- Whom a job is about, so that it can be found when that person is erased. No foreign key: it tells nothing else.
ALTER TABLE jobs ADD COLUMN subject_id INTEGER;
CREATE INDEX jobs_subject ON jobs (subject_id);

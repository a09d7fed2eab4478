-- What members pay regularly. `members.plan_id` says who pays by which. Plans are never deleted, so that what grows with
-- the members needs no foreign key to them, which would need an index more.
CREATE TABLE plans (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    price BIGINT NOT NULL CHECK (price >= 0),
    every TEXT NOT NULL CHECK (every IN ('month', 'year', 'once')),
    grace_days INTEGER NOT NULL CHECK (grace_days BETWEEN 0 AND 365),
    prorate BOOLEAN NOT NULL,
    version BIGINT NOT NULL DEFAULT 1
);
CREATE INDEX plans_every ON plans (every, id);

-- A time at which dues were charged: of one plan, or of all that are paid as often.
CREATE TABLE dues_runs (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    plan_id BIGINT REFERENCES plans (id),
    period TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'done')),
    -- How many lines of each kind it has.
    charged BIGINT NOT NULL DEFAULT 0,
    skipped BIGINT NOT NULL DEFAULT 0,
    started_by BIGINT NOT NULL REFERENCES users (id),
    started_at TIMESTAMPTZ NOT NULL,
    finished_at TIMESTAMPTZ,
    version BIGINT NOT NULL DEFAULT 1,
    CHECK ((state = 'done') = (finished_at IS NOT NULL))
);
CREATE INDEX dues_runs_plan ON dues_runs (plan_id);
CREATE INDEX dues_runs_started_by ON dues_runs (started_by);

-- What a run made of each member.
CREATE TABLE dues_lines (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id BIGINT NOT NULL REFERENCES dues_runs (id),
    member_id BIGINT NOT NULL REFERENCES users (id),
    plan_id BIGINT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('charged', 'skipped')),
    charge_id BIGINT REFERENCES charges (id),
    amount BIGINT,
    reason TEXT,
    UNIQUE (run_id, member_id),
    CHECK ((outcome = 'charged') = (charge_id IS NOT NULL) AND (outcome = 'charged') = (amount IS NOT NULL)),
    CHECK (outcome = 'charged' OR reason IS NOT NULL)
);
CREATE INDEX dues_lines_run ON dues_lines (run_id, id);
CREATE INDEX dues_lines_outcome ON dues_lines (run_id, outcome, id);
CREATE INDEX dues_lines_member ON dues_lines (member_id);
CREATE INDEX dues_lines_charge ON dues_lines (charge_id);

-- Who was charged what: this is what makes sure that nobody is charged twice, whatever runs at the same time. The charge
-- is missing only while the transaction that makes it is under way.
CREATE TABLE dues_charged (
    member_id BIGINT NOT NULL REFERENCES users (id),
    plan_id BIGINT NOT NULL,
    period TEXT NOT NULL,
    charge_id BIGINT UNIQUE REFERENCES charges (id),
    PRIMARY KEY (member_id, plan_id, period)
);
-- Whoever changes the plan does not pay a month or a year twice.
CREATE UNIQUE INDEX dues_charged_period ON dues_charged (member_id, period) WHERE period <> 'once';

-- Which reminders of an open charge were sent: the step is so many days after it was due.
CREATE TABLE dues_reminders (
    charge_id BIGINT NOT NULL REFERENCES charges (id),
    step INTEGER NOT NULL,
    sent_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (charge_id, step)
);

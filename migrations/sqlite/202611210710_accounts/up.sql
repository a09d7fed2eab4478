-- People who can sign in, and those somebody else acts for (no address).
CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    email TEXT UNIQUE CHECK (email = lower(email)),
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    date_of_birth TEXT,
    password_hash TEXT,
    is_active INTEGER NOT NULL DEFAULT 1,
    email_verified_at INTEGER,
    date_joined INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE user_roles (
    user_id INTEGER NOT NULL REFERENCES users (id),
    role TEXT NOT NULL CHECK (role IN ('member', 'coach', 'treasurer', 'admin')),
    PRIMARY KEY (user_id, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_roles_role ON user_roles (role, user_id);

-- One row: the club itself.
CREATE TABLE club (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL,
    currency TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    policies TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 1
) STRICT;
INSERT INTO club (id, name, currency, time_zone, policies) VALUES (1, 'Our club', 'EUR', 'UTC', '{}');

-- What members thought of a class they attended. When somebody is erased, the stars stay and say no more whose they were;
-- of those there can be several in a class, since null is never twice.
CREATE TABLE class_ratings (
    id INTEGER PRIMARY KEY,
    version INTEGER NOT NULL DEFAULT 1,
    class_id INTEGER NOT NULL REFERENCES classes (id),
    member_id INTEGER REFERENCES users (id),
    stars INTEGER NOT NULL CHECK (stars BETWEEN 1 AND 5),
    UNIQUE (class_id, member_id)
) STRICT;
CREATE INDEX class_ratings_member ON class_ratings (member_id, id);

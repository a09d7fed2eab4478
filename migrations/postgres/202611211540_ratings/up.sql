-- What members thought of a class they attended. When somebody is erased, the stars stay and say no more whose they were;
-- of those there can be several in a class, since null is never twice.
CREATE TABLE class_ratings (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version BIGINT NOT NULL DEFAULT 1,
    class_id BIGINT NOT NULL REFERENCES classes (id),
    member_id BIGINT REFERENCES users (id),
    stars INTEGER NOT NULL CHECK (stars BETWEEN 1 AND 5),
    UNIQUE (class_id, member_id)
);
CREATE INDEX class_ratings_member ON class_ratings (member_id, id);

-- The room in which those of a class talk: one of the series, else one of the session.
ALTER TABLE class_series ADD COLUMN room_id INTEGER REFERENCES rooms (id);
ALTER TABLE classes ADD COLUMN room_id INTEGER REFERENCES rooms (id);
UPDATE class_series SET room_id = (SELECT r.id FROM rooms r WHERE r.series_id = class_series.id);
UPDATE classes SET room_id =
    (SELECT r.id FROM rooms r WHERE r.class_id = classes.id OR r.series_id = classes.series_id);
CREATE INDEX class_series_room ON class_series (room_id);
CREATE INDEX classes_chat_room ON classes (room_id, coach_id, starts_at);

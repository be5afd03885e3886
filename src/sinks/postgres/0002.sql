-- What is brought here by `callbackd collect`, out of a stream.

CREATE TABLE callbackd.collected (
    site text NOT NULL,
    db_uuid text NOT NULL,
    chain bigint NOT NULL,
    piece bigint NOT NULL,
    lists_ms bigint NOT NULL,
    PRIMARY KEY (site, db_uuid)
);
COMMENT ON TABLE callbackd.collected IS 'How far each database of each site is collected from a stream, beside sink_cursor.';
COMMENT ON COLUMN callbackd.collected.site IS 'Name of the site.';
COMMENT ON COLUMN callbackd.collected.db_uuid IS 'Identity of the database.';
COMMENT ON COLUMN callbackd.collected.chain IS 'When its tables were read from the beginning last, ms since 1970 UTC by the site''s clock: what it publishes since follows from that.';
COMMENT ON COLUMN callbackd.collected.piece IS 'The piece of these tables that comes next, from 0.';
COMMENT ON COLUMN callbackd.collected.lists_ms IS 'When the short lists that are here were read, ms since 1970 UTC by the site''s clock.';

CREATE TABLE callbackd.dead_letters (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site text,
    db_uuid text,
    chain bigint,
    after_seq bigint,
    to_seq bigint,
    subject text NOT NULL,
    stream_seq bigint NOT NULL,
    why text NOT NULL,
    headers bytea,
    body bytea,
    came integer NOT NULL DEFAULT 0,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX dead_letters_by_site ON callbackd.dead_letters (site, db_uuid, chain);
COMMENT ON TABLE callbackd.dead_letters IS 'Messages that could not be read or written, and places where some are missing: `callbackd collect --dead`.';
COMMENT ON COLUMN callbackd.dead_letters.id IS 'In the order in which they were put aside.';
COMMENT ON COLUMN callbackd.dead_letters.site IS 'Name of the site; NULL if it is of none.';
COMMENT ON COLUMN callbackd.dead_letters.db_uuid IS 'Identity of the database; NULL if that cannot be known.';
COMMENT ON COLUMN callbackd.dead_letters.chain IS 'As in collected.';
COMMENT ON COLUMN callbackd.dead_letters.after_seq IS 'The change before it, or before those that are missing.';
COMMENT ON COLUMN callbackd.dead_letters.to_seq IS 'The change that it is, or the last one that is missing.';
COMMENT ON COLUMN callbackd.dead_letters.subject IS 'Where it was published, or the message behind those that are missing.';
COMMENT ON COLUMN callbackd.dead_letters.stream_seq IS 'The number of that message in the stream.';
COMMENT ON COLUMN callbackd.dead_letters.why IS 'Why it was put aside.';
COMMENT ON COLUMN callbackd.dead_letters.headers IS 'The headers of the message; NULL where some are missing.';
COMMENT ON COLUMN callbackd.dead_letters.body IS 'What the message says; NULL where some are missing.';
COMMENT ON COLUMN callbackd.dead_letters.came IS 'So many of those that were missing have come since, and are here.';
COMMENT ON COLUMN callbackd.dead_letters.at IS 'When it was put aside.';

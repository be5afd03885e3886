-- Webhooks: how far each endpoint has come beside its place in sinks, what it was sent, and what it answered.

CREATE TABLE webhooks (
    name       TEXT    PRIMARY KEY,        -- of the endpoint, as in the configuration
    state      TEXT    NOT NULL,           -- running, paused (by a person), off (it answered 410 Gone)
    since_ms   INTEGER NOT NULL,           -- ms since 1970 UTC: in this state
    "by"       TEXT    NOT NULL,           -- who brought it there: callbackd, or a user
    failing_ms INTEGER                     -- ms since 1970 UTC: nothing has been delivered since; NULL if the last message was
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook_messages (
    webhook  TEXT    NOT NULL,             -- name of the endpoint
    seq      INTEGER NOT NULL,             -- outbox.seq of the change that it tells
    kind     TEXT    NOT NULL,             -- outbox.kind of it
    key      TEXT    NOT NULL,             -- outbox.key of it
    state    TEXT    NOT NULL,             -- failing (tried again at next_ms), delivered, given_up, again (a person wants it sent again)
    attempts INTEGER NOT NULL,             -- how often it was sent
    refused  INTEGER NOT NULL,             -- of these, answered by a 4xx that says that it will never be taken
    first_ms INTEGER NOT NULL,             -- ms since 1970 UTC: sent first
    last_ms  INTEGER NOT NULL,             -- ms since 1970 UTC: sent last
    next_ms  INTEGER NOT NULL,             -- ms since 1970 UTC: not sent before, while it is failing
    body     TEXT,                         -- what is sent; NULL once it was delivered
    PRIMARY KEY (webhook, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook_attempts (
    id      INTEGER PRIMARY KEY,           -- in the order of time
    webhook TEXT    NOT NULL,              -- name of the endpoint
    seq     INTEGER NOT NULL,              -- of the message
    at_ms   INTEGER NOT NULL,              -- ms since 1970 UTC: begun
    took_ms INTEGER NOT NULL,              -- ms until the answer, or until it was given up
    code    INTEGER,                       -- HTTP status of the answer; NULL if none came
    error   TEXT    NOT NULL,              -- why none came; empty if one did
    answer  TEXT    NOT NULL               -- the first 500 bytes of its body
) STRICT;

CREATE INDEX webhook_attempts_of ON webhook_attempts (webhook, seq);
CREATE INDEX webhook_messages_open ON webhook_messages (webhook, state) WHERE state <> 'delivered';

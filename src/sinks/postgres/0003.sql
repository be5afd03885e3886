-- By which claim an attempt was made, where several sites share their customers.

ALTER TABLE callbackd.callback_attempts
    ADD COLUMN claim_revision bigint;
COMMENT ON COLUMN callbackd.callback_attempts.claim_revision IS 'which writing of the customer''s entry in the group''s bucket was the site''s claim, had before intended_ms; NULL without a claim';

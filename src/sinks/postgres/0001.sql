CREATE SCHEMA callbackd;
COMMENT ON SCHEMA callbackd IS 'Calls and callbacks of all sites, written by the sinks of callbackd';

CREATE TABLE callbackd.sink_schema (
    version      integer NOT NULL,
    writers_from integer NOT NULL,
    applied      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (version)
);
COMMENT ON TABLE callbackd.sink_schema IS 'Versions of this schema that were applied';
COMMENT ON COLUMN callbackd.sink_schema.version IS 'which one: 1, 2, ...';
COMMENT ON COLUMN callbackd.sink_schema.writers_from IS 'the first version whose writers can write this one';
COMMENT ON COLUMN callbackd.sink_schema.applied IS 'when';

CREATE TABLE callbackd.sink_cursor (
    site        text COLLATE "C" NOT NULL,
    db_uuid     text COLLATE "C" NOT NULL,
    incarnation integer NOT NULL,
    acked_seq   bigint NOT NULL,
    walk        text,
    at_ms       bigint,
    written     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site, db_uuid),
    UNIQUE (site, incarnation)
);
COMMENT ON TABLE callbackd.sink_cursor IS 'How far each database of each site is copied';
COMMENT ON COLUMN callbackd.sink_cursor.site IS 'name of the site';
COMMENT ON COLUMN callbackd.sink_cursor.db_uuid IS 'identity of the database: one that was put back from a copy has another';
COMMENT ON COLUMN callbackd.sink_cursor.incarnation IS '1, 2, ... in the order in which the databases of the site began to write here';
COMMENT ON COLUMN callbackd.sink_cursor.acked_seq IS 'all changes of its feed up to this one are in the tables';
COMMENT ON COLUMN callbackd.sink_cursor.walk IS 'how far its tables have been read anew, JSON; NULL while the feed is followed';
COMMENT ON COLUMN callbackd.sink_cursor.at_ms IS 'ms since 1970 UTC: the change acked_seq was committed at the site; NULL before the first';
COMMENT ON COLUMN callbackd.sink_cursor.written IS 'written last, by the clock of this server';

CREATE TABLE callbackd.calls (
    site          text COLLATE "C" NOT NULL,
    incarnation   integer NOT NULL,
    db_uuid       text NOT NULL,
    id            bigint NOT NULL,
    pbx           text COLLATE "C" NOT NULL,
    linkedid      text COLLATE "C" NOT NULL,
    direction     text NOT NULL,
    status        text NOT NULL,
    outcome       text NOT NULL,
    number        text,
    number_e164   text,
    name          text,
    did           text,
    trunk         text,
    queue         text,
    agent         text,
    started_ms    bigint NOT NULL,
    answered_ms   bigint,
    ended_ms      bigint NOT NULL,
    wait_ms       bigint NOT NULL,
    queue_wait_ms bigint NOT NULL,
    ring_ms       bigint NOT NULL,
    talk_ms       bigint NOT NULL,
    hold_ms       bigint NOT NULL,
    hangup_by     text NOT NULL,
    hangup_cause  bigint,
    transfers     bigint NOT NULL,
    voicemail     bigint NOT NULL,
    quality       text NOT NULL,
    why           text NOT NULL,
    callback_id   bigint,
    recovered_by  text,
    recovered_ms  bigint,
    rev           bigint NOT NULL,
    language      text,
    PRIMARY KEY (site, pbx, linkedid)
);
COMMENT ON TABLE callbackd.calls IS 'One row for each call of each site';
COMMENT ON COLUMN callbackd.calls.site IS 'name of the site, as its configuration or its machine has it';
COMMENT ON COLUMN callbackd.calls.incarnation IS 'which database of the site: 1, 2, ... in the order in which they began to write here; see sink_cursor';
COMMENT ON COLUMN callbackd.calls.db_uuid IS 'identity of that database';
COMMENT ON COLUMN callbackd.calls.id IS 'row id in the database of the site; another call may have had it before';
COMMENT ON COLUMN callbackd.calls.pbx IS 'name of the PBX in the configuration';
COMMENT ON COLUMN callbackd.calls.linkedid IS 'Asterisk''s Linkedid under which the call began; joins with linkedid of Asterisk''s CDR and CEL';
COMMENT ON COLUMN callbackd.calls.direction IS 'inbound, outbound, internal, callback';
COMMENT ON COLUMN callbackd.calls.status IS 'what a manager counts: ANSWER, NOANSWER, BUSY, CANCEL, OUT_OF_TIME, NOT_CONNECTED, UNKNOWN';
COMMENT ON COLUMN callbackd.calls.outcome IS 'why: AGENT, QUEUE_ABANDON, RING_TIMEOUT, ...';
COMMENT ON COLUMN callbackd.calls.number IS 'the other party''s number as received or dialled; NULL if withheld or absent';
COMMENT ON COLUMN callbackd.calls.number_e164 IS 'the same in E.164 (+12025550123); NULL if it cannot be called';
COMMENT ON COLUMN callbackd.calls.name IS 'the other party''s name (CallerIDName), as the network told it';
COMMENT ON COLUMN callbackd.calls.did IS 'inbound: the number that the customer dialled; outbound: the caller id that we showed';
COMMENT ON COLUMN callbackd.calls.trunk IS 'technology and peer of the trunk (PJSIP/provider)';
COMMENT ON COLUMN callbackd.calls.queue IS 'the queue that connected the caller, else the last one that they were in';
COMMENT ON COLUMN callbackd.calls.agent IS 'interface of the first person who talked with the customer (PJSIP/101)';
COMMENT ON COLUMN callbackd.calls.started_ms IS 'ms since 1970 UTC: first event of the call';
COMMENT ON COLUMN callbackd.calls.answered_ms IS 'ms since 1970 UTC: first bridge with a person; NULL if there was none';
COMMENT ON COLUMN callbackd.calls.ended_ms IS 'ms since 1970 UTC: the customer''s last channel ended';
COMMENT ON COLUMN callbackd.calls.wait_ms IS 'ms from started_ms to answered_ms, or to the end if nobody answered';
COMMENT ON COLUMN callbackd.calls.queue_wait_ms IS 'ms in queues, all visits added up';
COMMENT ON COLUMN callbackd.calls.ring_ms IS 'ms in which at least one person''s phone rang';
COMMENT ON COLUMN callbackd.calls.talk_ms IS 'ms in which the customer shared a bridge with a person';
COMMENT ON COLUMN callbackd.calls.hold_ms IS 'ms on hold or parked after having been answered';
COMMENT ON COLUMN callbackd.calls.hangup_by IS 'who ended it: customer, agent, pbx, unknown';
COMMENT ON COLUMN callbackd.calls.hangup_cause IS 'Q.850 cause of the customer''s channel (Hangup''s Cause); proves nothing by itself';
COMMENT ON COLUMN callbackd.calls.transfers IS 'number of transfers, blind and attended';
COMMENT ON COLUMN callbackd.calls.voicemail IS '1 if a message was left, else 0';
COMMENT ON COLUMN callbackd.calls.quality IS 'how much of it was seen: full, partial, gap, backfilled';
COMMENT ON COLUMN callbackd.calls.why IS 'JSON array of sentences: the facts that decided status and outcome, in the order in which they count';
COMMENT ON COLUMN callbackd.calls.callback_id IS 'the callback that this call belongs to; NULL if none';
COMMENT ON COLUMN callbackd.calls.recovered_by IS 'who won a missed customer back: callback, customer, agent; NULL if nobody did';
COMMENT ON COLUMN callbackd.calls.recovered_ms IS 'ms since 1970 UTC: when the caller was served';
COMMENT ON COLUMN callbackd.calls.rev IS 'how often the row was written: 1, and one more for each correction';
COMMENT ON COLUMN callbackd.calls.language IS 'language of the customer''s channel at its end (CHANNEL(language)); NULL if it was not seen, or the call is one of ours';

CREATE TABLE callbackd.legs (
    site        text COLLATE "C" NOT NULL,
    incarnation integer NOT NULL,
    db_uuid     text NOT NULL,
    pbx         text COLLATE "C" NOT NULL,
    linkedid    text COLLATE "C" NOT NULL,
    call_id     bigint NOT NULL,
    n           bigint NOT NULL,
    agent       text NOT NULL,
    interface   text NOT NULL,
    queue       text,
    started_ms  bigint NOT NULL,
    answered_ms bigint,
    ended_ms    bigint NOT NULL,
    talk_ms     bigint NOT NULL,
    result      text NOT NULL,
    PRIMARY KEY (site, pbx, linkedid, n)
);
COMMENT ON TABLE callbackd.legs IS 'Ring attempts of calls';
COMMENT ON COLUMN callbackd.legs.site IS 'name of the site, as its configuration or its machine has it';
COMMENT ON COLUMN callbackd.legs.incarnation IS 'which database of the site: 1, 2, ... in the order in which they began to write here; see sink_cursor';
COMMENT ON COLUMN callbackd.legs.db_uuid IS 'identity of that database';
COMMENT ON COLUMN callbackd.legs.pbx IS 'name of the PBX of the call';
COMMENT ON COLUMN callbackd.legs.linkedid IS 'linkedid of the call';
COMMENT ON COLUMN callbackd.legs.call_id IS 'the call';
COMMENT ON COLUMN callbackd.legs.n IS '0, 1, 2, ... in the order of the ring attempts of this call';
COMMENT ON COLUMN callbackd.legs.agent IS 'the person, as interface of the technology channel (PJSIP/105)';
COMMENT ON COLUMN callbackd.legs.interface IS 'what was dialled, as the queue or Dial names it (Local/105@from-queue/n)';
COMMENT ON COLUMN callbackd.legs.queue IS 'the queue that rang it; NULL if none did';
COMMENT ON COLUMN callbackd.legs.started_ms IS 'ms since 1970 UTC: it began to be dialled (DialBegin)';
COMMENT ON COLUMN callbackd.legs.answered_ms IS 'ms since 1970 UTC: it answered; NULL if it did not';
COMMENT ON COLUMN callbackd.legs.ended_ms IS 'ms since 1970 UTC: it ended; for an answered one, the person left';
COMMENT ON COLUMN callbackd.legs.talk_ms IS 'ms on the line with the customer';
COMMENT ON COLUMN callbackd.legs.result IS 'how: ANSWERED, NOANSWER, BUSY, REJECTED, UNAVAILABLE, CONGESTION, ELSEWHERE, CANCELLED, LOST_RACE, DUMPED, UNKNOWN';

CREATE TABLE callbackd.queue_visits (
    site        text COLLATE "C" NOT NULL,
    incarnation integer NOT NULL,
    db_uuid     text NOT NULL,
    pbx         text COLLATE "C" NOT NULL,
    linkedid    text COLLATE "C" NOT NULL,
    call_id     bigint NOT NULL,
    n           bigint NOT NULL,
    queue       text NOT NULL,
    joined_ms   bigint NOT NULL,
    left_ms     bigint NOT NULL,
    position    bigint,
    result      text NOT NULL,
    PRIMARY KEY (site, pbx, linkedid, n)
);
COMMENT ON TABLE callbackd.queue_visits IS 'Visits of callers to queues';
COMMENT ON COLUMN callbackd.queue_visits.site IS 'name of the site, as its configuration or its machine has it';
COMMENT ON COLUMN callbackd.queue_visits.incarnation IS 'which database of the site: 1, 2, ... in the order in which they began to write here; see sink_cursor';
COMMENT ON COLUMN callbackd.queue_visits.db_uuid IS 'identity of that database';
COMMENT ON COLUMN callbackd.queue_visits.pbx IS 'name of the PBX of the call';
COMMENT ON COLUMN callbackd.queue_visits.linkedid IS 'linkedid of the call';
COMMENT ON COLUMN callbackd.queue_visits.call_id IS 'the call';
COMMENT ON COLUMN callbackd.queue_visits.n IS '0, 1, 2, ... in the order of the visits of this call';
COMMENT ON COLUMN callbackd.queue_visits.queue IS 'name of the queue';
COMMENT ON COLUMN callbackd.queue_visits.joined_ms IS 'ms since 1970 UTC: entered (QueueCallerJoin), or was refused at the door';
COMMENT ON COLUMN callbackd.queue_visits.left_ms IS 'ms since 1970 UTC: left (QueueCallerLeave)';
COMMENT ON COLUMN callbackd.queue_visits.position IS 'position at entering, from 1; NULL if refused at the door';
COMMENT ON COLUMN callbackd.queue_visits.result IS 'how it ended: CONNECTED, ABANDONED, TIMEOUT, KEY, JOINEMPTY, LEAVEEMPTY, FULL, ...';

CREATE TABLE callbackd.ivr_steps (
    site        text COLLATE "C" NOT NULL,
    incarnation integer NOT NULL,
    db_uuid     text NOT NULL,
    pbx         text COLLATE "C" NOT NULL,
    linkedid    text COLLATE "C" NOT NULL,
    call_id     bigint NOT NULL,
    n           bigint NOT NULL,
    context     text NOT NULL,
    digits      text NOT NULL,
    at_ms       bigint NOT NULL,
    PRIMARY KEY (site, pbx, linkedid, n)
);
COMMENT ON TABLE callbackd.ivr_steps IS 'Menus that callers went through';
COMMENT ON COLUMN callbackd.ivr_steps.site IS 'name of the site, as its configuration or its machine has it';
COMMENT ON COLUMN callbackd.ivr_steps.incarnation IS 'which database of the site: 1, 2, ... in the order in which they began to write here; see sink_cursor';
COMMENT ON COLUMN callbackd.ivr_steps.db_uuid IS 'identity of that database';
COMMENT ON COLUMN callbackd.ivr_steps.pbx IS 'name of the PBX of the call';
COMMENT ON COLUMN callbackd.ivr_steps.linkedid IS 'linkedid of the call';
COMMENT ON COLUMN callbackd.ivr_steps.call_id IS 'the call';
COMMENT ON COLUMN callbackd.ivr_steps.n IS '0, 1, 2, ... in the order of the menus of this call';
COMMENT ON COLUMN callbackd.ivr_steps.context IS 'dialplan context of the menu';
COMMENT ON COLUMN callbackd.ivr_steps.digits IS 'what the caller chose there; empty if nothing, t for a time-out, i for an invalid choice';
COMMENT ON COLUMN callbackd.ivr_steps.at_ms IS 'ms since 1970 UTC: the caller entered the menu';

CREATE TABLE callbackd.tags (
    site        text COLLATE "C" NOT NULL,
    incarnation integer NOT NULL,
    db_uuid     text NOT NULL,
    pbx         text COLLATE "C" NOT NULL,
    linkedid    text COLLATE "C" NOT NULL,
    call_id     bigint NOT NULL,
    code        text COLLATE "C" NOT NULL,
    note        text NOT NULL,
    "by"        text COLLATE "C" NOT NULL,
    at_ms       bigint NOT NULL,
    source      text NOT NULL,
    PRIMARY KEY (site, pbx, linkedid, code, "by")
);
COMMENT ON TABLE callbackd.tags IS 'What is said of calls';
COMMENT ON COLUMN callbackd.tags.site IS 'name of the site, as its configuration or its machine has it';
COMMENT ON COLUMN callbackd.tags.incarnation IS 'which database of the site: 1, 2, ... in the order in which they began to write here; see sink_cursor';
COMMENT ON COLUMN callbackd.tags.db_uuid IS 'identity of that database';
COMMENT ON COLUMN callbackd.tags.pbx IS 'name of the PBX of the call';
COMMENT ON COLUMN callbackd.tags.linkedid IS 'linkedid of the call';
COMMENT ON COLUMN callbackd.tags.call_id IS 'the call';
COMMENT ON COLUMN callbackd.tags.code IS 'one of codes.code, or a new word';
COMMENT ON COLUMN callbackd.tags.note IS 'free text';
COMMENT ON COLUMN callbackd.tags."by" IS 'who set it: rule (from status and outcome), dialplan, or a name';
COMMENT ON COLUMN callbackd.tags.at_ms IS 'ms since 1970 UTC: when';
COMMENT ON COLUMN callbackd.tags.source IS 'call: rewritten with the call''s row; command: kept';

CREATE TABLE callbackd.ratings (
    site        text COLLATE "C" NOT NULL,
    incarnation integer NOT NULL,
    db_uuid     text NOT NULL,
    pbx         text COLLATE "C" NOT NULL,
    linkedid    text COLLATE "C" NOT NULL,
    call_id     bigint NOT NULL,
    "by"        text COLLATE "C" NOT NULL,
    score       double precision NOT NULL,
    at_ms       bigint NOT NULL,
    PRIMARY KEY (site, pbx, linkedid, "by")
);
COMMENT ON TABLE callbackd.ratings IS 'What callers said in surveys';
COMMENT ON COLUMN callbackd.ratings.site IS 'name of the site, as its configuration or its machine has it';
COMMENT ON COLUMN callbackd.ratings.incarnation IS 'which database of the site: 1, 2, ... in the order in which they began to write here; see sink_cursor';
COMMENT ON COLUMN callbackd.ratings.db_uuid IS 'identity of that database';
COMMENT ON COLUMN callbackd.ratings.pbx IS 'name of the PBX of the call';
COMMENT ON COLUMN callbackd.ratings.linkedid IS 'linkedid of the call';
COMMENT ON COLUMN callbackd.ratings.call_id IS 'the call';
COMMENT ON COLUMN callbackd.ratings."by" IS 'what was rated, or by which survey; empty if there is only one';
COMMENT ON COLUMN callbackd.ratings.score IS 'as the dialplan''s survey counts: UserEvent(CallRating,Score: 5)';
COMMENT ON COLUMN callbackd.ratings.at_ms IS 'ms since 1970 UTC: when';

CREATE TABLE callbackd.callbacks (
    site             text COLLATE "C" NOT NULL,
    incarnation      integer NOT NULL,
    db_uuid          text COLLATE "C" NOT NULL,
    id               bigint NOT NULL,
    pbx              text NOT NULL,
    number_e164      text,
    name             text,
    state            text NOT NULL,
    reason           text NOT NULL,
    queue            text,
    did              text,
    owner            text,
    assigned         text,
    requested        bigint NOT NULL,
    priority         bigint NOT NULL,
    missed_count     bigint NOT NULL,
    first_missed_ms  bigint NOT NULL,
    last_missed_ms   bigint NOT NULL,
    due_ms           bigint NOT NULL,
    expires_ms       bigint NOT NULL,
    attempts         bigint NOT NULL,
    counted          bigint NOT NULL,
    linkedid         text,
    resolved_by      text,
    closed_ms        bigint,
    linkedid_pbx     text,
    resolved_by_pbx  text,
    rev              bigint NOT NULL,
    language         text,
    requested_for_ms bigint,
    alarmed_ms       bigint,
    code             text,
    PRIMARY KEY (site, db_uuid, id)
);
COMMENT ON TABLE callbackd.callbacks IS 'Tasks to call somebody back, of each incarnation: v_callbacks shows each once';
COMMENT ON COLUMN callbackd.callbacks.site IS 'name of the site, as its configuration or its machine has it';
COMMENT ON COLUMN callbackd.callbacks.incarnation IS 'which database of the site: 1, 2, ... in the order in which they began to write here; see sink_cursor';
COMMENT ON COLUMN callbackd.callbacks.db_uuid IS 'identity of that database';
COMMENT ON COLUMN callbackd.callbacks.id IS 'chosen by the daemon of the site, from 1 in each of its databases';
COMMENT ON COLUMN callbackd.callbacks.pbx IS 'name of the PBX on which the latest call was missed and from which the customer is called';
COMMENT ON COLUMN callbackd.callbacks.number_e164 IS 'the customer; NULL only where there is no number that can be called';
COMMENT ON COLUMN callbackd.callbacks.name IS 'the customer''s name, as the network told it at the latest miss';
COMMENT ON COLUMN callbackd.callbacks.state IS 'open: PENDING, WAITING, RESERVED, DIALING_AGENT, DIALING_CUSTOMER, TALKING; closed: DONE, ...';
COMMENT ON COLUMN callbackd.callbacks.reason IS 'why it is there: DELAY, OUT_OF_HOURS, NO_AGENT, ...; empty if the state says all';
COMMENT ON COLUMN callbackd.callbacks.queue IS 'the queue whose agents are asked; NULL if any agent may be';
COMMENT ON COLUMN callbackd.callbacks.did IS 'the number that the customer dialled';
COMMENT ON COLUMN callbackd.callbacks.owner IS 'the agent who last talked with the customer, as interface';
COMMENT ON COLUMN callbackd.callbacks.assigned IS 'the only agent who may take it, as interface; set by a person';
COMMENT ON COLUMN callbackd.callbacks.requested IS '1 if the customer asked for it, else 0';
COMMENT ON COLUMN callbackd.callbacks.priority IS 'higher goes first';
COMMENT ON COLUMN callbackd.callbacks.missed_count IS 'missed calls behind it';
COMMENT ON COLUMN callbackd.callbacks.first_missed_ms IS 'ms since 1970 UTC: the first of them ended';
COMMENT ON COLUMN callbackd.callbacks.last_missed_ms IS 'ms since 1970 UTC: the last of them ended';
COMMENT ON COLUMN callbackd.callbacks.due_ms IS 'ms since 1970 UTC: not before';
COMMENT ON COLUMN callbackd.callbacks.expires_ms IS 'ms since 1970 UTC: not after';
COMMENT ON COLUMN callbackd.callbacks.attempts IS 'attempts made';
COMMENT ON COLUMN callbackd.callbacks.counted IS 'of those, the ones that count against callback.max_attempts';
COMMENT ON COLUMN callbackd.callbacks.linkedid IS 'linkedid of the miss, or of the call with the code, by which it began; NULL if it was made by hand';
COMMENT ON COLUMN callbackd.callbacks.resolved_by IS 'linkedid of the call by which it was done or recovered';
COMMENT ON COLUMN callbackd.callbacks.closed_ms IS 'ms since 1970 UTC: closed; NULL while it is open';
COMMENT ON COLUMN callbackd.callbacks.linkedid_pbx IS 'name of the PBX of linkedid: a later miss on another one takes the callback there';
COMMENT ON COLUMN callbackd.callbacks.resolved_by_pbx IS 'name of the PBX of resolved_by';
COMMENT ON COLUMN callbackd.callbacks.rev IS 'how often the row was written: 1, and one more for each change';
COMMENT ON COLUMN callbackd.callbacks.language IS 'language in which the customer was served at the latest miss; NULL if it is not known';
COMMENT ON COLUMN callbackd.callbacks.requested_for_ms IS 'ms since 1970 UTC: the customer expects the call then; NULL if they did not ask for it';
COMMENT ON COLUMN callbackd.callbacks.alarmed_ms IS 'ms since 1970 UTC: it was reported as later than callback.alarm_late; NULL if it was not';
COMMENT ON COLUMN callbackd.callbacks.code IS 'the code of the call in linkedid, while that alone asks for it; NULL once a miss, a person or the customer does';

CREATE TABLE callbackd.callback_events (
    site        text COLLATE "C" NOT NULL,
    incarnation integer NOT NULL,
    db_uuid     text COLLATE "C" NOT NULL,
    callback_id bigint NOT NULL,
    n           bigint NOT NULL,
    at_ms       bigint NOT NULL,
    state       text NOT NULL,
    reason      text NOT NULL,
    "by"        text NOT NULL,
    note        text NOT NULL,
    PRIMARY KEY (site, db_uuid, callback_id, n)
);
COMMENT ON TABLE callbackd.callback_events IS 'The history of callbacks';
COMMENT ON COLUMN callbackd.callback_events.site IS 'name of the site, as its configuration or its machine has it';
COMMENT ON COLUMN callbackd.callback_events.incarnation IS 'which database of the site: 1, 2, ... in the order in which they began to write here; see sink_cursor';
COMMENT ON COLUMN callbackd.callback_events.db_uuid IS 'identity of that database';
COMMENT ON COLUMN callbackd.callback_events.callback_id IS 'the callback';
COMMENT ON COLUMN callbackd.callback_events.n IS '0, 1, 2, ... in the order in which they happened';
COMMENT ON COLUMN callbackd.callback_events.at_ms IS 'ms since 1970 UTC: when';
COMMENT ON COLUMN callbackd.callback_events.state IS 'the state that it came to';
COMMENT ON COLUMN callbackd.callback_events.reason IS 'why, as in callbacks.reason';
COMMENT ON COLUMN callbackd.callback_events."by" IS 'who: callbackd, or the person who gave the command';
COMMENT ON COLUMN callbackd.callback_events.note IS 'more, in plain words';

CREATE TABLE callbackd.callback_attempts (
    site                 text COLLATE "C" NOT NULL,
    incarnation          integer NOT NULL,
    db_uuid              text COLLATE "C" NOT NULL,
    callback_id          bigint NOT NULL,
    n                    bigint NOT NULL,
    pbx                  text NOT NULL,
    channel_id           text NOT NULL,
    agent                text,
    intended_ms          bigint NOT NULL,
    agent_answered_ms    bigint,
    customer_answered_ms bigint,
    ended_ms             bigint,
    talk_ms              bigint NOT NULL,
    result               text,
    detail               text NOT NULL,
    linkedid             text,
    PRIMARY KEY (site, db_uuid, callback_id, n)
);
COMMENT ON TABLE callbackd.callback_attempts IS 'Attempts at callbacks';
COMMENT ON COLUMN callbackd.callback_attempts.site IS 'name of the site, as its configuration or its machine has it';
COMMENT ON COLUMN callbackd.callback_attempts.incarnation IS 'which database of the site: 1, 2, ... in the order in which they began to write here; see sink_cursor';
COMMENT ON COLUMN callbackd.callback_attempts.db_uuid IS 'identity of that database';
COMMENT ON COLUMN callbackd.callback_attempts.callback_id IS 'the callback';
COMMENT ON COLUMN callbackd.callback_attempts.n IS '1, 2, 3, ...';
COMMENT ON COLUMN callbackd.callback_attempts.pbx IS 'name of the PBX';
COMMENT ON COLUMN callbackd.callback_attempts.channel_id IS 'cb-<callback>-<n>: uniqueid in Asterisk''s CDR';
COMMENT ON COLUMN callbackd.callback_attempts.agent IS 'the agent, as interface; NULL if the customer was called first, into the queue';
COMMENT ON COLUMN callbackd.callback_attempts.intended_ms IS 'ms since 1970 UTC: committed to, before anything was dialled';
COMMENT ON COLUMN callbackd.callback_attempts.agent_answered_ms IS 'ms since 1970 UTC: the agent answered';
COMMENT ON COLUMN callbackd.callback_attempts.customer_answered_ms IS 'ms since 1970 UTC: the customer answered';
COMMENT ON COLUMN callbackd.callback_attempts.ended_ms IS 'ms since 1970 UTC: over; NULL while it lasts';
COMMENT ON COLUMN callbackd.callback_attempts.talk_ms IS 'ms that agent and customer talked';
COMMENT ON COLUMN callbackd.callback_attempts.result IS 'how it ended: CONNECTED, CUSTOMER_BUSY, AGENT_NOANSWER, ...; NULL while it lasts';
COMMENT ON COLUMN callbackd.callback_attempts.detail IS 'more, in plain words: what the network or Asterisk said';
COMMENT ON COLUMN callbackd.callback_attempts.linkedid IS 'linkedid of the call''s row';

CREATE TABLE callbackd.gaps (
    site        text COLLATE "C" NOT NULL,
    incarnation integer NOT NULL,
    db_uuid     text NOT NULL,
    id          bigint NOT NULL,
    pbx         text COLLATE "C" NOT NULL,
    from_ms     bigint NOT NULL,
    to_ms       bigint NOT NULL,
    cause       text COLLATE "C" NOT NULL,
    calls_lost  bigint NOT NULL,
    PRIMARY KEY (site, pbx, from_ms, cause)
);
COMMENT ON TABLE callbackd.gaps IS 'Times without events';
COMMENT ON COLUMN callbackd.gaps.site IS 'name of the site, as its configuration or its machine has it';
COMMENT ON COLUMN callbackd.gaps.incarnation IS 'which database of the site: 1, 2, ... in the order in which they began to write here; see sink_cursor';
COMMENT ON COLUMN callbackd.gaps.db_uuid IS 'identity of that database';
COMMENT ON COLUMN callbackd.gaps.id IS 'row id';
COMMENT ON COLUMN callbackd.gaps.pbx IS 'name of the PBX in the configuration';
COMMENT ON COLUMN callbackd.gaps.from_ms IS 'ms since 1970 UTC: the last moment known to be seen';
COMMENT ON COLUMN callbackd.gaps.to_ms IS 'ms since 1970 UTC: the first moment seen again';
COMMENT ON COLUMN callbackd.gaps.cause IS 'why: daemon_down, link_lost, pbx_restart, overload';
COMMENT ON COLUMN callbackd.gaps.calls_lost IS 'calls that were in progress and whose end was not seen';

CREATE TABLE callbackd.agent_intervals (
    site        text COLLATE "C" NOT NULL,
    incarnation integer NOT NULL,
    db_uuid     text NOT NULL,
    pbx         text COLLATE "C" NOT NULL,
    agent       text COLLATE "C" NOT NULL,
    activity    text COLLATE "C" NOT NULL,
    queue       text COLLATE "C" NOT NULL,
    reason      text NOT NULL,
    from_ms     bigint NOT NULL,
    to_ms       bigint,
    PRIMARY KEY (site, pbx, agent, activity, queue, from_ms)
);
COMMENT ON TABLE callbackd.agent_intervals IS 'What agents did, and when';
COMMENT ON COLUMN callbackd.agent_intervals.site IS 'name of the site, as its configuration or its machine has it';
COMMENT ON COLUMN callbackd.agent_intervals.incarnation IS 'which database of the site: 1, 2, ... in the order in which they began to write here; see sink_cursor';
COMMENT ON COLUMN callbackd.agent_intervals.db_uuid IS 'identity of that database';
COMMENT ON COLUMN callbackd.agent_intervals.pbx IS 'name of the PBX in the configuration';
COMMENT ON COLUMN callbackd.agent_intervals.agent IS 'the person, as in agents.agent';
COMMENT ON COLUMN callbackd.agent_intervals.activity IS 'what the agent did: logged_in, paused, ringing, talking, wrapup';
COMMENT ON COLUMN callbackd.agent_intervals.queue IS 'the queue in which the agent was paused; empty for the rest';
COMMENT ON COLUMN callbackd.agent_intervals.reason IS 'why the agent was paused (PausedReason); empty for the rest';
COMMENT ON COLUMN callbackd.agent_intervals.from_ms IS 'ms since 1970 UTC: began, or was first seen';
COMMENT ON COLUMN callbackd.agent_intervals.to_ms IS 'ms since 1970 UTC: ended; NULL while it lasts';

CREATE TABLE callbackd.do_not_call (
    site        text COLLATE "C" NOT NULL,
    incarnation integer NOT NULL,
    db_uuid     text NOT NULL,
    number_e164 text COLLATE "C" NOT NULL,
    reason      text NOT NULL,
    "by"        text NOT NULL,
    added_ms    bigint NOT NULL,
    until_ms    bigint,
    code        text,
    by_hand_until_ms bigint,
    PRIMARY KEY (site, number_e164)
);
COMMENT ON TABLE callbackd.do_not_call IS 'Numbers that are not called back';
COMMENT ON COLUMN callbackd.do_not_call.site IS 'name of the site, as its configuration or its machine has it';
COMMENT ON COLUMN callbackd.do_not_call.incarnation IS 'which database of the site: 1, 2, ... in the order in which they began to write here; see sink_cursor';
COMMENT ON COLUMN callbackd.do_not_call.db_uuid IS 'identity of that database';
COMMENT ON COLUMN callbackd.do_not_call.number_e164 IS 'who is not to be called';
COMMENT ON COLUMN callbackd.do_not_call.reason IS 'why they are not to be called';
COMMENT ON COLUMN callbackd.do_not_call."by" IS 'who asked for it';
COMMENT ON COLUMN callbackd.do_not_call.added_ms IS 'ms since 1970 UTC: since';
COMMENT ON COLUMN callbackd.do_not_call.until_ms IS 'ms since 1970 UTC: until; NULL for ever';
COMMENT ON COLUMN callbackd.do_not_call.code IS 'the code of a call by which it holds until then; NULL if a person put it there';
COMMENT ON COLUMN callbackd.do_not_call.by_hand_until_ms IS 'ms since 1970 UTC: until when a person had put it there before the code, which lasts longer; NULL without a code, or if nobody had';

CREATE TABLE callbackd.agents (
    site        text COLLATE "C" NOT NULL,
    incarnation integer NOT NULL,
    db_uuid     text NOT NULL,
    pbx         text COLLATE "C" NOT NULL,
    agent       text COLLATE "C" NOT NULL,
    name        text NOT NULL,
    PRIMARY KEY (site, pbx, agent)
);
COMMENT ON TABLE callbackd.agents IS 'Agents by name';
COMMENT ON COLUMN callbackd.agents.site IS 'name of the site, as its configuration or its machine has it';
COMMENT ON COLUMN callbackd.agents.incarnation IS 'which database of the site: 1, 2, ... in the order in which they began to write here; see sink_cursor';
COMMENT ON COLUMN callbackd.agents.db_uuid IS 'identity of that database';
COMMENT ON COLUMN callbackd.agents.pbx IS 'name of the PBX in the configuration';
COMMENT ON COLUMN callbackd.agents.agent IS 'the person, as technology and peer of the phone: PJSIP/101';
COMMENT ON COLUMN callbackd.agents.name IS 'as the queues name the agent (MemberName)';

CREATE TABLE callbackd.pbx_seen (
    site        text COLLATE "C" NOT NULL,
    incarnation integer NOT NULL,
    db_uuid     text NOT NULL,
    pbx         text COLLATE "C" NOT NULL,
    seen_ms     bigint NOT NULL,
    PRIMARY KEY (site, pbx)
);
COMMENT ON TABLE callbackd.pbx_seen IS 'Up to when each PBX was seen';
COMMENT ON COLUMN callbackd.pbx_seen.site IS 'name of the site, as its configuration or its machine has it';
COMMENT ON COLUMN callbackd.pbx_seen.incarnation IS 'which database of the site: 1, 2, ... in the order in which they began to write here; see sink_cursor';
COMMENT ON COLUMN callbackd.pbx_seen.db_uuid IS 'identity of that database';
COMMENT ON COLUMN callbackd.pbx_seen.pbx IS 'name of the PBX in the configuration';
COMMENT ON COLUMN callbackd.pbx_seen.seen_ms IS 'ms since 1970 UTC: its events were seen up to here; what came while no daemon ran is a gap';

CREATE TABLE callbackd.codes (
    site        text COLLATE "C" NOT NULL,
    incarnation integer NOT NULL,
    db_uuid     text NOT NULL,
    code        text COLLATE "C" NOT NULL,
    label       text NOT NULL,
    "group"     text NOT NULL,
    success     bigint NOT NULL,
    callback    text NOT NULL,
    after_ms    bigint NOT NULL,
    expires_ms  bigint,
    PRIMARY KEY (site, code)
);
COMMENT ON TABLE callbackd.codes IS 'What the codes in tags mean';
COMMENT ON COLUMN callbackd.codes.site IS 'name of the site, as its configuration or its machine has it';
COMMENT ON COLUMN callbackd.codes.incarnation IS 'which database of the site: 1, 2, ... in the order in which they began to write here; see sink_cursor';
COMMENT ON COLUMN callbackd.codes.db_uuid IS 'identity of that database';
COMMENT ON COLUMN callbackd.codes.code IS 'the word: letters, digits, _ and -';
COMMENT ON COLUMN callbackd.codes.label IS 'for people';
COMMENT ON COLUMN callbackd.codes."group" IS 'what it is counted with in reports; empty if nothing';
COMMENT ON COLUMN callbackd.codes.success IS '1 if calls with it went as the business wishes, else 0';
COMMENT ON COLUMN callbackd.codes.callback IS 'what it means for callbacks: none, suppress, request';
COMMENT ON COLUMN callbackd.codes.after_ms IS 'ms that a requested callback waits after the code was set';
COMMENT ON COLUMN callbackd.codes.expires_ms IS 'ms that a suppression holds (NULL: for ever), or that a requested callback is open (NULL: as callback.expire_requested says)';

CREATE TABLE callbackd.report_settings (
    site                 text COLLATE "C" NOT NULL,
    incarnation          integer NOT NULL,
    db_uuid              text NOT NULL,
    n                    bigint NOT NULL,
    zone                 text NOT NULL,
    service_level_ms     bigint NOT NULL,
    service_level_target bigint NOT NULL,
    callback_target_ms   bigint NOT NULL,
    fcr_window_ms        bigint NOT NULL,
    alarm_wait_ms        bigint NOT NULL,
    too_short_ms         bigint NOT NULL,
    too_long_ms          bigint NOT NULL,
    good_score           bigint NOT NULL,
    PRIMARY KEY (site, n)
);
COMMENT ON TABLE callbackd.report_settings IS 'What the figures of each site are held against';
COMMENT ON COLUMN callbackd.report_settings.site IS 'name of the site, as its configuration or its machine has it';
COMMENT ON COLUMN callbackd.report_settings.incarnation IS 'which database of the site: 1, 2, ... in the order in which they began to write here; see sink_cursor';
COMMENT ON COLUMN callbackd.report_settings.db_uuid IS 'identity of that database';
COMMENT ON COLUMN callbackd.report_settings.n IS '1: there is one row';
COMMENT ON COLUMN callbackd.report_settings.zone IS 'IANA time zone of the days and hours in calendar';
COMMENT ON COLUMN callbackd.report_settings.service_level_ms IS 'ms of report.service_level: who waited no longer was answered in time';
COMMENT ON COLUMN callbackd.report_settings.service_level_target IS 'per cent; report.service_level_target';
COMMENT ON COLUMN callbackd.report_settings.callback_target_ms IS 'ms of report.callback_target: a missed caller is to be won back within it';
COMMENT ON COLUMN callbackd.report_settings.fcr_window_ms IS 'ms of report.fcr_window: who does not call again within it was served at the first call';
COMMENT ON COLUMN callbackd.report_settings.alarm_wait_ms IS 'ms of report.alarm_wait: a wait before giving up that is too long';
COMMENT ON COLUMN callbackd.report_settings.too_short_ms IS 'ms of report.too_short: a conversation that is shorter is worth a look';
COMMENT ON COLUMN callbackd.report_settings.too_long_ms IS 'ms of report.too_long: and one that is longer';
COMMENT ON COLUMN callbackd.report_settings.good_score IS 'report.good_score: a rating from here on is good';
CREATE INDEX calls_started ON callbackd.calls (started_ms);
CREATE INDEX calls_ended ON callbackd.calls (ended_ms);
CREATE INDEX calls_customer ON callbackd.calls (number_e164, started_ms) WHERE number_e164 IS NOT NULL;
CREATE INDEX calls_callback ON callbackd.calls (site, db_uuid, callback_id) WHERE callback_id IS NOT NULL;
CREATE INDEX callbacks_closed ON callbackd.callbacks (closed_ms);
CREATE INDEX callbacks_number ON callbackd.callbacks (number_e164);
CREATE INDEX gaps_ended ON callbackd.gaps (to_ms);
CREATE INDEX agent_intervals_ended ON callbackd.agent_intervals (to_ms);

-- What rows replace is removed by these, which run with the rights of the schema's owner: the user who writes cannot delete.
CREATE FUNCTION callbackd.forget_of_calls(of_site text, of_pbx text[], of_linkedid text[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = callbackd, pg_temp AS $$
    DELETE FROM legs t USING unnest(of_pbx, of_linkedid) k(p, l) WHERE t.site = of_site AND t.pbx = k.p AND t.linkedid = k.l;
    DELETE FROM queue_visits t USING unnest(of_pbx, of_linkedid) k(p, l) WHERE t.site = of_site AND t.pbx = k.p AND t.linkedid = k.l;
    DELETE FROM ivr_steps t USING unnest(of_pbx, of_linkedid) k(p, l) WHERE t.site = of_site AND t.pbx = k.p AND t.linkedid = k.l;
    DELETE FROM tags t USING unnest(of_pbx, of_linkedid) k(p, l) WHERE t.site = of_site AND t.pbx = k.p AND t.linkedid = k.l;
    DELETE FROM ratings t USING unnest(of_pbx, of_linkedid) k(p, l) WHERE t.site = of_site AND t.pbx = k.p AND t.linkedid = k.l;
$$;
COMMENT ON FUNCTION callbackd.forget_of_calls(text, text[], text[]) IS 'Removes what belongs to calls that are written anew';

CREATE FUNCTION callbackd.forget_numbers(of_site text, up_to integer, numbers text[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = callbackd, pg_temp AS $$
    DELETE FROM do_not_call WHERE site = of_site AND incarnation <= up_to AND number_e164 = ANY (numbers);
$$;
COMMENT ON FUNCTION callbackd.forget_numbers(text, integer, text[]) IS 'Takes numbers off the do-not-call list of a site';

CREATE FUNCTION callbackd.forget_numbers_between(of_site text, up_to integer, after text, until text, kept text[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = callbackd, pg_temp AS $$
    DELETE FROM do_not_call
     WHERE site = of_site AND incarnation <= up_to AND number_e164 > after COLLATE "C" AND (until IS NULL OR number_e164 <= until COLLATE "C")
       AND number_e164 <> ALL (kept);
$$;
COMMENT ON FUNCTION callbackd.forget_numbers_between(text, integer, text, text, text[]) IS 'The same for all numbers of a part of the list but those that are on it';

CREATE FUNCTION callbackd.forget_codes(of_site text, up_to integer, kept text[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = callbackd, pg_temp AS $$
    DELETE FROM codes WHERE site = of_site AND incarnation <= up_to AND code <> ALL (kept);
$$;
COMMENT ON FUNCTION callbackd.forget_codes(text, integer, text[]) IS 'Removes the codes of a site but those that it has';

CREATE VIEW callbackd.v_calls AS
SELECT c.site,
       date_trunc('second', to_timestamp(c.started_ms / 1000.0)) AS started,
       c.direction,
       coalesce(c.number_e164, c.number) AS number,
       c.did, c.status, c.outcome, c.queue, c.agent,
       round(c.wait_ms / 1000.0, 1) AS wait_s,
       round(c.talk_ms / 1000.0, 1) AS talk_s,
       c.hangup_by,
       (SELECT string_agg(value, '; ') FROM json_array_elements_text(c.why::json)) AS why,
       c.pbx, c.linkedid
  FROM callbackd.calls c;
COMMENT ON VIEW callbackd.v_calls IS 'One line for each call, for people; started is shown in the time zone of the session';

CREATE VIEW callbackd.v_callbacks AS
SELECT DISTINCT ON (b.site, b.id, b.first_missed_ms)
       b.site, b.id,
       date_trunc('second', to_timestamp(b.first_missed_ms / 1000.0)) AS missed,
       b.number_e164 AS number, b.name, b.queue, b.state, b.reason,
       b.missed_count AS misses,
       b.attempts,
       date_trunc('second', to_timestamp(b.due_ms / 1000.0)) AS due,
       date_trunc('second', to_timestamp(b.closed_ms / 1000.0)) AS closed,
       b.pbx
  FROM callbackd.callbacks b
  JOIN (SELECT site, max(incarnation) AS incarnation FROM callbackd.sink_cursor GROUP BY site) n ON n.site = b.site
 WHERE b.incarnation = n.incarnation OR b.closed_ms IS NOT NULL
 ORDER BY b.site, b.id, b.first_missed_ms, b.incarnation DESC;
COMMENT ON VIEW callbackd.v_callbacks IS 'One line for each callback, for people, as the newest database of its site has it; open ones of an earlier database are left out: nobody works on them';

CREATE VIEW callbackd.v_missed AS
SELECT v.*,
       c.recovered_by,
       round((c.recovered_ms - c.ended_ms) / 60000.0, 1) AS recovered_min,
       b.state AS callback
  FROM callbackd.v_calls v
  JOIN callbackd.calls c ON c.site = v.site AND c.pbx = v.pbx AND c.linkedid = v.linkedid
  LEFT JOIN callbackd.callbacks b ON b.site = c.site AND b.db_uuid = c.db_uuid AND b.id = c.callback_id
 WHERE v.direction = 'inbound' AND v.status NOT IN ('ANSWER', 'UNKNOWN') AND v.outcome NOT IN ('SHORT_ABANDON', 'BLOCKED');
COMMENT ON VIEW callbackd.v_missed IS 'Customers whom nobody served, and what became of each';

CREATE VIEW callbackd.v_report_calls AS
SELECT c.site, c.pbx, c.linkedid,
       l.local::date AS date,
       extract(hour FROM l.local)::integer AS hour,
       extract(isodow FROM l.local)::integer AS weekday,
       c.direction, c.status, c.outcome, c.number_e164, c.did, c.trunk, c.queue, c.agent, c.started_ms, c.ended_ms,
       (c.direction = 'inbound')::integer AS inbound,
       (c.direction IN ('outbound', 'callback'))::integer AS outbound,
       (c.direction = 'callback')::integer AS callback,
       (c.direction = 'internal')::integer AS internal,
       (c.direction = 'inbound' AND c.status = 'UNKNOWN')::integer AS unknown,
       (c.direction = 'inbound' AND c.status = 'ANSWER' AND c.outcome <> 'SELF_SERVICE')::integer AS answered,
       (c.direction = 'inbound' AND c.outcome = 'SELF_SERVICE')::integer AS self_service,
       (c.direction = 'inbound' AND c.status NOT IN ('UNKNOWN', 'OUT_OF_TIME')
           AND c.outcome NOT IN ('IVR_LOST', 'EARLY_ABANDON', 'BLOCKED', 'SELF_SERVICE', 'SHORT_ABANDON')
           AND (c.queue IS NOT NULL OR c.ring_ms > 0 OR c.answered_ms IS NOT NULL
                OR c.outcome IN ('QUEUE_EMPTY', 'QUEUE_FULL', 'QUEUE_ABANDON', 'RING_ABANDON')))::integer AS offered,
       (c.direction = 'inbound' AND c.outcome IN ('QUEUE_ABANDON', 'RING_ABANDON'))::integer AS abandoned,
       (c.direction = 'inbound' AND c.outcome = 'SHORT_ABANDON')::integer AS short_abandoned,
       (c.direction = 'inbound' AND c.status NOT IN ('ANSWER', 'UNKNOWN') AND c.outcome NOT IN ('SHORT_ABANDON', 'BLOCKED'))::integer AS missed,
       (c.direction = 'inbound' AND c.status = 'ANSWER' AND c.outcome <> 'SELF_SERVICE'
           AND CASE WHEN c.queue IS NULL THEN c.wait_ms ELSE c.queue_wait_ms END <= s.service_level_ms)::integer AS answered_in_time,
       (c.direction = 'inbound' AND c.outcome IN ('QUEUE_ABANDON', 'RING_ABANDON')
           AND CASE WHEN c.queue IS NULL THEN c.wait_ms ELSE c.queue_wait_ms END <= s.service_level_ms)::integer AS abandoned_in_time,
       c.wait_ms, c.queue_wait_ms, c.ring_ms, c.talk_ms, c.hold_ms, c.transfers, c.callback_id, c.recovered_by,
       c.recovered_ms - c.ended_ms AS recovery_ms
  FROM callbackd.calls c
  JOIN callbackd.report_settings s ON s.site = c.site
 CROSS JOIN LATERAL (SELECT to_timestamp(c.started_ms / 1000.0) AT TIME ZONE s.zone AS local) l;
COMMENT ON VIEW callbackd.v_report_calls IS 'One line for each call, with what the figures make of it: sum() any of the 0/1 columns over sites, dates, queues, DIDs, agents; date and hour are local to the site';

CREATE VIEW callbackd.v_report_days AS
SELECT site, date, weekday,
       sum(inbound) AS inbound,
       sum(outbound) AS outbound,
       sum(callback) AS callbacks,
       sum(internal) AS internal,
       sum(unknown) AS unknown,
       sum(offered) AS offered,
       sum(answered) AS answered,
       sum(missed) AS missed,
       sum(abandoned) AS abandoned,
       sum(short_abandoned) AS short_abandoned,
       sum(CASE WHEN outcome = 'IVR_LOST' THEN inbound ELSE 0 END) AS ivr_lost,
       sum(self_service) AS self_service,
       sum(answered_in_time) AS answered_in_time,
       1.0 * sum(abandoned) / nullif(sum(offered), 0) AS abandonment_rate,
       1.0 * sum(missed) / nullif(sum(inbound) - sum(unknown), 0) AS missed_rate,
       1.0 * sum(answered_in_time) / nullif(sum(answered), 0) AS service_level_answered,
       1.0 * sum(answered_in_time) / nullif(sum(offered), 0) AS service_level_offered,
       1.0 * (sum(answered_in_time) + sum(abandoned_in_time)) / nullif(sum(answered) + sum(abandoned), 0) AS service_level_with_abandoned,
       div(sum(queue_wait_ms) FILTER (WHERE answered = 1 AND queue IS NOT NULL), nullif(count(*) FILTER (WHERE answered = 1 AND queue IS NOT NULL), 0))::bigint AS mean_queue_wait_ms,
       div(sum(wait_ms) FILTER (WHERE answered = 1), nullif(sum(answered), 0))::bigint AS mean_wait_ms,
       div(sum(talk_ms) FILTER (WHERE answered = 1), nullif(sum(answered), 0))::bigint AS mean_talk_ms,
       div(sum(hold_ms) FILTER (WHERE answered = 1), nullif(sum(answered), 0))::bigint AS mean_hold_ms
  FROM callbackd.v_report_calls
 GROUP BY site, date, weekday;
COMMENT ON VIEW callbackd.v_report_days IS 'Of each site and day: calls, rates and means; a rate without calls is NULL. For all sites together add up the counts of v_report_calls';

CREATE VIEW callbackd.v_report_hours AS
SELECT site, date, hour, weekday,
       sum(inbound) AS inbound,
       sum(outbound) AS outbound,
       sum(callback) AS callbacks,
       sum(internal) AS internal,
       sum(unknown) AS unknown,
       sum(offered) AS offered,
       sum(answered) AS answered,
       sum(missed) AS missed,
       sum(abandoned) AS abandoned,
       sum(short_abandoned) AS short_abandoned,
       sum(CASE WHEN outcome = 'IVR_LOST' THEN inbound ELSE 0 END) AS ivr_lost,
       sum(self_service) AS self_service,
       sum(answered_in_time) AS answered_in_time,
       1.0 * sum(abandoned) / nullif(sum(offered), 0) AS abandonment_rate,
       1.0 * sum(missed) / nullif(sum(inbound) - sum(unknown), 0) AS missed_rate,
       1.0 * sum(answered_in_time) / nullif(sum(answered), 0) AS service_level_answered,
       1.0 * sum(answered_in_time) / nullif(sum(offered), 0) AS service_level_offered,
       1.0 * (sum(answered_in_time) + sum(abandoned_in_time)) / nullif(sum(answered) + sum(abandoned), 0) AS service_level_with_abandoned,
       div(sum(queue_wait_ms) FILTER (WHERE answered = 1 AND queue IS NOT NULL), nullif(count(*) FILTER (WHERE answered = 1 AND queue IS NOT NULL), 0))::bigint AS mean_queue_wait_ms,
       div(sum(wait_ms) FILTER (WHERE answered = 1), nullif(sum(answered), 0))::bigint AS mean_wait_ms,
       div(sum(talk_ms) FILTER (WHERE answered = 1), nullif(sum(answered), 0))::bigint AS mean_talk_ms,
       div(sum(hold_ms) FILTER (WHERE answered = 1), nullif(sum(answered), 0))::bigint AS mean_hold_ms
  FROM callbackd.v_report_calls
 GROUP BY site, date, hour, weekday;
COMMENT ON VIEW callbackd.v_report_hours IS 'Of each hour of each day, as v_report_days';

CREATE VIEW callbackd.v_report_dids AS
SELECT site, date, did,
       sum(inbound) AS inbound,
       sum(outbound) AS outbound,
       sum(callback) AS callbacks,
       sum(internal) AS internal,
       sum(unknown) AS unknown,
       sum(offered) AS offered,
       sum(answered) AS answered,
       sum(missed) AS missed,
       sum(abandoned) AS abandoned,
       sum(short_abandoned) AS short_abandoned,
       sum(CASE WHEN outcome = 'IVR_LOST' THEN inbound ELSE 0 END) AS ivr_lost,
       sum(self_service) AS self_service,
       sum(answered_in_time) AS answered_in_time,
       1.0 * sum(abandoned) / nullif(sum(offered), 0) AS abandonment_rate,
       1.0 * sum(missed) / nullif(sum(inbound) - sum(unknown), 0) AS missed_rate,
       1.0 * sum(answered_in_time) / nullif(sum(answered), 0) AS service_level_answered,
       1.0 * sum(answered_in_time) / nullif(sum(offered), 0) AS service_level_offered,
       1.0 * (sum(answered_in_time) + sum(abandoned_in_time)) / nullif(sum(answered) + sum(abandoned), 0) AS service_level_with_abandoned,
       div(sum(queue_wait_ms) FILTER (WHERE answered = 1 AND queue IS NOT NULL), nullif(count(*) FILTER (WHERE answered = 1 AND queue IS NOT NULL), 0))::bigint AS mean_queue_wait_ms,
       div(sum(wait_ms) FILTER (WHERE answered = 1), nullif(sum(answered), 0))::bigint AS mean_wait_ms,
       div(sum(talk_ms) FILTER (WHERE answered = 1), nullif(sum(answered), 0))::bigint AS mean_talk_ms,
       div(sum(hold_ms) FILTER (WHERE answered = 1), nullif(sum(answered), 0))::bigint AS mean_hold_ms
  FROM callbackd.v_report_calls
 WHERE inbound = 1 GROUP BY site, date, did;
COMMENT ON VIEW callbackd.v_report_dids IS 'Of each day and DID, as v_report_days';

CREATE VIEW callbackd.v_report_agents AS
SELECT c.site, c.date, c.pbx,
       CASE WHEN c.inbound = 1 THEN l.agent ELSE c.agent END AS agent,
       count(*) FILTER (WHERE c.inbound = 1 AND l.result = 'ANSWERED') AS answered,
       count(*) FILTER (WHERE c.inbound = 1 AND l.result IN ('NOANSWER', 'REJECTED')) AS missed_rings,
       sum(CASE WHEN c.inbound = 0 THEN c.talk_ms WHEN l.result = 'ANSWERED' THEN l.talk_ms ELSE 0 END) AS talk_ms,
       sum(c.outbound) AS outbound,
       sum(c.callback) AS callbacks
  FROM callbackd.v_report_calls c
  LEFT JOIN callbackd.legs l ON l.site = c.site AND l.pbx = c.pbx AND l.linkedid = c.linkedid AND c.inbound = 1
 WHERE CASE WHEN c.inbound = 1 THEN l.agent WHEN c.outbound = 1 THEN c.agent END IS NOT NULL
 GROUP BY 1, 2, 3, 4;
COMMENT ON VIEW callbackd.v_report_agents IS 'Of each day and agent: calls taken and not taken, of those that started on that day';

CREATE VIEW callbackd.v_report_missed AS
SELECT c.site, c.date,
       coalesce(c.recovered_by, 'nobody') AS "by",
       CASE WHEN c.recovered_by IS NULL THEN 'never' WHEN c.recovery_ms <= s.callback_target_ms THEN 'in_time' ELSE 'later' END AS "when",
       count(*) AS calls
  FROM callbackd.v_report_calls c JOIN callbackd.report_settings s ON s.site = c.site
 WHERE c.missed = 1 GROUP BY 1, 2, 3, 4;
COMMENT ON VIEW callbackd.v_report_missed IS 'Of each day: missed calls by who won the caller back, and when';

CREATE VIEW callbackd.v_report_reasons AS
SELECT site, date, status, outcome, count(*) AS calls FROM callbackd.v_report_calls WHERE inbound = 1 GROUP BY 1, 2, 3, 4;
COMMENT ON VIEW callbackd.v_report_reasons IS 'Of each day: inbound calls by status and outcome';

CREATE VIEW callbackd.v_report_queues AS
SELECT c.site, c.date, c.pbx, v.queue,
       count(*) AS visits,
       count(*) FILTER (WHERE v.result = 'CONNECTED') AS connected,
       count(*) FILTER (WHERE v.result = 'ABANDONED') AS abandoned,
       count(*) FILTER (WHERE v.result NOT IN ('CONNECTED', 'ABANDONED')) AS other,
       div(sum(v.left_ms - v.joined_ms), count(*))::bigint AS mean_visit_ms,
       max(v.left_ms - v.joined_ms) / 1000 AS longest_visit_s
  FROM callbackd.v_report_calls c
  JOIN callbackd.queue_visits v ON v.site = c.site AND v.pbx = c.pbx AND v.linkedid = c.linkedid
 WHERE c.inbound = 1 GROUP BY 1, 2, 3, 4;
COMMENT ON VIEW callbackd.v_report_queues IS 'Of each day and queue: visits by how they ended; a caller may visit a queue twice, and several queues';

CREATE VIEW callbackd.v_report_ivr AS
SELECT c.site, c.date, c.pbx, i.context, i.digits,
       count(*) AS steps,
       count(*) FILTER (WHERE c.outcome = 'IVR_LOST' AND i.n = (
           SELECT max(m.n) FROM callbackd.ivr_steps m WHERE m.site = c.site AND m.pbx = c.pbx AND m.linkedid = c.linkedid)) AS lost
  FROM callbackd.v_report_calls c
  JOIN callbackd.ivr_steps i ON i.site = c.site AND i.pbx = c.pbx AND i.linkedid = c.linkedid
 WHERE c.inbound = 1 GROUP BY 1, 2, 3, 4, 5;
COMMENT ON VIEW callbackd.v_report_ivr IS 'Of each day, menu and key: how often it was chosen, and how many callers left there';

CREATE VIEW callbackd.v_report_codes AS
SELECT c.site, c.date, t.code, coalesce(k.label, '') AS label, coalesce(k."group", '') AS "group", coalesce(k.success, 0) AS success,
       count(DISTINCT (c.pbx, c.linkedid)) AS calls
  FROM callbackd.v_report_calls c
  JOIN callbackd.tags t ON t.site = c.site AND t.pbx = c.pbx AND t.linkedid = c.linkedid
  LEFT JOIN callbackd.codes k ON k.site = c.site AND k.code = t.code
 GROUP BY 1, 2, 3, 4, 5, 6;
COMMENT ON VIEW callbackd.v_report_codes IS 'Of each day and code: calls with it, whoever set it';

CREATE VIEW callbackd.v_report_ratings AS
SELECT c.site, c.date, r."by", count(*) AS ratings, avg(r.score) AS mean_score,
       1.0 * count(*) FILTER (WHERE r.score >= s.good_score) / count(*) AS good_share
  FROM callbackd.v_report_calls c
  JOIN callbackd.report_settings s ON s.site = c.site
  JOIN callbackd.ratings r ON r.site = c.site AND r.pbx = c.pbx AND r.linkedid = c.linkedid
 GROUP BY 1, 2, 3;
COMMENT ON VIEW callbackd.v_report_ratings IS 'Of each day and survey: scores';

CREATE VIEW callbackd.v_report_lengths AS
SELECT site, date,
       CASE WHEN talk_ms < 10000 THEN 0 WHEN talk_ms < 30000 THEN 10 WHEN talk_ms < 60000 THEN 30 WHEN talk_ms < 120000 THEN 60
            WHEN talk_ms < 300000 THEN 120 WHEN talk_ms < 600000 THEN 300 WHEN talk_ms < 1200000 THEN 600 ELSE 1200 END AS from_s,
       count(*) AS calls
  FROM callbackd.v_report_calls WHERE answered = 1 GROUP BY 1, 2, 3;
COMMENT ON VIEW callbackd.v_report_lengths IS 'Of each day: conversations with customers by their length, from from_s up to the next one';

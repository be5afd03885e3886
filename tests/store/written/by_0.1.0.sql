PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE calls (
    id            INTEGER PRIMARY KEY,     -- row id; stays the same when the call is written again
    pbx           TEXT    NOT NULL,        -- name of the PBX in the configuration
    linkedid      TEXT    NOT NULL,        -- Asterisk's Linkedid under which the call began; joins with linkedid of Asterisk's CDR and CEL
    direction     TEXT    NOT NULL,        -- inbound, outbound, internal, callback
    status        TEXT    NOT NULL,        -- what a manager counts: ANSWER, NOANSWER, BUSY, CANCEL, OUT_OF_TIME, NOT_CONNECTED, UNKNOWN
    outcome       TEXT    NOT NULL,        -- why: AGENT, QUEUE_ABANDON, RING_TIMEOUT, ...
    number        TEXT,                    -- the other party's number as received or dialled; NULL if withheld or absent
    number_e164   TEXT,                    -- the same in E.164 (+12025550123); NULL if it cannot be called
    name          TEXT,                    -- the other party's name (CallerIDName), as the network told it
    did           TEXT,                    -- inbound: the number that the customer dialled; outbound: the caller id that we showed
    trunk         TEXT,                    -- technology and peer of the trunk (PJSIP/provider)
    queue         TEXT,                    -- the queue that connected the caller, else the last one that he was in
    agent         TEXT,                    -- interface of the first person who talked with the customer (PJSIP/101)
    started_ms    INTEGER NOT NULL,        -- ms since 1970 UTC: first event of the call
    answered_ms   INTEGER,                 -- ms since 1970 UTC: first bridge with a person; NULL if there was none
    ended_ms      INTEGER NOT NULL,        -- ms since 1970 UTC: the customer's last channel ended
    wait_ms       INTEGER NOT NULL,        -- ms from started_ms to answered_ms, or to the end if nobody answered
    queue_wait_ms INTEGER NOT NULL,        -- ms in queues, all stays added up
    ring_ms       INTEGER NOT NULL,        -- ms in which at least one person's phone rang
    talk_ms       INTEGER NOT NULL,        -- ms in which the customer shared a bridge with a person
    hold_ms       INTEGER NOT NULL,        -- ms on hold or parked after having been answered
    hangup_by     TEXT    NOT NULL,        -- who ended it: customer, agent, pbx, unknown
    hangup_cause  INTEGER,                 -- Q.850 cause of the customer's channel (Hangup's Cause); proves nothing by itself
    transfers     INTEGER NOT NULL,        -- number of transfers, blind and attended
    voicemail     INTEGER NOT NULL,        -- 1 if a message was left, else 0
    quality       TEXT    NOT NULL,        -- how much of it was seen: full, partial, gap, backfilled
    why           TEXT    NOT NULL,        -- JSON array of sentences: the facts that decided status and outcome, in the order in which they count
    callback_id   INTEGER,                 -- the callback that this call belongs to; NULL if none
    recovered_by  TEXT,                    -- who won a missed customer back: callback, customer, agent; NULL if nobody did
    recovered_ms  INTEGER,                 -- ms since 1970 UTC: when he was served
    UNIQUE (pbx, linkedid)
) STRICT;
INSERT INTO calls VALUES(1,'demo','demo-1795836763.1','inbound','CANCEL','QUEUE_ABANDON','12025550127','+12025550127','Customer 27','5550100','PJSIP/trunk','support',NULL,1795836764238,NULL,1795836769113,4875,4754,4754,0,0,'customer',16,0,0,'partial','["caller hung up while waiting in a queue","queue support: ABANDONED","phones tried: CANCELLED","not all of it was seen: for a part of it there was no connection to the PBX"]',1,'callback',1795836792432);
INSERT INTO calls VALUES(2,'demo','demo-1795836763.0','inbound','ANSWER','AGENT','12025550133','+12025550133','Customer 33','5550102','PJSIP/trunk','billing','PJSIP/106',1795836764238,1795836767234,1795836771168,2996,2996,0,3934,0,'agent',16,0,0,'partial','["talked with a person","queue billing: CONNECTED","phones tried: ANSWERED","not all of it was seen: for a part of it there was no connection to the PBX"]',NULL,NULL,NULL);
INSERT INTO calls VALUES(3,'demo','demo-1795836767.6','inbound','CANCEL','QUEUE_ABANDON','12025550102','+12025550102',NULL,'5550102','PJSIP/trunk','billing',NULL,1795836767615,NULL,1795836771686,4071,3571,3571,0,0,'customer',16,0,0,'full','["caller hung up while waiting in a queue","queue billing: ABANDONED","phones tried: REJECTED, CANCELLED"]',2,'callback',1795836799057);
INSERT INTO calls VALUES(4,'demo','demo-1795836767.7','inbound','ANSWER','AGENT','12025550103','+12025550103','Customer 3','5550100','PJSIP/trunk','support','PJSIP/105',1795836767865,1795836770753,1795836773396,2888,2388,2388,2643,0,'agent',16,0,0,'full','["talked with a person","queue support: CONNECTED","phones tried: ANSWERED"]',NULL,NULL,NULL);
INSERT INTO calls VALUES(5,'demo','demo-1795836763.2','inbound','ANSWER','AGENT','12025550155','+12025550155',NULL,'5550100','PJSIP/trunk','support','PJSIP/104',1795836764238,1795836768296,1795836774357,4058,3926,3926,6061,0,'agent',16,0,0,'partial','["talked with a person","queue support: CONNECTED","phones tried: ANSWERED","not all of it was seen: for a part of it there was no connection to the PBX"]',NULL,NULL,NULL);
INSERT INTO calls VALUES(6,'demo','cb-2-1','callback','NOANSWER','RING_TIMEOUT','12025550102','+12025550102',NULL,'5550102','PJSIP/trunk',NULL,'PJSIP/107',1795836773692,NULL,1795836776117,2425,0,2425,0,0,'pbx',17,0,0,'full','["nobody answered in time","phones tried: BUSY, DUMPED"]',2,NULL,NULL);
INSERT INTO calls VALUES(7,'demo','cb-1-1','callback','NOANSWER','RING_TIMEOUT','12025550127','+12025550127',NULL,'5550100','PJSIP/trunk',NULL,'PJSIP/106',1795836772992,NULL,1795836776393,3401,0,3401,0,0,'pbx',17,0,0,'full','["nobody answered in time","phones tried: BUSY, DUMPED"]',1,NULL,NULL);
INSERT INTO calls VALUES(8,'demo','demo-1795836768.10','inbound','ANSWER','AGENT','12025550128','+12025550128',NULL,'5550100','PJSIP/trunk','support','PJSIP/103',1795836768591,1795836772978,1795836777275,4387,3887,3865,4297,0,'agent',16,0,0,'full','["talked with a person","queue support: CONNECTED","phones tried: ANSWERED"]',NULL,NULL,NULL);
INSERT INTO calls VALUES(9,'demo','demo-1795836777.21','inbound','CANCEL','QUEUE_ABANDON',NULL,NULL,NULL,'5550101','PJSIP/trunk','sales',NULL,1795836777001,NULL,1795836779711,2710,2210,2210,0,0,'customer',16,0,0,'full','["caller hung up while waiting in a queue","queue sales: ABANDONED","phones tried: CANCELLED"]',3,NULL,NULL);
INSERT INTO calls VALUES(10,'demo','demo-1795836776.18','inbound','CANCEL','QUEUE_ABANDON','12025550155','+12025550155',NULL,'5550102','PJSIP/trunk','billing',NULL,1795836776054,NULL,1795836783017,6963,6463,6000,0,0,'customer',16,0,0,'full','["caller hung up while waiting in a queue","queue billing: ABANDONED","phones tried: NOANSWER"]',4,'callback',1795836791422);
INSERT INTO calls VALUES(11,'demo','demo-1795836774.15','inbound','ANSWER','AGENT','12025550105','+12025550105',NULL,'5550100','PJSIP/trunk','support','PJSIP/105',1795836774021,1795836777244,1795836783203,3223,2723,1848,5959,0,'agent',16,0,0,'full','["talked with a person","queue support: CONNECTED","phones tried: ANSWERED"]',NULL,NULL,NULL);
INSERT INTO calls VALUES(12,'demo','demo-1795836781.23','inbound','CANCEL','QUEUE_ABANDON','12025550110','+12025550110',NULL,'5550102','PJSIP/trunk','billing',NULL,1795836781027,NULL,1795836787631,6604,6104,6077,0,0,'customer',16,0,0,'full','["caller hung up while waiting in a queue","queue billing: ABANDONED","phones tried: NOANSWER, CANCELLED"]',5,'callback',1795836834977);
INSERT INTO calls VALUES(13,'demo','demo-1795836781.24','inbound','ANSWER','AGENT','12025550118','+12025550118','Customer 18','5550101','PJSIP/trunk','sales','PJSIP/102',1795836781466,1795836785088,1795836791709,3622,3122,3122,6621,0,'agent',16,0,0,'full','["talked with a person","queue sales: CONNECTED","phones tried: ANSWERED, REJECTED"]',NULL,NULL,NULL);
INSERT INTO calls VALUES(14,'demo','demo-1795836789.36','inbound','CANCEL','QUEUE_ABANDON','12025550105','+12025550105',NULL,'5550103','PJSIP/trunk','support',NULL,1795836789111,NULL,1795836793955,4844,2796,1428,0,0,'customer',16,0,0,'full','["caller hung up while waiting in a queue","queue support: ABANDONED","phones tried: CANCELLED","menu ivr-main: chose 2"]',6,'callback',1795836862177);
INSERT INTO calls VALUES(15,'demo','demo-1795836795.45','inbound','CANCEL','QUEUE_ABANDON','12025550142','+12025550142','Customer 42','5550100','PJSIP/trunk','support',NULL,1795836795305,NULL,1795836797483,2178,1678,1091,0,0,'customer',16,0,0,'full','["caller hung up while waiting in a queue","queue support: ABANDONED","phones tried: CANCELLED"]',7,'callback',1795836857883);
INSERT INTO calls VALUES(16,'demo','demo-1795836784.28','inbound','ANSWER','AGENT','12025550138','+12025550138',NULL,'5550101','PJSIP/trunk','sales','PJSIP/101',1795836784892,1795836793212,1795836797627,8320,7820,7820,4415,0,'customer',16,0,0,'full','["talked with a person","queue sales: CONNECTED","phones tried: ANSWERED, NOANSWER"]',NULL,NULL,NULL);
INSERT INTO calls VALUES(17,'demo','cb-4-1','callback','ANSWER','AGENT','12025550155','+12025550155',NULL,'5550102','PJSIP/trunk',NULL,'PJSIP/104',1795836785028,1795836791422,1795836797831,6394,0,6394,6409,0,'customer',16,0,0,'full','["talked with a person","phones tried: 2 × ANSWERED"]',4,NULL,NULL);
INSERT INTO calls VALUES(18,'demo','demo-1795836784.29','inbound','ANSWER','AGENT','12025550130','+12025550130','Customer 30','5550102','PJSIP/trunk','billing','PJSIP/107',1795836784916,1795836791265,1795836799446,6349,5849,3634,8181,0,'customer',16,0,0,'full','["talked with a person","queue billing: CONNECTED","phones tried: ANSWERED"]',NULL,NULL,NULL);
INSERT INTO calls VALUES(19,'demo','cb-1-2','callback','ANSWER','AGENT','12025550127','+12025550127',NULL,'5550100','PJSIP/trunk',NULL,'PJSIP/105',1795836786712,1795836792432,1795836800850,5720,0,5720,8418,0,'agent',16,0,0,'full','["talked with a person","phones tried: 2 × ANSWERED"]',1,NULL,NULL);
INSERT INTO calls VALUES(20,'demo','demo-1795836791.40','inbound','ANSWER','AGENT',NULL,NULL,NULL,'5550100','PJSIP/trunk','support','PJSIP/106',1795836791438,1795836795584,1795836801149,4146,3646,1629,5565,0,'agent',16,0,0,'full','["talked with a person","queue support: CONNECTED","phones tried: ANSWERED"]',NULL,NULL,NULL);
INSERT INTO calls VALUES(21,'demo','demo-1795836799.50','inbound','CANCEL','IVR_LOST','12025550132','+12025550132',NULL,'5550103','PJSIP/trunk',NULL,NULL,1795836799356,NULL,1795836802062,2706,0,0,0,0,'customer',16,0,0,'full','["caller hung up in a menu","menu ivr-main: no choice"]',8,'customer',1795836813654);
INSERT INTO calls VALUES(22,'demo','cb-2-2','callback','ANSWER','AGENT','12025550102','+12025550102',NULL,'5550102','PJSIP/trunk',NULL,'PJSIP/108',1795836791272,1795836799057,1795836805243,7785,0,7785,6186,0,'agent',16,0,0,'full','["talked with a person","phones tried: 2 × ANSWERED"]',2,NULL,NULL);
INSERT INTO calls VALUES(23,'demo','demo-1795836796.47','inbound','CANCEL','QUEUE_ABANDON','12025550112','+12025550112','Customer 12','5550102','PJSIP/trunk','billing',NULL,1795836796972,NULL,1795836807577,10605,10105,4428,0,0,'customer',16,0,0,'full','["caller hung up while waiting in a queue","queue billing: ABANDONED","phones tried: CANCELLED"]',9,'callback',1795836823098);
INSERT INTO calls VALUES(24,'demo','cb-7-1','callback','NOANSWER','RING_TIMEOUT',NULL,NULL,NULL,NULL,NULL,NULL,'PJSIP/104',1795836799488,NULL,1795836809488,10000,0,10000,0,0,'unknown',NULL,0,0,'full','["nobody answered in time","phones tried: NOANSWER"]',7,NULL,NULL);
INSERT INTO calls VALUES(25,'demo','demo-1795836801.55','inbound','CANCEL','QUEUE_ABANDON','12025550144','+12025550144',NULL,'5550102','PJSIP/trunk','billing',NULL,1795836801561,NULL,1795836809540,7979,7479,1963,0,0,'customer',16,0,0,'full','["caller hung up while waiting in a queue","queue billing: ABANDONED","phones tried: CANCELLED"]',10,'customer',1795836807373);
INSERT INTO calls VALUES(26,'demo','demo-1795836794.43','inbound','ANSWER','AGENT','12025550101','+12025550101',NULL,'5550102','PJSIP/trunk','billing','PJSIP/107',1795836794256,1795836804217,1795836810257,9961,9461,2771,6040,0,'customer',16,0,0,'full','["talked with a person","queue billing: CONNECTED","phones tried: ANSWERED"]',NULL,NULL,NULL);
INSERT INTO calls VALUES(27,'demo','demo-1795836802.57','inbound','ANSWER','AGENT','12025550148','+12025550148','Customer 48','5550100','PJSIP/trunk','support','PJSIP/105',1795836802715,1795836807175,1795836810464,4460,3960,3960,3289,0,'customer',16,0,0,'full','["talked with a person","queue support: CONNECTED","phones tried: ANSWERED"]',NULL,NULL,NULL);
INSERT INTO calls VALUES(28,'demo','demo-1795836806.65','inbound','CANCEL','QUEUE_ABANDON','12025550121','+12025550121','Customer 21','5550103','PJSIP/trunk','sales',NULL,1795836806367,NULL,1795836810909,4542,3427,3427,0,0,'customer',16,0,0,'full','["caller hung up while waiting in a queue","queue sales: ABANDONED","phones tried: CANCELLED","menu ivr-main: chose 1"]',11,'callback',1795836831587);
INSERT INTO calls VALUES(29,'demo','demo-1795836801.53','inbound','ANSWER','AGENT','12025550144','+12025550144',NULL,'5550103','PJSIP/trunk','sales','PJSIP/101',1795836801285,1795836807373,1795836811876,6088,3808,3808,4503,0,'customer',16,0,0,'full','["talked with a person","queue sales: CONNECTED","phones tried: ANSWERED","menu ivr-main: chose 1"]',NULL,NULL,NULL);
INSERT INTO calls VALUES(30,'demo','cb-6-1','callback','NOANSWER','RING_TIMEOUT','12025550105','+12025550105',NULL,'5550103','PJSIP/trunk',NULL,'PJSIP/103',1795836797957,NULL,1795836812150,14193,0,14193,0,0,'pbx',0,0,0,'full','["nobody answered in time","phones tried: NOANSWER, DUMPED"]',6,NULL,NULL);
INSERT INTO calls VALUES(31,'demo','demo-1795836797.48','inbound','ANSWER','AGENT','12025550116','+12025550116',NULL,'5550102','PJSIP/trunk','billing','PJSIP/108',1795836797876,1795836806119,1795836813852,8243,7743,876,7733,0,'agent',16,0,0,'full','["talked with a person","queue billing: CONNECTED","phones tried: ANSWERED"]',NULL,NULL,NULL);
INSERT INTO calls VALUES(32,'demo','demo-1795836801.56','inbound','CANCEL','QUEUE_ABANDON','12025550115','+12025550115','Customer 15','5550102','PJSIP/trunk','billing',NULL,1795836801980,NULL,1795836814360,12380,11880,4820,0,0,'customer',16,0,0,'full','["caller hung up while waiting in a queue","queue billing: ABANDONED","phones tried: CANCELLED"]',12,'callback',1795836831449);
INSERT INTO calls VALUES(33,'demo','demo-1795836805.61','inbound','ANSWER','AGENT','12025550151','+12025550151','Customer 51','5550103','PJSIP/trunk','support','PJSIP/104',1795836805210,1795836810926,1795836816451,5716,3773,1438,5525,0,'customer',16,0,0,'full','["talked with a person","queue support: CONNECTED","phones tried: ANSWERED","menu ivr-main: chose 2"]',NULL,NULL,NULL);
INSERT INTO calls VALUES(34,'demo','demo-1795836805.64','inbound','CANCEL','QUEUE_ABANDON','12025550108','+12025550108',NULL,'5550102','PJSIP/trunk','billing',NULL,1795836805910,NULL,1795836816872,10962,10462,4615,0,0,'customer',16,0,0,'full','["caller hung up while waiting in a queue","queue billing: ABANDONED","phones tried: CANCELLED"]',13,'callback',1795836843613);
INSERT INTO calls VALUES(35,'demo','cb-5-1','callback','NOT_CONNECTED','UNAVAILABLE',NULL,NULL,NULL,NULL,NULL,NULL,'PJSIP/106',1795836816876,NULL,1795836816882,6,0,6,0,0,'unknown',NULL,0,0,'full','["no destination could be reached","phones tried: UNAVAILABLE"]',5,NULL,NULL);
INSERT INTO calls VALUES(36,'demo','cb-12-1','callback','NOANSWER','REJECTED',NULL,NULL,NULL,NULL,NULL,NULL,'PJSIP/108',1795836816876,NULL,1795836817722,846,0,846,0,0,'unknown',NULL,0,0,'full','["every destination rejected","phones tried: REJECTED"]',12,NULL,NULL);
INSERT INTO calls VALUES(37,'demo','demo-1795836805.63','inbound','ANSWER','AGENT','12025550132','+12025550132',NULL,'5550103','PJSIP/trunk','sales','PJSIP/102',1795836805313,1795836813652,1795836819048,8339,4426,2743,5396,0,'agent',16,0,0,'full','["talked with a person","queue sales: CONNECTED","phones tried: ANSWERED","menu ivr-main: chose 1"]',NULL,NULL,NULL);
INSERT INTO calls VALUES(38,'demo','cb-11-1','callback','NOANSWER','RING_TIMEOUT',NULL,NULL,NULL,NULL,NULL,NULL,'PJSIP/101',1795836813880,NULL,1795836823880,10000,0,10000,0,0,'unknown',NULL,0,0,'full','["nobody answered in time","phones tried: NOANSWER"]',11,NULL,NULL);
INSERT INTO calls VALUES(39,'demo','cb-9-1','callback','ANSWER','AGENT','12025550112','+12025550112',NULL,'5550102','PJSIP/trunk',NULL,'PJSIP/107',1795836816876,1795836823098,1795836826427,6222,0,6221,3329,0,'agent',16,0,0,'full','["talked with a person","phones tried: 2 × ANSWERED"]',9,NULL,NULL);
INSERT INTO calls VALUES(40,'demo','cb-11-2','callback','ANSWER','AGENT','12025550121','+12025550121',NULL,'5550103','PJSIP/trunk',NULL,'PJSIP/102',1795836824196,1795836831587,1795836834650,7391,0,7391,3063,0,'customer',16,0,0,'full','["talked with a person","phones tried: 2 × ANSWERED"]',11,NULL,NULL);
INSERT INTO calls VALUES(41,'demo','cb-7-2','callback','NOANSWER','RING_TIMEOUT','12025550142','+12025550142',NULL,'5550100','PJSIP/trunk',NULL,'PJSIP/103',1795836820620,NULL,1795836836315,15695,0,15695,0,0,'pbx',0,0,0,'full','["nobody answered in time","phones tried: NOANSWER, DUMPED"]',7,NULL,NULL);
INSERT INTO calls VALUES(42,'demo','cb-12-2','callback','ANSWER','AGENT','12025550115','+12025550115',NULL,'5550102','PJSIP/trunk',NULL,'PJSIP/107',1795836828904,1795836831449,1795836837571,2545,0,2545,6122,0,'customer',16,0,0,'full','["talked with a person","phones tried: 2 × ANSWERED"]',12,NULL,NULL);
INSERT INTO calls VALUES(43,'demo','cb-5-2','callback','ANSWER','AGENT','12025550110','+12025550110',NULL,'5550102','PJSIP/trunk',NULL,'PJSIP/106',1795836827232,1795836834977,1795836839049,7745,0,7745,4072,0,'customer',16,0,0,'full','["talked with a person","phones tried: 2 × ANSWERED"]',5,NULL,NULL);
INSERT INTO calls VALUES(44,'demo','cb-6-2','callback','NOANSWER','RING_TIMEOUT','12025550105','+12025550105',NULL,'5550103','PJSIP/trunk',NULL,'PJSIP/105',1795836827468,NULL,1795836840311,12843,0,12843,0,0,'pbx',0,0,0,'full','["nobody answered in time","phones tried: NOANSWER, DUMPED"]',6,NULL,NULL);
INSERT INTO calls VALUES(45,'demo','cb-13-1','callback','ANSWER','AGENT','12025550108','+12025550108',NULL,'5550102','PJSIP/trunk',NULL,'PJSIP/107',1795836837880,1795836843613,1795836847959,5733,0,5733,4346,0,'agent',16,0,0,'full','["talked with a person","phones tried: 2 × ANSWERED"]',13,NULL,NULL);
INSERT INTO calls VALUES(46,'demo','cb-7-3','callback','ANSWER','AGENT','12025550142','+12025550142',NULL,'5550100','PJSIP/trunk',NULL,'PJSIP/103',1795836851624,1795836857883,1795836865763,6259,0,6259,7880,0,'agent',16,0,0,'full','["talked with a person","phones tried: 2 × ANSWERED"]',7,NULL,NULL);
INSERT INTO calls VALUES(47,'demo','cb-6-3','callback','ANSWER','AGENT','12025550105','+12025550105',NULL,'5550103','PJSIP/trunk',NULL,'PJSIP/105',1795836855623,1795836862177,1795836865990,6554,0,6554,3813,0,'agent',16,0,0,'full','["talked with a person","phones tried: 2 × ANSWERED"]',6,NULL,NULL);
CREATE TABLE legs (
    call_id     INTEGER NOT NULL REFERENCES calls (id) ON DELETE CASCADE, -- the call
    n           INTEGER NOT NULL,          -- 0, 1, 2, ... in the order of the ring attempts of this call
    agent       TEXT    NOT NULL,          -- the person, as interface of the technology channel (PJSIP/105)
    interface   TEXT    NOT NULL,          -- what was dialled, as the queue or Dial names it (Local/105@from-queue/n)
    queue       TEXT,                      -- the queue that rang it; NULL if none did
    started_ms  INTEGER NOT NULL,          -- ms since 1970 UTC: it began to be dialled (DialBegin)
    answered_ms INTEGER,                   -- ms since 1970 UTC: it answered; NULL if it did not
    ended_ms    INTEGER NOT NULL,          -- ms since 1970 UTC: it ended; for an answered one, the person left
    talk_ms     INTEGER NOT NULL,          -- ms on the line with the customer
    result      TEXT    NOT NULL,          -- how: ANSWERED, NOANSWER, BUSY, REJECTED, UNAVAILABLE, CONGESTION, ELSEWHERE, CANCELLED, LOST_RACE, DUMPED, UNKNOWN
    PRIMARY KEY (call_id, n)
) STRICT, WITHOUT ROWID;
INSERT INTO legs VALUES(1,0,'PJSIP/103','PJSIP/103','support',1795836764359,NULL,1795836769113,0,'CANCELLED');
INSERT INTO legs VALUES(2,0,'PJSIP/106','PJSIP/106',NULL,1795836767234,1795836767234,1795836771168,3934,'ANSWERED');
INSERT INTO legs VALUES(3,0,'PJSIP/107','PJSIP/107','billing',1795836768115,NULL,1795836769501,0,'REJECTED');
INSERT INTO legs VALUES(3,1,'PJSIP/108','PJSIP/108','billing',1795836769501,NULL,1795836771686,0,'CANCELLED');
INSERT INTO legs VALUES(4,0,'PJSIP/105','PJSIP/105','support',1795836768365,1795836770753,1795836773396,2643,'ANSWERED');
INSERT INTO legs VALUES(5,0,'PJSIP/104','PJSIP/104','support',1795836764370,1795836768296,1795836774357,6061,'ANSWERED');
INSERT INTO legs VALUES(6,0,'PJSIP/107','PJSIP/107',NULL,1795836773692,1795836775967,1795836776117,0,'DUMPED');
INSERT INTO legs VALUES(6,1,'PJSIP/trunk','PJSIP/trunk',NULL,1795836775967,NULL,1795836776117,0,'BUSY');
INSERT INTO legs VALUES(7,0,'PJSIP/106','PJSIP/106',NULL,1795836772992,1795836776243,1795836776393,0,'DUMPED');
INSERT INTO legs VALUES(7,1,'PJSIP/trunk','PJSIP/trunk',NULL,1795836776243,NULL,1795836776393,0,'BUSY');
INSERT INTO legs VALUES(8,0,'PJSIP/103','PJSIP/103','support',1795836769113,1795836772978,1795836777275,4297,'ANSWERED');
INSERT INTO legs VALUES(9,0,'PJSIP/101','PJSIP/101','sales',1795836777501,NULL,1795836779711,0,'CANCELLED');
INSERT INTO legs VALUES(10,0,'PJSIP/107','PJSIP/107','billing',1795836776554,NULL,1795836782554,0,'NOANSWER');
INSERT INTO legs VALUES(11,0,'PJSIP/105','PJSIP/105','support',1795836775396,1795836777244,1795836783203,5959,'ANSWERED');
INSERT INTO legs VALUES(12,0,'PJSIP/106','PJSIP/106','billing',1795836781527,NULL,1795836787527,0,'NOANSWER');
INSERT INTO legs VALUES(12,1,'PJSIP/107','PJSIP/107','billing',1795836787554,NULL,1795836787631,0,'CANCELLED');
INSERT INTO legs VALUES(13,0,'PJSIP/101','PJSIP/101','sales',1795836781966,NULL,1795836782918,0,'REJECTED');
INSERT INTO legs VALUES(13,1,'PJSIP/102','PJSIP/102','sales',1795836782918,1795836785088,1795836791709,6621,'ANSWERED');
INSERT INTO legs VALUES(14,0,'PJSIP/106','PJSIP/106','support',1795836792527,NULL,1795836793955,0,'CANCELLED');
INSERT INTO legs VALUES(15,0,'PJSIP/103','PJSIP/103','support',1795836796392,NULL,1795836797483,0,'CANCELLED');
INSERT INTO legs VALUES(16,0,'PJSIP/103','PJSIP/103','sales',1795836785392,NULL,1795836791392,0,'NOANSWER');
INSERT INTO legs VALUES(16,1,'PJSIP/101','PJSIP/101','sales',1795836791392,1795836793212,1795836797627,4415,'ANSWERED');
INSERT INTO legs VALUES(17,0,'PJSIP/104','PJSIP/104',NULL,1795836785028,1795836788053,1795836797831,6409,'ANSWERED');
INSERT INTO legs VALUES(17,1,'PJSIP/trunk','PJSIP/trunk',NULL,1795836788053,1795836791422,1795836797831,6409,'ANSWERED');
INSERT INTO legs VALUES(18,0,'PJSIP/107','PJSIP/107','billing',1795836787631,1795836791265,1795836799446,8181,'ANSWERED');
INSERT INTO legs VALUES(19,0,'PJSIP/105','PJSIP/105',NULL,1795836786712,1795836790461,1795836800850,8418,'ANSWERED');
INSERT INTO legs VALUES(19,1,'PJSIP/trunk','PJSIP/trunk',NULL,1795836790461,1795836792432,1795836800850,8418,'ANSWERED');
INSERT INTO legs VALUES(20,0,'PJSIP/106','PJSIP/106','support',1795836793955,1795836795584,1795836801149,5565,'ANSWERED');
INSERT INTO legs VALUES(22,0,'PJSIP/108','PJSIP/108',NULL,1795836791272,1795836795046,1795836805243,6186,'ANSWERED');
INSERT INTO legs VALUES(22,1,'PJSIP/trunk','PJSIP/trunk',NULL,1795836795046,1795836799057,1795836805243,6186,'ANSWERED');
INSERT INTO legs VALUES(23,0,'PJSIP/106','PJSIP/106','billing',1795836803149,NULL,1795836807577,0,'CANCELLED');
INSERT INTO legs VALUES(24,0,'PJSIP/104','PJSIP/104',NULL,1795836799488,NULL,1795836809488,0,'NOANSWER');
INSERT INTO legs VALUES(25,0,'PJSIP/106','PJSIP/106','billing',1795836807577,NULL,1795836809540,0,'CANCELLED');
INSERT INTO legs VALUES(26,0,'PJSIP/107','PJSIP/107','billing',1795836801446,1795836804217,1795836810257,6040,'ANSWERED');
INSERT INTO legs VALUES(27,0,'PJSIP/105','PJSIP/105','support',1795836803215,1795836807175,1795836810464,3289,'ANSWERED');
INSERT INTO legs VALUES(28,0,'PJSIP/102','PJSIP/102','sales',1795836807482,NULL,1795836810909,0,'CANCELLED');
INSERT INTO legs VALUES(29,0,'PJSIP/101','PJSIP/101','sales',1795836803565,1795836807373,1795836811876,4503,'ANSWERED');
INSERT INTO legs VALUES(30,0,'PJSIP/103','PJSIP/103',NULL,1795836797957,1795836800150,1795836812150,0,'DUMPED');
INSERT INTO legs VALUES(30,1,'PJSIP/trunk','PJSIP/trunk',NULL,1795836800150,NULL,1795836812150,0,'NOANSWER');
INSERT INTO legs VALUES(31,0,'PJSIP/108','PJSIP/108','billing',1795836805243,1795836806119,1795836813852,7733,'ANSWERED');
INSERT INTO legs VALUES(32,0,'PJSIP/106','PJSIP/106','billing',1795836809540,NULL,1795836814360,0,'CANCELLED');
INSERT INTO legs VALUES(33,0,'PJSIP/104','PJSIP/104','support',1795836809488,1795836810926,1795836816451,5525,'ANSWERED');
INSERT INTO legs VALUES(34,0,'PJSIP/107','PJSIP/107','billing',1795836812257,NULL,1795836816872,0,'CANCELLED');
INSERT INTO legs VALUES(35,0,'PJSIP/106','PJSIP/106',NULL,1795836816876,NULL,1795836816882,0,'UNAVAILABLE');
INSERT INTO legs VALUES(36,0,'PJSIP/108','PJSIP/108',NULL,1795836816876,NULL,1795836817722,0,'REJECTED');
INSERT INTO legs VALUES(37,0,'PJSIP/102','PJSIP/102','sales',1795836810909,1795836813652,1795836819048,5396,'ANSWERED');
INSERT INTO legs VALUES(38,0,'PJSIP/101','PJSIP/101',NULL,1795836813880,NULL,1795836823880,0,'NOANSWER');
INSERT INTO legs VALUES(39,0,'PJSIP/107','PJSIP/107',NULL,1795836816877,1795836818437,1795836826427,3329,'ANSWERED');
INSERT INTO legs VALUES(39,1,'PJSIP/trunk','PJSIP/trunk',NULL,1795836818437,1795836823098,1795836826427,3329,'ANSWERED');
INSERT INTO legs VALUES(40,0,'PJSIP/102','PJSIP/102',NULL,1795836824196,1795836826630,1795836834650,3063,'ANSWERED');
INSERT INTO legs VALUES(40,1,'PJSIP/trunk','PJSIP/trunk',NULL,1795836826630,1795836831587,1795836834650,3063,'ANSWERED');
INSERT INTO legs VALUES(41,0,'PJSIP/103','PJSIP/103',NULL,1795836820620,1795836824315,1795836836315,0,'DUMPED');
INSERT INTO legs VALUES(41,1,'PJSIP/trunk','PJSIP/trunk',NULL,1795836824315,NULL,1795836836315,0,'NOANSWER');
INSERT INTO legs VALUES(42,0,'PJSIP/107','PJSIP/107',NULL,1795836828904,1795836830021,1795836837571,6122,'ANSWERED');
INSERT INTO legs VALUES(42,1,'PJSIP/trunk','PJSIP/trunk',NULL,1795836830021,1795836831449,1795836837571,6122,'ANSWERED');
INSERT INTO legs VALUES(43,0,'PJSIP/106','PJSIP/106',NULL,1795836827232,1795836830569,1795836839049,4072,'ANSWERED');
INSERT INTO legs VALUES(43,1,'PJSIP/trunk','PJSIP/trunk',NULL,1795836830569,1795836834977,1795836839049,4072,'ANSWERED');
INSERT INTO legs VALUES(44,0,'PJSIP/105','PJSIP/105',NULL,1795836827468,1795836828311,1795836840311,0,'DUMPED');
INSERT INTO legs VALUES(44,1,'PJSIP/trunk','PJSIP/trunk',NULL,1795836828311,NULL,1795836840311,0,'NOANSWER');
INSERT INTO legs VALUES(45,0,'PJSIP/107','PJSIP/107',NULL,1795836837880,1795836841720,1795836847959,4346,'ANSWERED');
INSERT INTO legs VALUES(45,1,'PJSIP/trunk','PJSIP/trunk',NULL,1795836841720,1795836843613,1795836847959,4346,'ANSWERED');
INSERT INTO legs VALUES(46,0,'PJSIP/103','PJSIP/103',NULL,1795836851624,1795836854275,1795836865763,7880,'ANSWERED');
INSERT INTO legs VALUES(46,1,'PJSIP/trunk','PJSIP/trunk',NULL,1795836854275,1795836857883,1795836865763,7880,'ANSWERED');
INSERT INTO legs VALUES(47,0,'PJSIP/105','PJSIP/105',NULL,1795836855623,1795836857947,1795836865990,3813,'ANSWERED');
INSERT INTO legs VALUES(47,1,'PJSIP/trunk','PJSIP/trunk',NULL,1795836857947,1795836862177,1795836865990,3813,'ANSWERED');
CREATE TABLE queue_visits (
    call_id   INTEGER NOT NULL REFERENCES calls (id) ON DELETE CASCADE, -- the call
    n         INTEGER NOT NULL,            -- 0, 1, 2, ... in the order of the stays of this call
    queue     TEXT    NOT NULL,            -- name of the queue
    joined_ms INTEGER NOT NULL,            -- ms since 1970 UTC: entered (QueueCallerJoin), or was refused at the door
    left_ms   INTEGER NOT NULL,            -- ms since 1970 UTC: left (QueueCallerLeave)
    position  INTEGER,                     -- position at entering, from 1; NULL if refused at the door
    result    TEXT    NOT NULL,            -- how it ended: CONNECTED, ABANDONED, TIMEOUT, KEY, JOINEMPTY, LEAVEEMPTY, FULL, ...
    PRIMARY KEY (call_id, n)
) STRICT, WITHOUT ROWID;
INSERT INTO queue_visits VALUES(1,0,'support',1795836764359,1795836769113,1,'ABANDONED');
INSERT INTO queue_visits VALUES(2,0,'billing',1795836764238,1795836767234,1,'CONNECTED');
INSERT INTO queue_visits VALUES(3,0,'billing',1795836768115,1795836771686,1,'ABANDONED');
INSERT INTO queue_visits VALUES(4,0,'support',1795836768365,1795836770753,2,'CONNECTED');
INSERT INTO queue_visits VALUES(5,0,'support',1795836764370,1795836768296,2,'CONNECTED');
INSERT INTO queue_visits VALUES(8,0,'support',1795836769091,1795836772978,3,'CONNECTED');
INSERT INTO queue_visits VALUES(9,0,'sales',1795836777501,1795836779711,1,'ABANDONED');
INSERT INTO queue_visits VALUES(10,0,'billing',1795836776554,1795836783017,1,'ABANDONED');
INSERT INTO queue_visits VALUES(11,0,'support',1795836774521,1795836777244,1,'CONNECTED');
INSERT INTO queue_visits VALUES(12,0,'billing',1795836781527,1795836787631,2,'ABANDONED');
INSERT INTO queue_visits VALUES(13,0,'sales',1795836781966,1795836785088,1,'CONNECTED');
INSERT INTO queue_visits VALUES(14,0,'support',1795836791159,1795836793955,1,'ABANDONED');
INSERT INTO queue_visits VALUES(15,0,'support',1795836795805,1795836797483,1,'ABANDONED');
INSERT INTO queue_visits VALUES(16,0,'sales',1795836785392,1795836793212,1,'CONNECTED');
INSERT INTO queue_visits VALUES(18,0,'billing',1795836785416,1795836791265,2,'CONNECTED');
INSERT INTO queue_visits VALUES(20,0,'support',1795836791938,1795836795584,2,'CONNECTED');
INSERT INTO queue_visits VALUES(23,0,'billing',1795836797472,1795836807577,2,'ABANDONED');
INSERT INTO queue_visits VALUES(25,0,'billing',1795836802061,1795836809540,4,'ABANDONED');
INSERT INTO queue_visits VALUES(26,0,'billing',1795836794756,1795836804217,1,'CONNECTED');
INSERT INTO queue_visits VALUES(27,0,'support',1795836803215,1795836807175,1,'CONNECTED');
INSERT INTO queue_visits VALUES(28,0,'sales',1795836807482,1795836810909,1,'ABANDONED');
INSERT INTO queue_visits VALUES(29,0,'sales',1795836803565,1795836807373,1,'CONNECTED');
INSERT INTO queue_visits VALUES(31,0,'billing',1795836798376,1795836806119,3,'CONNECTED');
INSERT INTO queue_visits VALUES(32,0,'billing',1795836802480,1795836814360,5,'ABANDONED');
INSERT INTO queue_visits VALUES(33,0,'support',1795836807153,1795836810926,2,'CONNECTED');
INSERT INTO queue_visits VALUES(34,0,'billing',1795836806410,1795836816872,4,'ABANDONED');
INSERT INTO queue_visits VALUES(37,0,'sales',1795836809226,1795836813652,2,'CONNECTED');
CREATE TABLE ivr_steps (
    call_id INTEGER NOT NULL REFERENCES calls (id) ON DELETE CASCADE, -- the call
    n       INTEGER NOT NULL,              -- 0, 1, 2, ... in the order of the menus of this call
    context TEXT    NOT NULL,              -- dialplan context of the menu
    digits  TEXT    NOT NULL,              -- what he chose there; empty if nothing, t for a time-out, i for an invalid choice
    at_ms   INTEGER NOT NULL,              -- ms since 1970 UTC: he entered the menu
    PRIMARY KEY (call_id, n)
) STRICT, WITHOUT ROWID;
INSERT INTO ivr_steps VALUES(14,0,'ivr-main','2',1795836789111);
INSERT INTO ivr_steps VALUES(21,0,'ivr-main','',1795836799356);
INSERT INTO ivr_steps VALUES(28,0,'ivr-main','1',1795836806367);
INSERT INTO ivr_steps VALUES(29,0,'ivr-main','1',1795836801285);
INSERT INTO ivr_steps VALUES(33,0,'ivr-main','2',1795836805210);
INSERT INTO ivr_steps VALUES(37,0,'ivr-main','1',1795836805313);
CREATE TABLE codes (
    code     TEXT PRIMARY KEY,             -- the word: letters, digits, _ and -
    label    TEXT NOT NULL,                -- for people
    callback TEXT NOT NULL,                -- what it means for callbacks: none, suppress, request
    expires  TEXT                          -- how long a suppression holds, as in the configuration (90d); NULL for ever
) STRICT, WITHOUT ROWID;
INSERT INTO codes VALUES('ABANDONED','The caller gave up','none',NULL);
INSERT INTO codes VALUES('BUSY','Everyone was busy','none',NULL);
INSERT INTO codes VALUES('CALLBACK','Asked to be called back','request',NULL);
INSERT INTO codes VALUES('CALLBACK_DECLINED','Needs no callback','none',NULL);
INSERT INTO codes VALUES('DEAL_CLOSED','Deal closed','none',NULL);
INSERT INTO codes VALUES('DEMO_BOOKED','Demonstration booked','none',NULL);
INSERT INTO codes VALUES('DISCONNECTED','Lost in a transfer','none',NULL);
INSERT INTO codes VALUES('DO_NOT_CONTACT','Does not want to be called','suppress','365d');
INSERT INTO codes VALUES('FOLLOW_UP','To be followed up','request',NULL);
INSERT INTO codes VALUES('INTERESTED','Interested','none',NULL);
INSERT INTO codes VALUES('MEETING_SET','Meeting set','none',NULL);
INSERT INTO codes VALUES('NOT_INTERESTED','Not interested','none',NULL);
INSERT INTO codes VALUES('NO_ANSWER','Nobody answered','none',NULL);
INSERT INTO codes VALUES('VOICEMAIL','Left a message','none',NULL);
INSERT INTO codes VALUES('WRONG_NUMBER','Wrong number','suppress',NULL);
CREATE TABLE tags (
    call_id INTEGER NOT NULL REFERENCES calls (id) ON DELETE CASCADE, -- the call
    code    TEXT    NOT NULL,              -- one of codes.code, or a new word
    note    TEXT    NOT NULL,              -- free text
    "by"    TEXT    NOT NULL,              -- who set it: rule (from status and outcome), dialplan, or a name
    at_ms   INTEGER NOT NULL,              -- ms since 1970 UTC: when
    source  TEXT    NOT NULL,              -- engine: rewritten with the call's row; command: kept
    PRIMARY KEY (call_id, code, "by")
) STRICT, WITHOUT ROWID;
INSERT INTO tags VALUES(1,'ABANDONED','','rule',1795836769113,'engine');
INSERT INTO tags VALUES(3,'ABANDONED','','rule',1795836771686,'engine');
INSERT INTO tags VALUES(6,'NO_ANSWER','','rule',1795836776117,'engine');
INSERT INTO tags VALUES(7,'NO_ANSWER','','rule',1795836776393,'engine');
INSERT INTO tags VALUES(9,'ABANDONED','','rule',1795836779711,'engine');
INSERT INTO tags VALUES(10,'ABANDONED','','rule',1795836783017,'engine');
INSERT INTO tags VALUES(12,'ABANDONED','','rule',1795836787631,'engine');
INSERT INTO tags VALUES(14,'ABANDONED','','rule',1795836793955,'engine');
INSERT INTO tags VALUES(15,'ABANDONED','','rule',1795836797483,'engine');
INSERT INTO tags VALUES(21,'ABANDONED','','rule',1795836802062,'engine');
INSERT INTO tags VALUES(23,'ABANDONED','','rule',1795836807577,'engine');
INSERT INTO tags VALUES(24,'NO_ANSWER','','rule',1795836809488,'engine');
INSERT INTO tags VALUES(25,'ABANDONED','','rule',1795836809540,'engine');
INSERT INTO tags VALUES(28,'ABANDONED','','rule',1795836810909,'engine');
INSERT INTO tags VALUES(30,'NO_ANSWER','','rule',1795836812150,'engine');
INSERT INTO tags VALUES(32,'ABANDONED','','rule',1795836814360,'engine');
INSERT INTO tags VALUES(34,'ABANDONED','','rule',1795836816872,'engine');
INSERT INTO tags VALUES(36,'NO_ANSWER','','rule',1795836817722,'engine');
INSERT INTO tags VALUES(38,'NO_ANSWER','','rule',1795836823880,'engine');
INSERT INTO tags VALUES(41,'NO_ANSWER','','rule',1795836836315,'engine');
INSERT INTO tags VALUES(44,'NO_ANSWER','','rule',1795836840311,'engine');
CREATE TABLE ratings (
    call_id INTEGER NOT NULL REFERENCES calls (id) ON DELETE CASCADE, -- the call
    "by"    TEXT    NOT NULL,              -- what was rated, or by which survey; empty if there is only one
    score   REAL    NOT NULL,              -- as the dialplan's survey counts: UserEvent(CallRating,Score: 5)
    at_ms   INTEGER NOT NULL,              -- ms since 1970 UTC: when
    PRIMARY KEY (call_id, "by")
) STRICT, WITHOUT ROWID;
CREATE TABLE gaps (
    id         INTEGER PRIMARY KEY,        -- row id
    pbx        TEXT    NOT NULL,           -- name of the PBX in the configuration
    from_ms    INTEGER NOT NULL,           -- ms since 1970 UTC: the last moment known to be seen
    to_ms      INTEGER NOT NULL,           -- ms since 1970 UTC: the first moment seen again
    cause      TEXT    NOT NULL,           -- why: daemon_down, link_lost, pbx_restart, overload
    calls_lost INTEGER NOT NULL,           -- calls that were in progress and whose end was not seen
    UNIQUE (pbx, from_ms, cause)
) STRICT;
CREATE TABLE agents (
    pbx   TEXT NOT NULL,                   -- name of the PBX in the configuration
    agent TEXT NOT NULL,                   -- the person, as technology and peer of the phone: PJSIP/101
    name  TEXT NOT NULL,                   -- as the queues name him (MemberName)
    PRIMARY KEY (pbx, agent)
) STRICT, WITHOUT ROWID;
INSERT INTO agents VALUES('demo','PJSIP/101','Ann');
INSERT INTO agents VALUES('demo','PJSIP/102','Ben');
INSERT INTO agents VALUES('demo','PJSIP/103','Cleo');
INSERT INTO agents VALUES('demo','PJSIP/104','Dan');
INSERT INTO agents VALUES('demo','PJSIP/105','Eve');
INSERT INTO agents VALUES('demo','PJSIP/106','Finn');
INSERT INTO agents VALUES('demo','PJSIP/107','Gia');
INSERT INTO agents VALUES('demo','PJSIP/108','Hugo');
CREATE TABLE agent_intervals (
    pbx      TEXT    NOT NULL,             -- name of the PBX in the configuration
    agent    TEXT    NOT NULL,             -- the person, as in agents.agent
    activity TEXT    NOT NULL,             -- what he did: logged_in, paused, ringing, talking, wrapup
    queue    TEXT    NOT NULL,             -- the queue in which he was paused; empty for the rest
    reason   TEXT    NOT NULL,             -- why he was paused (PausedReason); empty for the rest
    from_ms  INTEGER NOT NULL,             -- ms since 1970 UTC: began, or was first seen
    to_ms    INTEGER,                      -- ms since 1970 UTC: ended; NULL while it lasts
    PRIMARY KEY (pbx, agent, activity, queue, from_ms)
) STRICT, WITHOUT ROWID;
INSERT INTO agent_intervals VALUES('demo','PJSIP/101','logged_in','','',1795836764238,1795836866415);
INSERT INTO agent_intervals VALUES('demo','PJSIP/101','paused','sales','e-mail',1795836855260,1795836864374);
INSERT INTO agent_intervals VALUES('demo','PJSIP/101','ringing','','',1795836777505,1795836779711);
INSERT INTO agent_intervals VALUES('demo','PJSIP/101','ringing','','',1795836781970,1795836782918);
INSERT INTO agent_intervals VALUES('demo','PJSIP/101','ringing','','',1795836791396,1795836793212);
INSERT INTO agent_intervals VALUES('demo','PJSIP/101','ringing','','',1795836803569,1795836807373);
INSERT INTO agent_intervals VALUES('demo','PJSIP/101','ringing','','',1795836813880,1795836823880);
INSERT INTO agent_intervals VALUES('demo','PJSIP/101','talking','','',1795836793212,1795836797627);
INSERT INTO agent_intervals VALUES('demo','PJSIP/101','talking','','',1795836807373,1795836811876);
INSERT INTO agent_intervals VALUES('demo','PJSIP/101','wrapup','','',1795836797627,1795836799627);
INSERT INTO agent_intervals VALUES('demo','PJSIP/101','wrapup','','',1795836811876,1795836813876);
INSERT INTO agent_intervals VALUES('demo','PJSIP/102','logged_in','','',1795836764238,1795836866415);
INSERT INTO agent_intervals VALUES('demo','PJSIP/102','paused','sales','meeting',1795836798067,1795836807373);
INSERT INTO agent_intervals VALUES('demo','PJSIP/102','ringing','','',1795836782922,1795836785088);
INSERT INTO agent_intervals VALUES('demo','PJSIP/102','ringing','','',1795836807486,1795836810909);
INSERT INTO agent_intervals VALUES('demo','PJSIP/102','ringing','','',1795836810913,1795836813652);
INSERT INTO agent_intervals VALUES('demo','PJSIP/102','ringing','','',1795836824196,1795836826630);
INSERT INTO agent_intervals VALUES('demo','PJSIP/102','talking','','',1795836785088,1795836791709);
INSERT INTO agent_intervals VALUES('demo','PJSIP/102','talking','','',1795836813652,1795836819048);
INSERT INTO agent_intervals VALUES('demo','PJSIP/102','talking','','',1795836831587,1795836834650);
INSERT INTO agent_intervals VALUES('demo','PJSIP/102','wrapup','','',1795836791709,1795836793709);
INSERT INTO agent_intervals VALUES('demo','PJSIP/102','wrapup','','',1795836819048,1795836821048);
INSERT INTO agent_intervals VALUES('demo','PJSIP/103','logged_in','','',1795836764238,1795836866415);
INSERT INTO agent_intervals VALUES('demo','PJSIP/103','paused','sales','e-mail',1795836811267,1795836820603);
INSERT INTO agent_intervals VALUES('demo','PJSIP/103','paused','sales','lunch',1795836822247,1795836835551);
INSERT INTO agent_intervals VALUES('demo','PJSIP/103','paused','support','e-mail',1795836811267,1795836820603);
INSERT INTO agent_intervals VALUES('demo','PJSIP/103','paused','support','lunch',1795836822247,1795836835551);
INSERT INTO agent_intervals VALUES('demo','PJSIP/103','ringing','','',1795836764363,1795836769113);
INSERT INTO agent_intervals VALUES('demo','PJSIP/103','ringing','','',1795836769117,1795836772978);
INSERT INTO agent_intervals VALUES('demo','PJSIP/103','ringing','','',1795836785396,1795836791392);
INSERT INTO agent_intervals VALUES('demo','PJSIP/103','ringing','','',1795836796396,1795836797483);
INSERT INTO agent_intervals VALUES('demo','PJSIP/103','ringing','','',1795836797957,1795836800150);
INSERT INTO agent_intervals VALUES('demo','PJSIP/103','ringing','','',1795836820620,1795836824315);
INSERT INTO agent_intervals VALUES('demo','PJSIP/103','ringing','','',1795836851624,1795836854275);
INSERT INTO agent_intervals VALUES('demo','PJSIP/103','talking','','',1795836772978,1795836777275);
INSERT INTO agent_intervals VALUES('demo','PJSIP/103','talking','','',1795836857883,1795836865763);
INSERT INTO agent_intervals VALUES('demo','PJSIP/103','wrapup','','',1795836777275,1795836779275);
INSERT INTO agent_intervals VALUES('demo','PJSIP/104','logged_in','','',1795836764238,1795836866415);
INSERT INTO agent_intervals VALUES('demo','PJSIP/104','paused','support','lunch',1795836820710,1795836830570);
INSERT INTO agent_intervals VALUES('demo','PJSIP/104','ringing','','',1795836764374,1795836768296);
INSERT INTO agent_intervals VALUES('demo','PJSIP/104','ringing','','',1795836785028,1795836788053);
INSERT INTO agent_intervals VALUES('demo','PJSIP/104','ringing','','',1795836799488,1795836809488);
INSERT INTO agent_intervals VALUES('demo','PJSIP/104','ringing','','',1795836809492,1795836810926);
INSERT INTO agent_intervals VALUES('demo','PJSIP/104','talking','','',1795836768296,1795836774357);
INSERT INTO agent_intervals VALUES('demo','PJSIP/104','talking','','',1795836791422,1795836797831);
INSERT INTO agent_intervals VALUES('demo','PJSIP/104','talking','','',1795836810926,1795836816451);
INSERT INTO agent_intervals VALUES('demo','PJSIP/104','wrapup','','',1795836774357,1795836776357);
INSERT INTO agent_intervals VALUES('demo','PJSIP/104','wrapup','','',1795836816451,1795836818451);
INSERT INTO agent_intervals VALUES('demo','PJSIP/105','logged_in','','',1795836764238,1795836866415);
INSERT INTO agent_intervals VALUES('demo','PJSIP/105','paused','support','lunch',1795836812048,1795836826862);
INSERT INTO agent_intervals VALUES('demo','PJSIP/105','paused','support','e-mail',1795836836375,1795836851402);
INSERT INTO agent_intervals VALUES('demo','PJSIP/105','ringing','','',1795836768369,1795836770753);
INSERT INTO agent_intervals VALUES('demo','PJSIP/105','ringing','','',1795836775400,1795836777244);
INSERT INTO agent_intervals VALUES('demo','PJSIP/105','ringing','','',1795836786712,1795836790461);
INSERT INTO agent_intervals VALUES('demo','PJSIP/105','ringing','','',1795836803219,1795836807175);
INSERT INTO agent_intervals VALUES('demo','PJSIP/105','ringing','','',1795836827468,1795836828311);
INSERT INTO agent_intervals VALUES('demo','PJSIP/105','ringing','','',1795836855623,1795836857947);
INSERT INTO agent_intervals VALUES('demo','PJSIP/105','talking','','',1795836770753,1795836773396);
INSERT INTO agent_intervals VALUES('demo','PJSIP/105','talking','','',1795836777244,1795836783203);
INSERT INTO agent_intervals VALUES('demo','PJSIP/105','talking','','',1795836792432,1795836800850);
INSERT INTO agent_intervals VALUES('demo','PJSIP/105','talking','','',1795836807175,1795836810464);
INSERT INTO agent_intervals VALUES('demo','PJSIP/105','talking','','',1795836862177,1795836865990);
INSERT INTO agent_intervals VALUES('demo','PJSIP/105','wrapup','','',1795836773396,1795836775396);
INSERT INTO agent_intervals VALUES('demo','PJSIP/105','wrapup','','',1795836783203,1795836785203);
INSERT INTO agent_intervals VALUES('demo','PJSIP/105','wrapup','','',1795836810464,1795836812464);
INSERT INTO agent_intervals VALUES('demo','PJSIP/106','logged_in','','',1795836764238,1795836866415);
INSERT INTO agent_intervals VALUES('demo','PJSIP/106','ringing','','',1795836772992,1795836776243);
INSERT INTO agent_intervals VALUES('demo','PJSIP/106','ringing','','',1795836781531,1795836787527);
INSERT INTO agent_intervals VALUES('demo','PJSIP/106','ringing','','',1795836792531,1795836793955);
INSERT INTO agent_intervals VALUES('demo','PJSIP/106','ringing','','',1795836793959,1795836795584);
INSERT INTO agent_intervals VALUES('demo','PJSIP/106','ringing','','',1795836803153,1795836807577);
INSERT INTO agent_intervals VALUES('demo','PJSIP/106','ringing','','',1795836807581,1795836809540);
INSERT INTO agent_intervals VALUES('demo','PJSIP/106','ringing','','',1795836809544,1795836814360);
INSERT INTO agent_intervals VALUES('demo','PJSIP/106','ringing','','',1795836827232,1795836830569);
INSERT INTO agent_intervals VALUES('demo','PJSIP/106','talking','','',1795836767234,1795836771168);
INSERT INTO agent_intervals VALUES('demo','PJSIP/106','talking','','',1795836795584,1795836801149);
INSERT INTO agent_intervals VALUES('demo','PJSIP/106','talking','','',1795836834977,1795836839049);
INSERT INTO agent_intervals VALUES('demo','PJSIP/106','wrapup','','',1795836801149,1795836803149);
INSERT INTO agent_intervals VALUES('demo','PJSIP/107','logged_in','','',1795836764238,1795836866415);
INSERT INTO agent_intervals VALUES('demo','PJSIP/107','paused','billing','lunch',1795836820794,1795836828895);
INSERT INTO agent_intervals VALUES('demo','PJSIP/107','ringing','','',1795836768119,1795836769501);
INSERT INTO agent_intervals VALUES('demo','PJSIP/107','ringing','','',1795836773692,1795836775967);
INSERT INTO agent_intervals VALUES('demo','PJSIP/107','ringing','','',1795836776558,1795836782554);
INSERT INTO agent_intervals VALUES('demo','PJSIP/107','ringing','','',1795836787558,1795836787631);
INSERT INTO agent_intervals VALUES('demo','PJSIP/107','ringing','','',1795836787635,1795836791265);
INSERT INTO agent_intervals VALUES('demo','PJSIP/107','ringing','','',1795836801450,1795836804217);
INSERT INTO agent_intervals VALUES('demo','PJSIP/107','ringing','','',1795836812261,1795836816872);
INSERT INTO agent_intervals VALUES('demo','PJSIP/107','ringing','','',1795836816877,1795836818437);
INSERT INTO agent_intervals VALUES('demo','PJSIP/107','ringing','','',1795836828904,1795836830021);
INSERT INTO agent_intervals VALUES('demo','PJSIP/107','ringing','','',1795836837880,1795836841720);
INSERT INTO agent_intervals VALUES('demo','PJSIP/107','talking','','',1795836791265,1795836799446);
INSERT INTO agent_intervals VALUES('demo','PJSIP/107','talking','','',1795836804217,1795836810257);
INSERT INTO agent_intervals VALUES('demo','PJSIP/107','talking','','',1795836823098,1795836826427);
INSERT INTO agent_intervals VALUES('demo','PJSIP/107','talking','','',1795836831449,1795836837571);
INSERT INTO agent_intervals VALUES('demo','PJSIP/107','talking','','',1795836843613,1795836847959);
INSERT INTO agent_intervals VALUES('demo','PJSIP/107','wrapup','','',1795836799446,1795836801446);
INSERT INTO agent_intervals VALUES('demo','PJSIP/107','wrapup','','',1795836810257,1795836812257);
INSERT INTO agent_intervals VALUES('demo','PJSIP/108','logged_in','','',1795836764238,1795836866415);
INSERT INTO agent_intervals VALUES('demo','PJSIP/108','paused','billing','e-mail',1795836769719,1795836787962);
INSERT INTO agent_intervals VALUES('demo','PJSIP/108','paused','billing','lunch',1795836825519,1795836845458);
INSERT INTO agent_intervals VALUES('demo','PJSIP/108','paused','billing','lunch',1795836861718,1795836866415);
INSERT INTO agent_intervals VALUES('demo','PJSIP/108','ringing','','',1795836769505,1795836771686);
INSERT INTO agent_intervals VALUES('demo','PJSIP/108','ringing','','',1795836791272,1795836795046);
INSERT INTO agent_intervals VALUES('demo','PJSIP/108','ringing','','',1795836805247,1795836806119);
INSERT INTO agent_intervals VALUES('demo','PJSIP/108','ringing','','',1795836816876,1795836817722);
INSERT INTO agent_intervals VALUES('demo','PJSIP/108','talking','','',1795836799057,1795836805243);
INSERT INTO agent_intervals VALUES('demo','PJSIP/108','talking','','',1795836806119,1795836813852);
INSERT INTO agent_intervals VALUES('demo','PJSIP/108','wrapup','','',1795836813852,1795836815852);
CREATE TABLE pbx_seen (
    pbx     TEXT    PRIMARY KEY,           -- name of the PBX in the configuration
    seen_ms INTEGER NOT NULL               -- ms since 1970 UTC: its events were seen up to here; what came while no daemon ran is a gap
) STRICT, WITHOUT ROWID;
INSERT INTO pbx_seen VALUES('demo',1795836866415);
CREATE TABLE callbacks (
    id              INTEGER PRIMARY KEY,   -- chosen by the daemon, from 1
    pbx             TEXT    NOT NULL,      -- name of the PBX on which the call was missed and the customer is called
    number_e164     TEXT,                  -- the customer; NULL only where there is no number that can be called
    name            TEXT,                  -- his name, as the network told it at the latest miss
    state           TEXT    NOT NULL,      -- open: PENDING, WAITING, RESERVED, DIALING_AGENT, DIALING_CUSTOMER, TALKING; closed: DONE, ...
    reason          TEXT    NOT NULL,      -- why it is there: DELAY, OUT_OF_HOURS, NO_AGENT, ...; empty if the state says all
    queue           TEXT,                  -- the queue whose agents are asked; NULL if any agent may be
    did             TEXT,                  -- the number that the customer dialled
    owner           TEXT,                  -- the agent who last talked with him, as interface
    assigned        TEXT,                  -- the only agent who may take it, as interface; set by a person
    promised        INTEGER NOT NULL,      -- 1 if the customer asked for it, else 0
    priority        INTEGER NOT NULL,      -- higher goes first
    missed_count    INTEGER NOT NULL,      -- missed calls behind it
    first_missed_ms INTEGER NOT NULL,      -- ms since 1970 UTC: the first of them ended
    last_missed_ms  INTEGER NOT NULL,      -- ms since 1970 UTC: the last of them ended
    due_ms          INTEGER NOT NULL,      -- ms since 1970 UTC: not before
    expires_ms      INTEGER NOT NULL,      -- ms since 1970 UTC: not after
    attempts        INTEGER NOT NULL,      -- attempts made
    counted         INTEGER NOT NULL,      -- of those, the ones that count against callback.max_attempts
    linkedid        TEXT,                  -- linkedid of the miss by which it began; NULL if it was made by hand
    resolved_by     TEXT,                  -- linkedid of the call by which it was done or recovered
    closed_ms       INTEGER                -- ms since 1970 UTC: closed; NULL while it is open
) STRICT;
INSERT INTO callbacks VALUES(1,'demo','+12025550127','Customer 27','DONE','','support','5550100',NULL,NULL,0,0,1,1795836769113,1795836769113,1795836786701,1795851169113,2,2,'demo-1795836763.1','cb-1-2',1795836801152);
INSERT INTO callbacks VALUES(2,'demo','+12025550102',NULL,'DONE','','billing','5550102',NULL,NULL,0,0,1,1795836771686,1795836771686,1795836786421,1795851171686,2,2,'demo-1795836767.6','cb-2-2',1795836805548);
INSERT INTO callbacks VALUES(3,'demo',NULL,NULL,'NOT_CALLABLE','withheld','sales','5550101',NULL,NULL,0,0,1,1795836779711,1795836779711,1795836781711,1795851179711,0,0,'demo-1795836777.21',NULL,1795836780015);
INSERT INTO callbacks VALUES(4,'demo','+12025550155',NULL,'DONE','','billing','5550102','PJSIP/104',NULL,0,0,1,1795836783017,1795836783017,1795836785017,1795851183017,1,1,'demo-1795836776.18','cb-4-1',1795836798134);
INSERT INTO callbacks VALUES(5,'demo','+12025550110',NULL,'DONE','','billing','5550102',NULL,NULL,0,0,1,1795836787631,1795836787631,1795836817221,1795851187631,2,1,'demo-1795836781.23','cb-5-2',1795836839353);
INSERT INTO callbacks VALUES(6,'demo','+12025550105',NULL,'DONE','','support','5550103','PJSIP/105',NULL,0,0,1,1795836793955,1795836793955,1795836855615,1795851193955,3,3,'demo-1795836789.36','cb-6-3',1795836866297);
INSERT INTO callbacks VALUES(7,'demo','+12025550142','Customer 42','DONE','','support','5550100',NULL,NULL,0,0,1,1795836797483,1795836797483,1795836851621,1795851197483,3,2,'demo-1795836795.45','cb-7-3',1795836866067);
INSERT INTO callbacks VALUES(8,'demo','+12025550132',NULL,'RECOVERED_BY_CUSTOMER','',NULL,'5550103',NULL,NULL,0,0,1,1795836802062,1795836802062,1795836804062,1795851202062,0,0,'demo-1795836799.50','demo-1795836805.63',1795836813654);
INSERT INTO callbacks VALUES(9,'demo','+12025550112','Customer 12','DONE','','billing','5550102',NULL,NULL,0,0,1,1795836807577,1795836807577,1795836809577,1795851207577,1,1,'demo-1795836796.47','cb-9-1',1795836826731);
INSERT INTO callbacks VALUES(10,'demo','+12025550144',NULL,'RECOVERED_BY_CUSTOMER','','billing','5550102',NULL,NULL,0,0,1,1795836809540,1795836809540,1795836811540,1795851209540,0,0,'demo-1795836801.55','demo-1795836801.53',1795836812178);
INSERT INTO callbacks VALUES(11,'demo','+12025550121','Customer 21','DONE','','sales','5550103',NULL,NULL,0,0,1,1795836810909,1795836810909,1795836824185,1795851210909,2,1,'demo-1795836806.65','cb-11-2',1795836834955);
INSERT INTO callbacks VALUES(12,'demo','+12025550115','Customer 15','DONE','','billing','5550102',NULL,NULL,0,0,1,1795836814360,1795836814360,1795836818024,1795851214360,2,1,'demo-1795836801.56','cb-12-2',1795836837875);
INSERT INTO callbacks VALUES(13,'demo','+12025550108',NULL,'DONE','','billing','5550102',NULL,NULL,0,0,1,1795836816872,1795836816872,1795836818872,1795851216872,1,1,'demo-1795836805.64','cb-13-1',1795836848262);
CREATE TABLE callback_events (
    callback_id INTEGER NOT NULL REFERENCES callbacks (id) ON DELETE CASCADE, -- the callback
    n           INTEGER NOT NULL,          -- 0, 1, 2, ... in the order in which they happened
    at_ms       INTEGER NOT NULL,          -- ms since 1970 UTC: when
    state       TEXT    NOT NULL,          -- the state that it came to
    reason      TEXT    NOT NULL,          -- why, as in callbacks.reason
    "by"        TEXT    NOT NULL,          -- who: callbackd, or the person who gave the command
    note        TEXT    NOT NULL,          -- more, in plain words
    PRIMARY KEY (callback_id, n)
) STRICT, WITHOUT ROWID;
INSERT INTO callback_events VALUES(1,0,1795836769416,'WAITING','DELAY','callbackd','missed (QUEUE_ABANDON)');
INSERT INTO callback_events VALUES(1,1,1795836771120,'PENDING','','callbackd','');
INSERT INTO callback_events VALUES(1,2,1795836771174,'WAITING','LIVE_CALLERS','callbackd','');
INSERT INTO callback_events VALUES(1,3,1795836772984,'RESERVED','','callbackd','attempt 1 with PJSIP/106');
INSERT INTO callback_events VALUES(1,4,1795836772985,'DIALING_AGENT','','callbackd','attempt 1 rings PJSIP/106');
INSERT INTO callback_events VALUES(1,5,1795836776248,'DIALING_CUSTOMER','','callbackd','');
INSERT INTO callback_events VALUES(1,6,1795836776701,'WAITING','RETRY_DELAY','callbackd','attempt 1: CUSTOMER_BUSY, the customer''s line was busy, cause 17');
INSERT INTO callback_events VALUES(1,7,1795836786702,'RESERVED','','callbackd','attempt 2 with PJSIP/105');
INSERT INTO callback_events VALUES(1,8,1795836786711,'DIALING_AGENT','','callbackd','attempt 2 rings PJSIP/105');
INSERT INTO callback_events VALUES(1,9,1795836790464,'DIALING_CUSTOMER','','callbackd','');
INSERT INTO callback_events VALUES(1,10,1795836792434,'TALKING','','callbackd','');
INSERT INTO callback_events VALUES(1,11,1795836801152,'DONE','','callbackd','attempt 2: CONNECTED');
INSERT INTO callback_events VALUES(2,0,1795836771990,'WAITING','DELAY','callbackd','missed (QUEUE_ABANDON)');
INSERT INTO callback_events VALUES(2,1,1795836773687,'RESERVED','','callbackd','attempt 1 with PJSIP/107');
INSERT INTO callback_events VALUES(2,2,1795836773691,'DIALING_AGENT','','callbackd','attempt 1 rings PJSIP/107');
INSERT INTO callback_events VALUES(2,3,1795836775970,'DIALING_CUSTOMER','','callbackd','');
INSERT INTO callback_events VALUES(2,4,1795836776421,'WAITING','RETRY_DELAY','callbackd','attempt 1: CUSTOMER_BUSY, the customer''s line was busy, cause 17');
INSERT INTO callback_events VALUES(2,5,1795836786422,'WAITING','LIVE_CALLERS','callbackd','');
INSERT INTO callback_events VALUES(2,6,1795836791267,'RESERVED','','callbackd','attempt 2 with PJSIP/108');
INSERT INTO callback_events VALUES(2,7,1795836791271,'DIALING_AGENT','','callbackd','attempt 2 rings PJSIP/108');
INSERT INTO callback_events VALUES(2,8,1795836795049,'DIALING_CUSTOMER','','callbackd','');
INSERT INTO callback_events VALUES(2,9,1795836799058,'TALKING','','callbackd','');
INSERT INTO callback_events VALUES(2,10,1795836805548,'DONE','','callbackd','attempt 2: CONNECTED');
INSERT INTO callback_events VALUES(3,0,1795836780015,'NOT_CALLABLE','withheld','callbackd','missed (QUEUE_ABANDON)');
INSERT INTO callback_events VALUES(4,0,1795836783321,'WAITING','DELAY','callbackd','missed (QUEUE_ABANDON)');
INSERT INTO callback_events VALUES(4,1,1795836785019,'RESERVED','','callbackd','attempt 1 with PJSIP/104');
INSERT INTO callback_events VALUES(4,2,1795836785027,'DIALING_AGENT','','callbackd','attempt 1 rings PJSIP/104');
INSERT INTO callback_events VALUES(4,3,1795836788056,'DIALING_CUSTOMER','','callbackd','');
INSERT INTO callback_events VALUES(4,4,1795836791423,'TALKING','','callbackd','');
INSERT INTO callback_events VALUES(4,5,1795836798134,'DONE','','callbackd','attempt 1: CONNECTED');
INSERT INTO callback_events VALUES(5,0,1795836787933,'WAITING','DELAY','callbackd','missed (QUEUE_ABANDON)');
INSERT INTO callback_events VALUES(5,1,1795836789632,'WAITING','LIVE_CALLERS','callbackd','');
INSERT INTO callback_events VALUES(5,2,1795836792529,'PENDING','','callbackd','');
INSERT INTO callback_events VALUES(5,3,1795836809583,'WAITING','LIVE_CALLERS','callbackd','');
INSERT INTO callback_events VALUES(5,4,1795836809584,'PENDING','','callbackd','');
INSERT INTO callback_events VALUES(5,5,1795836814362,'WAITING','LIVE_CALLERS','callbackd','');
INSERT INTO callback_events VALUES(5,6,1795836816873,'RESERVED','','callbackd','attempt 1 with PJSIP/106');
INSERT INTO callback_events VALUES(5,7,1795836816875,'DIALING_AGENT','','callbackd','attempt 1 rings PJSIP/106');
INSERT INTO callback_events VALUES(5,8,1795836817221,'PENDING','','callbackd','attempt 1: AGENT_BUSY, the agent''s phone cannot be reached');
INSERT INTO callback_events VALUES(5,9,1795836827221,'RESERVED','','callbackd','attempt 2 with PJSIP/106');
INSERT INTO callback_events VALUES(5,10,1795836827231,'DIALING_AGENT','','callbackd','attempt 2 rings PJSIP/106');
INSERT INTO callback_events VALUES(5,11,1795836830572,'DIALING_CUSTOMER','','callbackd','');
INSERT INTO callback_events VALUES(5,12,1795836834982,'TALKING','','callbackd','');
INSERT INTO callback_events VALUES(5,13,1795836839353,'DONE','','callbackd','attempt 2: CONNECTED');
INSERT INTO callback_events VALUES(6,0,1795836794259,'WAITING','DELAY','callbackd','missed (QUEUE_ABANDON)');
INSERT INTO callback_events VALUES(6,1,1795836795956,'PENDING','','callbackd','');
INSERT INTO callback_events VALUES(6,2,1795836797955,'RESERVED','','callbackd','attempt 1 with PJSIP/103');
INSERT INTO callback_events VALUES(6,3,1795836797957,'DIALING_AGENT','','callbackd','attempt 1 rings PJSIP/103');
INSERT INTO callback_events VALUES(6,4,1795836800157,'DIALING_CUSTOMER','','callbackd','');
INSERT INTO callback_events VALUES(6,5,1795836812454,'WAITING','RETRY_DELAY','callbackd','attempt 1: CUSTOMER_NOANSWER, the customer''s phone rang out');
INSERT INTO callback_events VALUES(6,6,1795836827459,'RESERVED','','callbackd','attempt 2 with PJSIP/105');
INSERT INTO callback_events VALUES(6,7,1795836827467,'DIALING_AGENT','','callbackd','attempt 2 rings PJSIP/105');
INSERT INTO callback_events VALUES(6,8,1795836828314,'DIALING_CUSTOMER','','callbackd','');
INSERT INTO callback_events VALUES(6,9,1795836840615,'WAITING','RETRY_DELAY','callbackd','attempt 2: CUSTOMER_NOANSWER, the customer''s phone rang out');
INSERT INTO callback_events VALUES(6,10,1795836855619,'RESERVED','','callbackd','attempt 3 with PJSIP/105');
INSERT INTO callback_events VALUES(6,11,1795836855622,'DIALING_AGENT','','callbackd','attempt 3 rings PJSIP/105');
INSERT INTO callback_events VALUES(6,12,1795836857950,'DIALING_CUSTOMER','','callbackd','');
INSERT INTO callback_events VALUES(6,13,1795836862180,'TALKING','','callbackd','');
INSERT INTO callback_events VALUES(6,14,1795836866297,'DONE','','callbackd','attempt 3: CONNECTED');
INSERT INTO callback_events VALUES(7,0,1795836797787,'WAITING','DELAY','callbackd','missed (QUEUE_ABANDON)');
INSERT INTO callback_events VALUES(7,1,1795836799484,'RESERVED','','callbackd','attempt 1 with PJSIP/104');
INSERT INTO callback_events VALUES(7,2,1795836799487,'DIALING_AGENT','','callbackd','attempt 1 rings PJSIP/104');
INSERT INTO callback_events VALUES(7,3,1795836809795,'PENDING','','callbackd','attempt 1: AGENT_NOANSWER, the agent''s phone rang out');
INSERT INTO callback_events VALUES(7,4,1795836814362,'WAITING','LIVE_CALLERS','callbackd','');
INSERT INTO callback_events VALUES(7,5,1795836816873,'PENDING','','callbackd','');
INSERT INTO callback_events VALUES(7,6,1795836820604,'RESERVED','','callbackd','attempt 2 with PJSIP/103');
INSERT INTO callback_events VALUES(7,7,1795836820619,'DIALING_AGENT','','callbackd','attempt 2 rings PJSIP/103');
INSERT INTO callback_events VALUES(7,8,1795836824318,'DIALING_CUSTOMER','','callbackd','');
INSERT INTO callback_events VALUES(7,9,1795836836621,'WAITING','RETRY_DELAY','callbackd','attempt 2: CUSTOMER_NOANSWER, the customer''s phone rang out');
INSERT INTO callback_events VALUES(7,10,1795836851622,'RESERVED','','callbackd','attempt 3 with PJSIP/103');
INSERT INTO callback_events VALUES(7,11,1795836851624,'DIALING_AGENT','','callbackd','attempt 3 rings PJSIP/103');
INSERT INTO callback_events VALUES(7,12,1795836854280,'DIALING_CUSTOMER','','callbackd','');
INSERT INTO callback_events VALUES(7,13,1795836857886,'TALKING','','callbackd','');
INSERT INTO callback_events VALUES(7,14,1795836866067,'DONE','','callbackd','attempt 3: CONNECTED');
INSERT INTO callback_events VALUES(8,0,1795836802365,'WAITING','DELAY','callbackd','missed (IVR_LOST)');
INSERT INTO callback_events VALUES(8,1,1795836804063,'PENDING','','callbackd','');
INSERT INTO callback_events VALUES(8,2,1795836805313,'WAITING','CUSTOMER_ON_LINE','callbackd','');
INSERT INTO callback_events VALUES(8,3,1795836813654,'RECOVERED_BY_CUSTOMER','','callbackd','he called again and was served');
INSERT INTO callback_events VALUES(9,0,1795836807881,'WAITING','DELAY','callbackd','missed (QUEUE_ABANDON)');
INSERT INTO callback_events VALUES(9,1,1795836809578,'PENDING','','callbackd','');
INSERT INTO callback_events VALUES(9,2,1795836809583,'WAITING','LIVE_CALLERS','callbackd','');
INSERT INTO callback_events VALUES(9,3,1795836809584,'PENDING','','callbackd','');
INSERT INTO callback_events VALUES(9,4,1795836814362,'WAITING','LIVE_CALLERS','callbackd','');
INSERT INTO callback_events VALUES(9,5,1795836816873,'RESERVED','','callbackd','attempt 1 with PJSIP/107');
INSERT INTO callback_events VALUES(9,6,1795836816875,'DIALING_AGENT','','callbackd','attempt 1 rings PJSIP/107');
INSERT INTO callback_events VALUES(9,7,1795836818440,'DIALING_CUSTOMER','','callbackd','');
INSERT INTO callback_events VALUES(9,8,1795836823104,'TALKING','','callbackd','');
INSERT INTO callback_events VALUES(9,9,1795836826731,'DONE','','callbackd','attempt 1: CONNECTED');
INSERT INTO callback_events VALUES(10,0,1795836809885,'WAITING','DELAY','callbackd','missed (QUEUE_ABANDON)');
INSERT INTO callback_events VALUES(10,1,1795836811541,'WAITING','CUSTOMER_ON_LINE','callbackd','');
INSERT INTO callback_events VALUES(10,2,1795836812178,'RECOVERED_BY_CUSTOMER','','callbackd','he called again and was served');
INSERT INTO callback_events VALUES(11,0,1795836811212,'WAITING','DELAY','callbackd','missed (QUEUE_ABANDON)');
INSERT INTO callback_events VALUES(11,1,1795836812910,'PENDING','','callbackd','');
INSERT INTO callback_events VALUES(11,2,1795836813878,'RESERVED','','callbackd','attempt 1 with PJSIP/101');
INSERT INTO callback_events VALUES(11,3,1795836813879,'DIALING_AGENT','','callbackd','attempt 1 rings PJSIP/101');
INSERT INTO callback_events VALUES(11,4,1795836824185,'PENDING','','callbackd','attempt 1: AGENT_NOANSWER, the agent''s phone rang out');
INSERT INTO callback_events VALUES(11,5,1795836824185,'RESERVED','','callbackd','attempt 2 with PJSIP/102');
INSERT INTO callback_events VALUES(11,6,1795836824195,'DIALING_AGENT','','callbackd','attempt 2 rings PJSIP/102');
INSERT INTO callback_events VALUES(11,7,1795836826633,'DIALING_CUSTOMER','','callbackd','');
INSERT INTO callback_events VALUES(11,8,1795836831592,'TALKING','','callbackd','');
INSERT INTO callback_events VALUES(11,9,1795836834955,'DONE','','callbackd','attempt 2: CONNECTED');
INSERT INTO callback_events VALUES(12,0,1795836814663,'WAITING','DELAY','callbackd','missed (QUEUE_ABANDON)');
INSERT INTO callback_events VALUES(12,1,1795836816362,'WAITING','LIVE_CALLERS','callbackd','');
INSERT INTO callback_events VALUES(12,2,1795836816873,'RESERVED','','callbackd','attempt 1 with PJSIP/108');
INSERT INTO callback_events VALUES(12,3,1795836816875,'DIALING_AGENT','','callbackd','attempt 1 rings PJSIP/108');
INSERT INTO callback_events VALUES(12,4,1795836818024,'PENDING','','callbackd','attempt 1: AGENT_REJECTED, the agent rejected');
INSERT INTO callback_events VALUES(12,5,1795836828896,'RESERVED','','callbackd','attempt 2 with PJSIP/107');
INSERT INTO callback_events VALUES(12,6,1795836828903,'DIALING_AGENT','','callbackd','attempt 2 rings PJSIP/107');
INSERT INTO callback_events VALUES(12,7,1795836830032,'DIALING_CUSTOMER','','callbackd','');
INSERT INTO callback_events VALUES(12,8,1795836831451,'TALKING','','callbackd','');
INSERT INTO callback_events VALUES(12,9,1795836837875,'DONE','','callbackd','attempt 2: CONNECTED');
INSERT INTO callback_events VALUES(13,0,1795836817174,'WAITING','DELAY','callbackd','missed (QUEUE_ABANDON)');
INSERT INTO callback_events VALUES(13,1,1795836818874,'PENDING','','callbackd','');
INSERT INTO callback_events VALUES(13,2,1795836837875,'RESERVED','','callbackd','attempt 1 with PJSIP/107');
INSERT INTO callback_events VALUES(13,3,1795836837879,'DIALING_AGENT','','callbackd','attempt 1 rings PJSIP/107');
INSERT INTO callback_events VALUES(13,4,1795836841724,'DIALING_CUSTOMER','','callbackd','');
INSERT INTO callback_events VALUES(13,5,1795836843615,'TALKING','','callbackd','');
INSERT INTO callback_events VALUES(13,6,1795836848262,'DONE','','callbackd','attempt 1: CONNECTED');
CREATE TABLE callback_attempts (
    callback_id          INTEGER NOT NULL REFERENCES callbacks (id) ON DELETE CASCADE, -- the callback
    n                    INTEGER NOT NULL, -- 1, 2, 3, ...
    pbx                  TEXT    NOT NULL, -- name of the PBX
    channel_id           TEXT    NOT NULL, -- cb-<callback>-<n>: uniqueid in Asterisk's CDR
    agent                TEXT,             -- the agent, as interface; NULL if the customer was called first, into the queue
    intended_ms          INTEGER NOT NULL, -- ms since 1970 UTC: committed to, before anything was dialled
    agent_answered_ms    INTEGER,          -- ms since 1970 UTC: the agent answered
    customer_answered_ms INTEGER,          -- ms since 1970 UTC: the customer answered
    ended_ms             INTEGER,          -- ms since 1970 UTC: over; NULL while it lasts
    talk_ms              INTEGER NOT NULL, -- ms that agent and customer talked
    result               TEXT,             -- how it ended: CONNECTED, CUSTOMER_BUSY, AGENT_NOANSWER, ...; NULL while it lasts
    detail               TEXT    NOT NULL, -- more, in plain words: what the network or Asterisk said
    linkedid             TEXT,             -- linkedid of the call's row
    PRIMARY KEY (callback_id, n),
    UNIQUE (pbx, channel_id)
) STRICT, WITHOUT ROWID;
INSERT INTO callback_attempts VALUES(1,1,'demo','cb-1-1','PJSIP/106',1795836772984,1795836776243,NULL,1795836776393,0,'CUSTOMER_BUSY','the customer''s line was busy, cause 17','cb-1-1');
INSERT INTO callback_attempts VALUES(1,2,'demo','cb-1-2','PJSIP/105',1795836786702,1795836790461,1795836792432,1795836800850,8418,'CONNECTED','','cb-1-2');
INSERT INTO callback_attempts VALUES(2,1,'demo','cb-2-1','PJSIP/107',1795836773687,1795836775967,NULL,1795836776117,0,'CUSTOMER_BUSY','the customer''s line was busy, cause 17','cb-2-1');
INSERT INTO callback_attempts VALUES(2,2,'demo','cb-2-2','PJSIP/108',1795836791267,1795836795046,1795836799057,1795836805243,6186,'CONNECTED','','cb-2-2');
INSERT INTO callback_attempts VALUES(4,1,'demo','cb-4-1','PJSIP/104',1795836785019,1795836788053,1795836791422,1795836797831,6409,'CONNECTED','','cb-4-1');
INSERT INTO callback_attempts VALUES(5,1,'demo','cb-5-1','PJSIP/106',1795836816873,NULL,NULL,1795836816882,0,'AGENT_BUSY','the agent''s phone cannot be reached','cb-5-1');
INSERT INTO callback_attempts VALUES(5,2,'demo','cb-5-2','PJSIP/106',1795836827221,1795836830569,1795836834977,1795836839049,4072,'CONNECTED','','cb-5-2');
INSERT INTO callback_attempts VALUES(6,1,'demo','cb-6-1','PJSIP/103',1795836797955,1795836800150,NULL,1795836812150,0,'CUSTOMER_NOANSWER','the customer''s phone rang out','cb-6-1');
INSERT INTO callback_attempts VALUES(6,2,'demo','cb-6-2','PJSIP/105',1795836827459,1795836828311,NULL,1795836840311,0,'CUSTOMER_NOANSWER','the customer''s phone rang out','cb-6-2');
INSERT INTO callback_attempts VALUES(6,3,'demo','cb-6-3','PJSIP/105',1795836855619,1795836857947,1795836862177,1795836865990,3813,'CONNECTED','','cb-6-3');
INSERT INTO callback_attempts VALUES(7,1,'demo','cb-7-1','PJSIP/104',1795836799484,NULL,NULL,1795836809488,0,'AGENT_NOANSWER','the agent''s phone rang out','cb-7-1');
INSERT INTO callback_attempts VALUES(7,2,'demo','cb-7-2','PJSIP/103',1795836820604,1795836824315,NULL,1795836836315,0,'CUSTOMER_NOANSWER','the customer''s phone rang out','cb-7-2');
INSERT INTO callback_attempts VALUES(7,3,'demo','cb-7-3','PJSIP/103',1795836851622,1795836854275,1795836857883,1795836865763,7880,'CONNECTED','','cb-7-3');
INSERT INTO callback_attempts VALUES(9,1,'demo','cb-9-1','PJSIP/107',1795836816873,1795836818437,1795836823098,1795836826427,3329,'CONNECTED','','cb-9-1');
INSERT INTO callback_attempts VALUES(11,1,'demo','cb-11-1','PJSIP/101',1795836813878,NULL,NULL,1795836823880,0,'AGENT_NOANSWER','the agent''s phone rang out','cb-11-1');
INSERT INTO callback_attempts VALUES(11,2,'demo','cb-11-2','PJSIP/102',1795836824185,1795836826630,1795836831587,1795836834650,3063,'CONNECTED','','cb-11-2');
INSERT INTO callback_attempts VALUES(12,1,'demo','cb-12-1','PJSIP/108',1795836816873,NULL,NULL,1795836817722,0,'AGENT_REJECTED','the agent rejected','cb-12-1');
INSERT INTO callback_attempts VALUES(12,2,'demo','cb-12-2','PJSIP/107',1795836828896,1795836830021,1795836831449,1795836837571,6122,'CONNECTED','','cb-12-2');
INSERT INTO callback_attempts VALUES(13,1,'demo','cb-13-1','PJSIP/107',1795836837875,1795836841720,1795836843613,1795836847959,4346,'CONNECTED','','cb-13-1');
CREATE TABLE do_not_call (
    number_e164 TEXT PRIMARY KEY,          -- who is not to be called
    reason      TEXT    NOT NULL,          -- why he is not to be called
    "by"        TEXT    NOT NULL,          -- who asked for it
    added_ms    INTEGER NOT NULL,          -- ms since 1970 UTC: since
    until_ms    INTEGER                    -- ms since 1970 UTC: until; NULL for ever
) STRICT, WITHOUT ROWID;
CREATE TABLE calls_in_progress (
    pbx         TEXT    NOT NULL,          -- name of the PBX in the configuration
    linkedid    TEXT    NOT NULL,          -- its row in calls will have the same
    number      TEXT,                      -- as in calls
    number_e164 TEXT,                      -- as in calls
    name        TEXT,                      -- as in calls
    did         TEXT,                      -- as in calls
    trunk       TEXT,                      -- as in calls
    queue       TEXT,                      -- the queue in which he waits, or was last; NULL if he was in none
    agent       TEXT,                      -- interface of the first person who talked with him (PJSIP/101); NULL if nobody did yet
    started_ms  INTEGER NOT NULL,          -- ms since 1970 UTC: first event of the call
    joined_ms   INTEGER,                   -- ms since 1970 UTC: he joined that queue; NULL if he was in none
    answered_ms INTEGER,                   -- ms since 1970 UTC: first bridge with a person; NULL if there was none yet
    PRIMARY KEY (pbx, linkedid)
) STRICT, WITHOUT ROWID;
CREATE INDEX calls_started ON calls (started_ms);
CREATE INDEX calls_status  ON calls (status, started_ms);
CREATE INDEX calls_queue   ON calls (queue, started_ms);
CREATE INDEX calls_agent   ON calls (agent, started_ms);
CREATE INDEX calls_number  ON calls (number_e164, started_ms);
CREATE INDEX legs_agent ON legs (agent, started_ms);
CREATE INDEX queue_visits_queue ON queue_visits (queue, joined_ms);
CREATE INDEX tags_code ON tags (code);
CREATE INDEX agent_intervals_open ON agent_intervals (pbx) WHERE to_ms IS NULL;
CREATE VIEW v_calls AS -- one line per call for people, newest first; times are local to whoever asks (TZ, else the machine's zone)
SELECT id,
       datetime(started_ms / 1000, 'unixepoch', 'localtime')      AS started,    -- local time, YYYY-MM-DD HH:MM:SS
       direction,                                                                -- inbound, outbound, internal, callback
       coalesce(number_e164, number)                              AS number,     -- the other party, E.164 where possible
       did,                                                                      -- the number that he dialled, or that we showed
       status,                                                                   -- what a manager counts
       outcome,                                                                  -- why
       queue,                                                                    -- the queue that connected him, else his last
       agent,                                                                    -- the first person who talked with him
       round(wait_ms / 1000.0, 1)                                 AS wait_s,     -- seconds until a person, or until the end
       round(talk_ms / 1000.0, 1)                                 AS talk_s,     -- seconds with a person
       hangup_by,                                                                -- who ended it
       (SELECT group_concat(value, '; ') FROM json_each(calls.why)) AS why,      -- the facts that decided, in plain words
       pbx,
       linkedid
  FROM calls
 ORDER BY started_ms DESC, id DESC
;
CREATE VIEW v_missed AS -- customers whom nobody served; SHORT_ABANDON, BLOCKED and UNKNOWN are not counted as missed: ask v_calls for them
SELECT *
  FROM v_calls
 WHERE direction = 'inbound'
   AND status NOT IN ('ANSWER', 'UNKNOWN')
   AND outcome NOT IN ('SHORT_ABANDON', 'BLOCKED')
;
CREATE VIEW v_today AS -- the calls that started today, local time
SELECT *
  FROM v_calls
 WHERE id IN (SELECT id
                FROM calls
               WHERE started_ms >= strftime('%s', 'now', 'localtime', 'start of day', 'utc') * 1000
                 AND started_ms <  strftime('%s', 'now', 'localtime', 'start of day', '+1 day', 'utc') * 1000)
;
CREATE INDEX calls_callback ON calls (callback_id) WHERE callback_id IS NOT NULL;
CREATE INDEX calls_talks ON calls (number_e164, ended_ms) WHERE agent IS NOT NULL AND talk_ms > 0;
CREATE UNIQUE INDEX callbacks_one_open ON callbacks (number_e164) WHERE closed_ms IS NULL;
CREATE INDEX callbacks_number ON callbacks (number_e164, first_missed_ms);
CREATE INDEX callbacks_closed ON callbacks (closed_ms);
CREATE INDEX callback_attempts_open ON callback_attempts (pbx) WHERE result IS NULL;
CREATE INDEX callback_attempts_time ON callback_attempts (intended_ms);
CREATE VIEW v_callbacks AS -- one line per callback for people: the open ones first, in the order of their turns; times are local
SELECT c.id,
       datetime(c.first_missed_ms / 1000, 'unixepoch', 'localtime') AS missed,       -- the first miss, YYYY-MM-DD HH:MM:SS
       c.number_e164                                                AS number,       -- the customer
       c.name,                                                                       -- as the network told it
       c.queue,                                                                      -- whose agents are asked
       c.state,                                                                      -- where it is
       c.reason,                                                                     -- why
       c.missed_count                                               AS misses,       -- missed calls behind it
       c.attempts,                                                                   -- attempts made
       (SELECT a.result FROM callback_attempts a WHERE a.callback_id = c.id ORDER BY a.n DESC LIMIT 1) AS last_result, -- of the latest
       (SELECT a.agent  FROM callback_attempts a WHERE a.callback_id = c.id ORDER BY a.n DESC LIMIT 1) AS last_agent,  -- of the latest
       datetime(c.due_ms / 1000, 'unixepoch', 'localtime')          AS due,          -- not before
       datetime(c.closed_ms / 1000, 'unixepoch', 'localtime')       AS closed,       -- empty while it is open
       c.pbx
  FROM callbacks c
 ORDER BY c.closed_ms IS NOT NULL, c.closed_ms DESC, c.promised DESC, c.priority DESC, c.first_missed_ms, c.id
;
COMMIT;
PRAGMA application_id = 1128418116;
PRAGMA user_version = 3;

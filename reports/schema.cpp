#include "reports/schema.h"

namespace reports {

// Times are virtual microseconds since the world began. `key` and `value` are TEXT where the bytes
// are plain UTF-8, else BLOB. Numbers `n` count from 1.
//
// The halves of a sum (>> 32, & 0xffffffff) keep it exact: SQLite's sum() over 64-bit values would
// stop with an overflow instead of convicting the key.
const char* const kSchema = R"sql(
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES('schema_version', '2');

CREATE TABLE run(
  run_id INTEGER PRIMARY KEY,
  scenario TEXT NOT NULL,
  seed NOT NULL,                      -- INTEGER, or decimal TEXT from 2^63 on
  kafka TEXT NOT NULL,
  token TEXT NOT NULL,
  started_at TEXT NOT NULL,
  virtual_us INTEGER NOT NULL,
  wall_us INTEGER NOT NULL,
  received TEXT NOT NULL,             -- exactly-once, at-least-once, at-most-once, none
  processed TEXT NOT NULL,
  output TEXT NOT NULL,
  lost INTEGER NOT NULL,              -- of the output
  duplicated INTEGER NOT NULL,
  phantom INTEGER NOT NULL,
  reordered INTEGER NOT NULL,
  wrong INTEGER NOT NULL,
  stalled INTEGER NOT NULL,
  trace_hash TEXT NOT NULL,
  passed INTEGER NOT NULL,
  aggregate TEXT NOT NULL,            -- none, count-by-key, sum-by-key, max-by-key
  received_lost INTEGER NOT NULL,
  received_duplicated INTEGER NOT NULL,
  processed_lost INTEGER NOT NULL,
  processed_duplicated INTEGER NOT NULL);

CREATE TABLE fault(
  run_id INTEGER NOT NULL,
  n INTEGER NOT NULL,
  kind TEXT NOT NULL,
  target TEXT NOT NULL,
  point TEXT NOT NULL,
  occurrence INTEGER NOT NULL,
  virtual_us INTEGER,                 -- NULL: it never fired
  PRIMARY KEY(run_id, n)) WITHOUT ROWID;

CREATE TABLE metric(
  run_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  value INTEGER NOT NULL,
  PRIMARY KEY(run_id, name)) WITHOUT ROWID;

CREATE TABLE input_record(
  run_id INTEGER NOT NULL,
  record_id INTEGER NOT NULL,
  topic TEXT NOT NULL,
  partition INTEGER NOT NULL,
  "offset" INTEGER NOT NULL,
  key,
  value,
  produced_us INTEGER NOT NULL,
  expected INTEGER NOT NULL,          -- rows that an exact pipeline makes of it
  PRIMARY KEY(run_id, record_id)) WITHOUT ROWID;
CREATE UNIQUE INDEX input_by_position ON input_record(run_id, partition, "offset");

CREATE TABLE output_record(
  run_id INTEGER NOT NULL,
  n INTEGER NOT NULL,                 -- place in the sink
  record_id INTEGER,                  -- NULL: an aggregate, or no input record is at its source
  sink TEXT NOT NULL,
  key,
  value,
  batch_us INTEGER NOT NULL,
  partition_id INTEGER NOT NULL,      -- of the task
  attempt INTEGER NOT NULL,
  process TEXT NOT NULL,
  incarnation INTEGER NOT NULL,
  written_us INTEGER NOT NULL,
  source_partition INTEGER NOT NULL,  -- -1: an aggregate
  source_offset INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,           -- which of the rows of its record
  amount INTEGER,                     -- of an aggregate: the value, if it is an integer
  PRIMARY KEY(run_id, n)) WITHOUT ROWID;
CREATE INDEX output_by_record ON output_record(run_id, record_id, ordinal, n)
  WHERE record_id IS NOT NULL;

CREATE TABLE event(
  run_id INTEGER NOT NULL,
  n INTEGER NOT NULL,
  virtual_us INTEGER NOT NULL,
  process TEXT NOT NULL,
  incarnation INTEGER NOT NULL,
  point TEXT NOT NULL,                -- a named point, or what happened
  batch_us INTEGER,
  detail TEXT NOT NULL,               -- JSON
  PRIMARY KEY(run_id, n)) WITHOUT ROWID;

CREATE TABLE batch_plan(
  run_id INTEGER NOT NULL,
  n INTEGER NOT NULL,
  range_n INTEGER NOT NULL,           -- 0: the plan of a batch without input
  batch_us INTEGER NOT NULL,
  driver_incarnation INTEGER NOT NULL,
  task INTEGER,
  block TEXT,                         -- stream/number; NULL: the task reads it from Kafka
  partition INTEGER,
  from_offset INTEGER,
  until_offset INTEGER,
  executed INTEGER NOT NULL,          -- some attempt of its task brought its output to an end
  completed INTEGER NOT NULL,
  PRIMARY KEY(run_id, n, range_n)) WITHOUT ROWID;

CREATE TABLE expected_aggregate(
  run_id INTEGER NOT NULL,
  key NOT NULL,
  value INTEGER NOT NULL,
  PRIMARY KEY(run_id, key)) WITHOUT ROWID;

-- One row per input record of which an expected output row is missing.
CREATE VIEW lost_record AS
SELECT i.run_id, i.record_id, i.topic, i.partition, i."offset", i.key, i.value, i.produced_us,
       i.expected, count(DISTINCT o.ordinal) AS found
FROM input_record AS i
JOIN run USING (run_id)
LEFT JOIN output_record AS o
  ON o.run_id = i.run_id AND o.record_id = i.record_id
  AND o.ordinal >= 0 AND o.ordinal < i.expected
WHERE run.aggregate = 'none'
GROUP BY i.run_id, i.record_id
HAVING count(DISTINCT o.ordinal) < i.expected;

-- One row per surplus output row: another of its ordinal came before, or none was expected.
CREATE VIEW duplicate_record AS
SELECT o.run_id, o.record_id, o.n, o.ordinal, i.topic, i.partition, i."offset", o.key, o.value,
       o.sink, o.batch_us, o.partition_id, o.attempt, o.process, o.incarnation, o.written_us,
       i.expected
FROM output_record AS o
JOIN run USING (run_id)
JOIN input_record AS i ON i.run_id = o.run_id AND i.record_id = o.record_id
WHERE run.aggregate = 'none'
  AND (o.ordinal < 0 OR o.ordinal >= i.expected OR EXISTS (
    SELECT 1 FROM output_record AS earlier
    WHERE earlier.run_id = o.run_id AND earlier.record_id = o.record_id
      AND earlier.ordinal = o.ordinal AND earlier.n < o.n));

-- One row per output row whose source is no input record.
CREATE VIEW phantom_record AS
SELECT o.run_id, o.n, o.sink, o.source_partition, o.source_offset, o.ordinal, o.key, o.value,
       o.batch_us, o.partition_id, o.attempt, o.process, o.incarnation, o.written_us
FROM output_record AS o
JOIN run USING (run_id)
WHERE run.aggregate = 'none' AND o.record_id IS NULL;

-- One row per record whose first output row comes after that of a later one of its partition.
CREATE VIEW reordered_record AS
SELECT run_id, record_id, n, topic, partition, "offset", key, value, latest_offset
FROM (
  SELECT i.run_id, i.record_id, f.n, i.topic, i.partition, i."offset", i.key, i.value,
         max(i."offset") OVER (
           PARTITION BY i.run_id, i.partition ORDER BY f.n
           ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS latest_offset
  FROM (
    SELECT run_id, record_id, min(n) AS n FROM output_record
    WHERE record_id IS NOT NULL
    GROUP BY run_id, record_id) AS f
  JOIN run ON run.run_id = f.run_id AND run.aggregate = 'none'
  JOIN input_record AS i ON i.run_id = f.run_id AND i.record_id = f.record_id)
WHERE "offset" < latest_offset;

-- One row per key, expected or found, whose rows do not fold to the expected value.
CREATE VIEW wrong_key AS
SELECT k.run_id, k.key, e.value AS expected, t.rows AS rows_found, t.greatest AS greatest_found,
       t.high AS sum_found_high, t.low AS sum_found_low
FROM (
  SELECT run_id, key FROM expected_aggregate
  UNION
  SELECT run_id, key FROM output_record) AS k
JOIN run ON run.run_id = k.run_id AND run.aggregate <> 'none'
LEFT JOIN expected_aggregate AS e ON e.run_id = k.run_id AND e.key = k.key
LEFT JOIN (
  SELECT run_id, key, count(*) AS rows, count(amount) AS integers, max(amount) AS greatest,
         sum(amount >> 32) + (sum(amount & 4294967295) >> 32) AS high,
         sum(amount & 4294967295) & 4294967295 AS low
  FROM output_record
  GROUP BY run_id, key) AS t ON t.run_id = k.run_id AND t.key = k.key
WHERE e.value IS NULL OR t.rows IS NULL OR t.integers < t.rows
  OR CASE run.aggregate
     WHEN 'max-by-key' THEN t.greatest <> e.value
     ELSE t.high <> e.value >> 32 OR t.low <> e.value & 4294967295
     END;

-- The ranges of all plans, and which of them count for a stage: of each part of a batch those of
-- the last plan that survived, and of the last that was executed. A part is a partition, or the
-- k-th range of a block. A range survives if it was executed, or if the last driver life that
-- planned anything made it.
CREATE VIEW planned_range AS
SELECT run_id, n, range_n, batch_us, task, block, partition, from_offset, until_offset, part,
       executed, survived,
       ifnull(survived AND n = max(iif(survived, n, NULL)) OVER same_part, 0) AS is_received,
       ifnull(executed AND n = max(iif(executed, n, NULL)) OVER same_part, 0) AS is_processed
FROM (
  SELECT *,
         executed OR driver_incarnation = max(driver_incarnation) OVER (PARTITION BY run_id)
           AS survived,
         iif(block IS NULL, partition,
             block || '#' || row_number() OVER (PARTITION BY run_id, n, block ORDER BY range_n))
           AS part
  FROM batch_plan)
WINDOW same_part AS (PARTITION BY run_id, batch_us, part);

-- How many parts of batches received each record: by the ranges that count. Once, if only others
-- hold it; but those of a block are gone unless they survived.
CREATE VIEW received_record AS
SELECT i.run_id, i.record_id, i.partition, i."offset",
       max(count(DISTINCT iif(p.is_received, p.batch_us || ' ' || p.part, NULL)), count(p.n) > 0)
         AS times
FROM input_record AS i
LEFT JOIN planned_range AS p
  ON p.run_id = i.run_id AND p.partition = i.partition
  AND (p.survived OR p.block IS NULL)
  AND i."offset" >= p.from_offset AND i."offset" < p.until_offset
GROUP BY i.run_id, i.record_id;

-- How many parts of batches processed each record: likewise, by executed ranges.
CREATE VIEW processed_record AS
SELECT i.run_id, i.record_id, i.partition, i."offset",
       max(count(DISTINCT iif(p.is_processed, p.batch_us || ' ' || p.part, NULL)), count(p.n) > 0)
         AS times
FROM input_record AS i
LEFT JOIN planned_range AS p
  ON p.run_id = i.run_id AND p.partition = i.partition AND p.executed
  AND i."offset" >= p.from_offset AND i."offset" < p.until_offset
GROUP BY i.run_id, i.record_id;

-- The verdict of every run, computed from its records and not from what the program wrote in `run`.
CREATE VIEW verdict AS
WITH
  lost AS (SELECT run_id, count(*) AS c FROM lost_record GROUP BY run_id),
  duplicate AS (SELECT run_id, count(*) AS c FROM duplicate_record GROUP BY run_id),
  phantom AS (SELECT run_id, count(*) AS c FROM phantom_record GROUP BY run_id),
  reordered AS (SELECT run_id, count(*) AS c FROM reordered_record GROUP BY run_id),
  wrong AS (SELECT run_id, count(*) AS c FROM wrong_key GROUP BY run_id),
  received AS (
    SELECT run_id, sum(times = 0) AS lost, sum(max(times - 1, 0)) AS surplus
    FROM received_record GROUP BY run_id),
  processed AS (
    SELECT run_id, sum(times = 0) AS lost, sum(max(times - 1, 0)) AS surplus
    FROM processed_record GROUP BY run_id),
  counted AS (
    SELECT run.run_id, run.scenario, run.kafka, run.token, run.stalled, run.passed,
           ifnull(lost.c, 0) AS lost, ifnull(duplicate.c, 0) AS duplicated,
           ifnull(phantom.c, 0) AS phantom, ifnull(reordered.c, 0) AS reordered,
           ifnull(wrong.c, 0) AS wrong,
           ifnull(received.lost, 0) AS received_lost,
           ifnull(received.surplus, 0) AS received_duplicated,
           ifnull(processed.lost, 0) AS processed_lost,
           ifnull(processed.surplus, 0) AS processed_duplicated
    FROM run
    LEFT JOIN lost ON lost.run_id = run.run_id
    LEFT JOIN duplicate ON duplicate.run_id = run.run_id
    LEFT JOIN phantom ON phantom.run_id = run.run_id
    LEFT JOIN reordered ON reordered.run_id = run.run_id
    LEFT JOIN wrong ON wrong.run_id = run.run_id
    LEFT JOIN received ON received.run_id = run.run_id
    LEFT JOIN processed ON processed.run_id = run.run_id)
SELECT run_id, scenario, kafka, token,
       CASE WHEN received_lost = 0 AND received_duplicated = 0 THEN 'exactly-once'
            WHEN received_lost = 0 THEN 'at-least-once'
            WHEN received_duplicated = 0 THEN 'at-most-once'
            ELSE 'none' END AS received,
       CASE WHEN processed_lost = 0 AND processed_duplicated = 0 THEN 'exactly-once'
            WHEN processed_lost = 0 THEN 'at-least-once'
            WHEN processed_duplicated = 0 THEN 'at-most-once'
            ELSE 'none' END AS processed,
       CASE WHEN phantom > 0 OR wrong > 0 THEN 'none'
            WHEN lost = 0 AND duplicated = 0 THEN 'exactly-once'
            WHEN lost = 0 THEN 'at-least-once'
            WHEN duplicated = 0 THEN 'at-most-once'
            ELSE 'none' END AS output,
       lost, duplicated, phantom, reordered, wrong, stalled, passed,
       received_lost, received_duplicated, processed_lost, processed_duplicated
FROM counted;
)sql";

const char* const kCloseSchema = R"sql(
CREATE TABLE IF NOT EXISTS run_text(
  run_id INTEGER NOT NULL,
  name TEXT NOT NULL,                 -- description, pipeline, expected, reason, fault, story, ...
  n INTEGER NOT NULL,                 -- among those of the name
  text TEXT NOT NULL,
  PRIMARY KEY(run_id, name, n)) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS message(
  run_id INTEGER NOT NULL,
  n INTEGER NOT NULL,
  kind TEXT NOT NULL,                 -- disconnected: the sender is dead
  sender TEXT NOT NULL,
  sender_incarnation INTEGER NOT NULL,
  receiver TEXT NOT NULL,
  receiver_incarnation INTEGER NOT NULL,
  sent_us INTEGER NOT NULL,
  ended_us INTEGER,                   -- NULL: under way when the run ended
  fate TEXT NOT NULL,                 -- arrived, lost, cut, nobody, under-way
  again INTEGER NOT NULL,             -- the second copy of one message
  batch_us INTEGER,
  task INTEGER,
  attempt INTEGER,
  block TEXT,                         -- stream/number
  ranges TEXT,                        -- of the block: [[partition, from, until], ...]
  error TEXT,
  PRIMARY KEY(run_id, n)) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS memory(
  run_id INTEGER NOT NULL,
  n INTEGER NOT NULL,
  virtual_us INTEGER NOT NULL,
  process TEXT NOT NULL,
  incarnation INTEGER NOT NULL,
  task_bytes INTEGER NOT NULL,        -- input of running tasks
  block_bytes INTEGER NOT NULL,       -- blocks and replicas
  PRIMARY KEY(run_id, n)) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS receiver_position(
  run_id INTEGER NOT NULL,
  n INTEGER NOT NULL,
  virtual_us INTEGER NOT NULL,
  process TEXT NOT NULL,
  incarnation INTEGER NOT NULL,
  partition INTEGER NOT NULL,
  until_offset INTEGER NOT NULL,      -- everything before it was fetched
  PRIMARY KEY(run_id, n)) WITHOUT ROWID;
)sql";

// A cell that is explored again takes the place of what it was.
const char* const kMatrixSchema = R"sql(
CREATE TABLE IF NOT EXISTS matrix_cell(
  protocol TEXT NOT NULL,             -- faithful, hardened
  source TEXT NOT NULL,
  reliable INTEGER NOT NULL,
  wal INTEGER NOT NULL,
  checkpoint INTEGER NOT NULL,
  offsets TEXT NOT NULL,
  sink TEXT NOT NULL,
  crash TEXT NOT NULL,
  received TEXT NOT NULL,             -- weakest guarantee of any schedule
  output TEXT NOT NULL,
  schedules INTEGER NOT NULL,
  pruned INTEGER NOT NULL,
  of INTEGER NOT NULL,
  depth INTEGER NOT NULL,
  lost TEXT NOT NULL,                 -- token of the shortest schedule, or empty
  duplicated TEXT NOT NULL,
  wrong TEXT NOT NULL,
  stalled TEXT NOT NULL,
  n INTEGER NOT NULL,                 -- place in the table
  PRIMARY KEY(protocol, source, reliable, wal, checkpoint, offsets, sink, crash)) WITHOUT ROWID;
)sql";

// A campaign is a search of one scenario in parts, which are counted from 0 and may be missing. Its
// other columns say what the parts were computed from.
const char* const kCampaignSchema = R"sql(
CREATE TABLE IF NOT EXISTS campaign(
  campaign_id INTEGER PRIMARY KEY,
  scenario TEXT NOT NULL,
  scenario_hash TEXT NOT NULL,
  seed TEXT NOT NULL,
  kafka TEXT NOT NULL,
  strategy TEXT NOT NULL,
  depth INTEGER NOT NULL,
  drawn INTEGER NOT NULL,             -- schedules, of a strategy that draws them
  trace_hash TEXT NOT NULL,           -- of the run that the search begins with
  parts INTEGER NOT NULL,             -- that there are
  UNIQUE(
    scenario, scenario_hash, seed, kafka, strategy, depth, drawn, trace_hash, parts));

CREATE TABLE IF NOT EXISTS campaign_part(
  campaign_id INTEGER NOT NULL,
  part INTEGER NOT NULL,
  schedules INTEGER NOT NULL,         -- run and judged
  of INTEGER NOT NULL,                -- that the part has
  of_is_whole INTEGER NOT NULL,       -- 0: there are more than were counted
  nobody_to_hit INTEGER NOT NULL,     -- not run: the verdict is that of another schedule
  nothing_unsynced INTEGER NOT NULL,
  same_by_rule INTEGER NOT NULL,
  same_by_hash INTEGER NOT NULL,
  received TEXT NOT NULL,             -- weakest guarantee found
  processed TEXT NOT NULL,
  output TEXT NOT NULL,
  explored TEXT NOT NULL,             -- hash of schedules and verdicts; those of parts are added up
  PRIMARY KEY(campaign_id, part)) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS campaign_finding(
  campaign_id INTEGER NOT NULL,
  part INTEGER NOT NULL,
  kind TEXT NOT NULL,
  worst INTEGER NOT NULL,             -- highest count of any schedule
  count INTEGER NOT NULL,             -- in the witness, the shortest schedule that shows it
  faults INTEGER NOT NULL,            -- of the witness
  ended_us INTEGER NOT NULL,
  token TEXT NOT NULL,
  PRIMARY KEY(campaign_id, part, kind)) WITHOUT ROWID;

-- How far each campaign is.
CREATE VIEW IF NOT EXISTS campaign_progress AS
SELECT c.campaign_id, c.scenario, c.kafka, c.strategy, c.depth,
       count(p.part) AS parts_done, c.parts,
       ifnull(sum(p.schedules), 0) AS schedules, ifnull(sum(p.of), 0) AS of
FROM campaign AS c LEFT JOIN campaign_part AS p USING (campaign_id)
GROUP BY c.campaign_id;

-- The shortest witness of each finding: the fewest faults, of these the one that ends first.
CREATE VIEW IF NOT EXISTS campaign_witness AS
SELECT campaign_id, scenario, kind, worst, count, faults, ended_us, token
FROM (
  SELECT f.campaign_id, c.scenario, f.kind, f.count, f.faults, f.ended_us, f.token,
         max(f.worst) OVER (PARTITION BY f.campaign_id, f.kind) AS worst,
         row_number() OVER (
           PARTITION BY f.campaign_id, f.kind ORDER BY f.faults, f.ended_us, f.part) AS place
  FROM campaign_finding AS f JOIN campaign AS c USING (campaign_id))
WHERE place = 1;
)sql";

}  // namespace reports

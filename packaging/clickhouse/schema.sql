-- Tables for the rows of edgeprobe: one node, a current ClickHouse. For a
-- cluster, for ClickHouse 18.16 and for another retention: ./ddl --help.
--
-- An absent key is NULL where 0 would be a value, else 0 or ''. `time` is not
-- stored: it is `ts_us`. No column is stored sparse, because a block in which
-- some are is not known again as the one that came before without.

CREATE DATABASE IF NOT EXISTS edgeprobe;

-- Every row, whatever its type. The key makes one of those that came twice, at
-- the next merge or with FINAL.
CREATE TABLE IF NOT EXISTS edgeprobe.rows
(
    type LowCardinality(String),
    ts_us UInt64 CODEC(DoubleDelta, ZSTD),
    time DateTime64(6, 'UTC') ALIAS fromUnixTimestamp64Micro(toInt64(ts_us), 'UTC'),
    agent LowCardinality(String),
    epoch LowCardinality(String),
    seq UInt64 CODEC(DoubleDelta, ZSTD),
    site LowCardinality(String),
    country LowCardinality(String),
    metro LowCardinality(String),
    circuit LowCardinality(String),
    provider LowCardinality(String),
    prefix LowCardinality(String),
    target LowCardinality(String),
    probe LowCardinality(String),
    host LowCardinality(String),
    address LowCardinality(String),
    port UInt16,
    family UInt8,
    outcome LowCardinality(String),
    reason LowCardinality(String),
    rtt_us Nullable(Float64) CODEC(ZSTD),
    dns_us Nullable(Float64) CODEC(ZSTD),
    connect_us Nullable(Float64) CODEC(ZSTD),
    tls_us Nullable(Float64) CODEC(ZSTD),
    first_byte_us Nullable(Float64) CODEC(ZSTD),
    total_us Nullable(Float64) CODEC(ZSTD),
    srtt_us Nullable(Float64) CODEC(ZSTD),
    min_rtt_us Nullable(Float64) CODEC(ZSTD),
    http_status UInt16,
    http_version LowCardinality(String),
    pop LowCardinality(String),
    pop_source LowCardinality(String),
    pop_ref String CODEC(ZSTD),
    tls_issuer LowCardinality(String),
    tls_days_left Nullable(Int32),
    tls_first_byte_us Nullable(Float64) CODEC(ZSTD),
    edge_cache LowCardinality(String),
    egress_address LowCardinality(String),
    egress_port UInt16,
    ttl Nullable(UInt8),
    retransmits Nullable(UInt8),
    stamp LowCardinality(String),
    slip_us Float32 CODEC(ZSTD),
    uncertainty_us Float32 CODEC(ZSTD),
    flags LowCardinality(String),
    missed UInt32,
    of UInt64,
    first UInt64,
    last UInt64,
    version LowCardinality(String),
    step_us Float64,
    suspended_us Float64,
    event LowCardinality(String),
    level LowCardinality(String),
    state LowCardinality(String),
    since_us UInt64,
    baseline_us Nullable(Float64),
    loss_percent Nullable(Float64),
    share Nullable(Float64),
    from_pop LowCardinality(String),
    to_pop LowCardinality(String),
    nearest_pop LowCardinality(String),
    expected LowCardinality(String),
    evidence String,
    part LowCardinality(String),
    destination LowCardinality(String),
    period_us Float64,
    cpu_us Float64,
    cpu_wait_us Float64,
    lag_max_us Float64,
    slip_max_us Float64,
    local_drops UInt64,
    ring_max UInt64,
    commit_max_us Float64,
    rss_bytes UInt64,
    store_bytes UInt64,
    backlog_rows UInt64,
    backlog_age_us Float64,
    troubled UInt8,
    disk_full UInt8,
    evicted UInt64,
    latitude Nullable(Float64),
    longitude Nullable(Float64),
    expected_pops LowCardinality(String),
    connection LowCardinality(String),
    primary_location LowCardinality(String),
    backup_location LowCardinality(String),
    egress_place LowCardinality(String),
    egress_km Nullable(Float64),
    egress_asn UInt32,
    egress_provider LowCardinality(String),
    resolver_address LowCardinality(String),
    resolver_place LowCardinality(String),
    resolver_km Nullable(Float64),
    bytes UInt64,
    failure String
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(toUInt16(intDiv(ts_us, 86400000000)))
ORDER BY (agent, epoch, seq)
TTL toDateTime(toUInt32(intDiv(ts_us, 1000000))) + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, ratio_of_defaults_for_sparse_serialization = 1;

-- Samples added up, by series and minute. A histogram has 64 steps to each
-- doubling: in step b lie round trips from pow(2, b / 64) ns on. `content` tells
-- what was added up from other rows with the same figures, for `drift` and for
-- a server that knows repeated blocks by what is in them.
CREATE TABLE IF NOT EXISTS edgeprobe.minutes
(
    minute DateTime('UTC'),
    agent LowCardinality(String),
    site LowCardinality(String),
    country LowCardinality(String),
    metro LowCardinality(String),
    circuit LowCardinality(String),
    provider LowCardinality(String),
    prefix LowCardinality(String),
    target LowCardinality(String),
    probe LowCardinality(String),
    kept UInt8,
    pop LowCardinality(String),
    host LowCardinality(String),
    reason LowCardinality(String),
    sent AggregateFunction(sum, UInt64),
    answered AggregateFunction(sum, UInt64),
    lost AggregateFunction(sum, UInt64),
    failed AggregateFunction(sum, UInt64),
    missed AggregateFunction(sum, UInt64),
    late AggregateFunction(sum, UInt64),
    content AggregateFunction(sum, UInt64),
    rtt_min AggregateFunction(min, Float64),
    rtt_max AggregateFunction(max, Float64),
    rtt_sum AggregateFunction(sum, Float64),
    rtt_squares AggregateFunction(sum, Float64),
    rtt AggregateFunction(sumMap, Array(UInt16), Array(UInt64)),
    dns AggregateFunction(sumMap, Array(UInt16), Array(UInt64)),
    connect AggregateFunction(sumMap, Array(UInt16), Array(UInt64)),
    tls AggregateFunction(sumMap, Array(UInt16), Array(UInt64)),
    first_byte AggregateFunction(sumMap, Array(UInt16), Array(UInt64)),
    total AggregateFunction(sumMap, Array(UInt16), Array(UInt64)),
    srtt AggregateFunction(sumMap, Array(UInt16), Array(UInt64))
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(minute, 'UTC')
ORDER BY (target, probe, kept, pop, agent, site, country, metro, circuit, provider, prefix, minute, host, reason)
TTL minute + INTERVAL 400 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, ratio_of_defaults_for_sparse_serialization = 1;

CREATE TABLE IF NOT EXISTS edgeprobe.hours
(
    hour DateTime('UTC'),
    agent LowCardinality(String),
    site LowCardinality(String),
    country LowCardinality(String),
    metro LowCardinality(String),
    circuit LowCardinality(String),
    provider LowCardinality(String),
    prefix LowCardinality(String),
    target LowCardinality(String),
    probe LowCardinality(String),
    kept UInt8,
    pop LowCardinality(String),
    host LowCardinality(String),
    reason LowCardinality(String),
    sent AggregateFunction(sum, UInt64),
    answered AggregateFunction(sum, UInt64),
    lost AggregateFunction(sum, UInt64),
    failed AggregateFunction(sum, UInt64),
    missed AggregateFunction(sum, UInt64),
    late AggregateFunction(sum, UInt64),
    content AggregateFunction(sum, UInt64),
    rtt_min AggregateFunction(min, Float64),
    rtt_max AggregateFunction(max, Float64),
    rtt_sum AggregateFunction(sum, Float64),
    rtt_squares AggregateFunction(sum, Float64),
    rtt AggregateFunction(sumMap, Array(UInt16), Array(UInt64)),
    dns AggregateFunction(sumMap, Array(UInt16), Array(UInt64)),
    connect AggregateFunction(sumMap, Array(UInt16), Array(UInt64)),
    tls AggregateFunction(sumMap, Array(UInt16), Array(UInt64)),
    first_byte AggregateFunction(sumMap, Array(UInt16), Array(UInt64)),
    total AggregateFunction(sumMap, Array(UInt16), Array(UInt64)),
    srtt AggregateFunction(sumMap, Array(UInt16), Array(UInt64))
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(hour, 'UTC')
ORDER BY (target, probe, kept, pop, agent, site, country, metro, circuit, provider, prefix, hour, host, reason)
SETTINGS non_replicated_deduplication_window = 10000, ratio_of_defaults_for_sparse_serialization = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS edgeprobe.to_minutes TO edgeprobe.minutes AS
SELECT
    toDateTime(toUInt32(intDiv(ts_us, 60000000) * 60), 'UTC') AS minute,
    agent, site, country, metro, circuit, provider, prefix, target, probe,
    toUInt8(position(flags, 'kept_connection') > 0) AS kept,
    pop, host, reason,
    sumState(toUInt64(type = 'sample' AND reason != 'missed')) AS sent,
    sumState(toUInt64(outcome IN ('replied', 'refused'))) AS answered,
    sumState(toUInt64(outcome = 'lost')) AS lost,
    sumState(toUInt64(outcome = 'failed' AND reason != 'missed')) AS failed,
    sumState(toUInt64(edgeprobe.rows.missed)) AS missed,
    sumState(toUInt64(type = 'late' AND position(flags, 'duplicate') = 0)) AS late,
    sumState(if(type = 'sample', cityHash64(agent, epoch, seq), toUInt64(0))) AS content,
    minState(if(type = 'sample' AND position(flags, 'loaded') = 0, ifNull(rtt_us, inf), inf)) AS rtt_min,
    maxState(if(type = 'sample' AND position(flags, 'loaded') = 0, ifNull(rtt_us, 0.), 0.)) AS rtt_max,
    sumState(if(type = 'sample' AND position(flags, 'loaded') = 0, ifNull(rtt_us, 0.), 0.)) AS rtt_sum,
    sumState(if(type = 'sample' AND position(flags, 'loaded') = 0, ifNull(rtt_us * rtt_us, 0.), 0.)) AS rtt_squares,
    sumMapState(if(isNull(rtt_us) OR type != 'sample' OR position(flags, 'loaded') > 0, emptyArrayUInt16(), [toUInt16(log2(greatest(assumeNotNull(rtt_us) * 1000, 1.)) * 64)]), if(isNull(rtt_us) OR type != 'sample' OR position(flags, 'loaded') > 0, emptyArrayUInt64(), [toUInt64(1)])) AS rtt,
    sumMapState(if(isNull(dns_us), emptyArrayUInt16(), [toUInt16(log2(greatest(assumeNotNull(dns_us) * 1000, 1.)) * 64)]), if(isNull(dns_us), emptyArrayUInt64(), [toUInt64(1)])) AS dns,
    sumMapState(if(isNull(connect_us), emptyArrayUInt16(), [toUInt16(log2(greatest(assumeNotNull(connect_us) * 1000, 1.)) * 64)]), if(isNull(connect_us), emptyArrayUInt64(), [toUInt64(1)])) AS connect,
    sumMapState(if(isNull(tls_us), emptyArrayUInt16(), [toUInt16(log2(greatest(assumeNotNull(tls_us) * 1000, 1.)) * 64)]), if(isNull(tls_us), emptyArrayUInt64(), [toUInt64(1)])) AS tls,
    sumMapState(if(isNull(first_byte_us), emptyArrayUInt16(), [toUInt16(log2(greatest(assumeNotNull(first_byte_us) * 1000, 1.)) * 64)]), if(isNull(first_byte_us), emptyArrayUInt64(), [toUInt64(1)])) AS first_byte,
    sumMapState(if(isNull(total_us), emptyArrayUInt16(), [toUInt16(log2(greatest(assumeNotNull(total_us) * 1000, 1.)) * 64)]), if(isNull(total_us), emptyArrayUInt64(), [toUInt64(1)])) AS total,
    sumMapState(if(isNull(srtt_us), emptyArrayUInt16(), [toUInt16(log2(greatest(assumeNotNull(srtt_us) * 1000, 1.)) * 64)]), if(isNull(srtt_us), emptyArrayUInt64(), [toUInt64(1)])) AS srtt
FROM edgeprobe.rows
WHERE type IN ('sample', 'late')
GROUP BY minute, agent, site, country, metro, circuit, provider, prefix, target, probe, kept, pop, host, reason;

CREATE MATERIALIZED VIEW IF NOT EXISTS edgeprobe.to_hours TO edgeprobe.hours AS
SELECT
    toDateTime(intDiv(toUInt32(minute), 3600) * 3600, 'UTC') AS hour,
    agent, site, country, metro, circuit, provider, prefix, target, probe, kept, pop, host, reason,
    sumMergeState(sent) AS sent,
    sumMergeState(answered) AS answered,
    sumMergeState(lost) AS lost,
    sumMergeState(failed) AS failed,
    sumMergeState(missed) AS missed,
    sumMergeState(late) AS late,
    sumMergeState(content) AS content,
    minMergeState(rtt_min) AS rtt_min,
    maxMergeState(rtt_max) AS rtt_max,
    sumMergeState(rtt_sum) AS rtt_sum,
    sumMergeState(rtt_squares) AS rtt_squares,
    sumMapMergeState(rtt) AS rtt,
    sumMapMergeState(dns) AS dns,
    sumMapMergeState(connect) AS connect,
    sumMapMergeState(tls) AS tls,
    sumMapMergeState(first_byte) AS first_byte,
    sumMapMergeState(total) AS total,
    sumMapMergeState(srtt) AS srtt
FROM edgeprobe.minutes
GROUP BY hour, agent, site, country, metro, circuit, provider, prefix, target, probe, kept, pop, host, reason;

-- What agents say of their site (part `site`) and circuits (part `circuit`): the
-- newest of each. Reports know from here where a site is and what is registered.
CREATE TABLE IF NOT EXISTS edgeprobe.facts
(
    agent LowCardinality(String),
    part LowCardinality(String),
    circuit LowCardinality(String),
    ts_us UInt64,
    site LowCardinality(String),
    country LowCardinality(String),
    metro LowCardinality(String),
    provider LowCardinality(String),
    prefix LowCardinality(String),
    latitude Nullable(Float64),
    longitude Nullable(Float64),
    expected_pops LowCardinality(String),
    connection LowCardinality(String),
    primary_location LowCardinality(String),
    backup_location LowCardinality(String),
    egress_address LowCardinality(String),
    egress_place LowCardinality(String),
    egress_km Nullable(Float64),
    egress_asn UInt32,
    egress_provider LowCardinality(String),
    resolver_address LowCardinality(String),
    resolver_place LowCardinality(String),
    resolver_km Nullable(Float64)
)
ENGINE = ReplacingMergeTree(ts_us)
ORDER BY (agent, part, circuit);

CREATE MATERIALIZED VIEW IF NOT EXISTS edgeprobe.to_facts TO edgeprobe.facts AS
SELECT
    agent, part, circuit, ts_us,
    site, country, metro, provider, prefix, latitude, longitude, expected_pops, connection, primary_location, backup_location, egress_address, egress_place, egress_km, egress_asn, egress_provider, resolver_address, resolver_place, resolver_km
FROM edgeprobe.rows
WHERE type = 'self' AND part IN ('site', 'circuit');

-- What happened: rows of type `event`, `boot` and `gap`, of which there are few,
-- where a report finds them soon.
CREATE TABLE IF NOT EXISTS edgeprobe.events
(
    type LowCardinality(String),
    ts_us UInt64,
    agent LowCardinality(String),
    epoch LowCardinality(String),
    seq UInt64,
    event LowCardinality(String),
    level LowCardinality(String),
    state LowCardinality(String),
    target LowCardinality(String),
    probe LowCardinality(String),
    circuit LowCardinality(String),
    host LowCardinality(String),
    reason LowCardinality(String),
    version LowCardinality(String),
    from_pop LowCardinality(String),
    to_pop LowCardinality(String),
    nearest_pop LowCardinality(String),
    expected LowCardinality(String),
    evidence String,
    rtt_us Nullable(Float64),
    baseline_us Nullable(Float64),
    loss_percent Nullable(Float64),
    share Nullable(Float64),
    since_us UInt64,
    first UInt64,
    last UInt64
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(toDate(toUInt16(intDiv(ts_us, 86400000000))))
ORDER BY (agent, epoch, seq);

CREATE MATERIALIZED VIEW IF NOT EXISTS edgeprobe.to_events TO edgeprobe.events AS
SELECT
    type, ts_us, agent, epoch, seq,
    event, level, state, target, probe, circuit, host, reason, version, from_pop, to_pop,
    nearest_pop, expected, evidence,
    rtt_us, baseline_us, loss_percent, share, since_us, first, last
FROM edgeprobe.rows
WHERE type IN ('event', 'boot', 'gap');

-- Numbers of each agent and epoch, for `audit` and `missing`. Those that are there
-- make runs, 64 numbers a word; those that were declared make runs, too, and runs
-- may overlap, or come twice. With the firsts in order and the lasts in order, a
-- hole is where the n-th last comes before the first after it: so a number that
-- is there and declared counts once.
-- The first is the lowest that is there or declared. Where that is not 1,
-- retention may have dropped days, and the first hour of the oldest day is not
-- counted: rows of both sides of midnight have their numbers in the order they
-- ended in. `cuts` are days and, below 0, the last number of their first hour.
-- (first_seq is handed to lambdas as an array: 18.16 forgets what they borrow.)
CREATE VIEW IF NOT EXISTS edgeprobe.numbers AS
SELECT
    agent,
    epoch,
    if(least_seq = 1, 1, greatest(arrayElement(firsts, 1), if(tupleElement(arrayElement(cuts, 1), 1) = day, toUInt64(1 - tupleElement(arrayElement(cuts, 1), 2)), 0))) AS first_seq,
    arrayElement(lasts, length(lasts)) AS last_seq,
    arraySum(arrayMap((a, b, f) -> greatest(b + 1, f) - greatest(a, f), row_firsts, row_lasts, arrayResize([first_seq], length(row_firsts), first_seq))) AS present,
    arrayFilter(h -> tupleElement(h, 1) <= tupleElement(h, 2), arrayMap((b, a, f) -> (greatest(b + 1, f), a - 1), arrayPopBack(lasts), arrayPopFront(firsts), arrayResize([first_seq], length(firsts) - 1, first_seq))) AS holes,
    copies,
    newest_us
FROM
(
    SELECT
        agent,
        epoch,
        groupArrayArray(word_firsts) AS row_firsts,
        groupArrayArray(word_lasts) AS row_lasts,
        groupUniqArrayArray(word_gaps) AS gaps,
        arraySort(arrayConcat(row_firsts, arrayMap(g -> tupleElement(g, 1), gaps))) AS firsts,
        arraySort(arrayConcat(row_lasts, arrayMap(g -> tupleElement(g, 2), gaps))) AS lasts,
        min(word_least) AS least_seq,
        intDiv(min(word_oldest_us), 86400000000) AS day,
        arraySort(groupArrayIf((word_day, -toInt64(word_cut)), word_cut > 0)) AS cuts,
        sum(word_copies) AS copies,
        max(word_newest_us) AS newest_us
    FROM
    (
        SELECT
            agent,
            epoch,
            bitmaskToArray(bitAnd(there, bitNot(bitShiftLeft(there, 1)))) AS first_bits,
            bitmaskToArray(bitAnd(there, bitNot(bitShiftRight(there, 1)))) AS last_bits,
            arrayMap((bit, base) -> base + toUInt64(log2(bit)), first_bits, arrayResize([word * 64], length(first_bits), word * 64)) AS word_firsts,
            arrayMap((bit, base) -> base + toUInt64(log2(bit)), last_bits, arrayResize([word * 64], length(last_bits), word * 64)) AS word_lasts,
            word_gaps, word_least, word_day, word_cut, word_copies, word_oldest_us, word_newest_us
        FROM
        (
            SELECT
                agent,
                epoch,
                intDiv(seq, 64) AS word,
                groupBitOr(bitShiftLeft(toUInt64(1), bitAnd(seq, 63))) AS there,
                groupUniqArrayIf((first, last), type = 'gap' AND first > 0 AND first <= last) AS word_gaps,
                min(seq) AS word_least,
                minIf(intDiv(ts_us, 86400000000), ts_us % 86400000000 < 3600000000) AS word_day,
                maxIf(seq, ts_us % 86400000000 < 3600000000) AS word_cut,
                count() AS word_copies,
                min(ts_us) AS word_oldest_us,
                max(ts_us) AS word_newest_us
            FROM edgeprobe.rows
            GROUP BY agent, epoch, word
        )
    )
    GROUP BY agent, epoch
);

-- Is anything missing? From the first to the last, each number is there, or
-- declared (`declared` are those that are not there as well), or missing.
CREATE VIEW IF NOT EXISTS edgeprobe.audit AS
SELECT
    agent,
    epoch,
    first_seq,
    last_seq,
    present,
    last_seq - first_seq + 1 - present - missing AS declared,
    arraySum(arrayMap(h -> tupleElement(h, 2) - tupleElement(h, 1) + 1, holes)) AS missing,
    copies,
    toDateTime(toUInt32(intDiv(newest_us, 1000000)), 'UTC') AS newest
FROM edgeprobe.numbers;

-- Which numbers are missing.
CREATE VIEW IF NOT EXISTS edgeprobe.missing AS
SELECT
    agent,
    epoch,
    tupleElement(hole, 1) AS first_seq,
    tupleElement(hole, 2) AS last_seq
FROM
(
    SELECT agent, epoch, arrayJoin(holes) AS hole
    FROM edgeprobe.numbers
);

-- Days of which the roll-ups and the rows say something else, as they do when
-- a batch came twice and was not recognised: see ddl --rebuild.
CREATE VIEW IF NOT EXISTS edgeprobe.drift AS
SELECT
    day,
    sum(n * (source = 'rows')) AS in_rows,
    sum(n * (source = 'minutes')) AS in_minutes,
    sum(n * (source = 'hours')) AS in_hours
FROM
(
    SELECT 'rows' AS source, toDate(toUInt16(intDiv(ts_us, 86400000000))) AS day, countIf(reason != 'missed') AS n, sum(cityHash64(agent, epoch, seq)) AS sum_of_all
    FROM edgeprobe.rows FINAL WHERE type = 'sample' GROUP BY day
    UNION ALL
    SELECT 'minutes' AS source, toDate(minute, 'UTC') AS day, sumMerge(sent) AS n, sumMerge(content) AS sum_of_all
    FROM edgeprobe.minutes GROUP BY day
    UNION ALL
    SELECT 'hours' AS source, toDate(hour, 'UTC') AS day, sumMerge(sent) AS n, sumMerge(content) AS sum_of_all
    FROM edgeprobe.hours GROUP BY day
)
GROUP BY day
HAVING in_minutes != in_rows OR in_hours != in_rows OR uniqExact(sum_of_all) > 1;

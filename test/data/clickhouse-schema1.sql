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
    evicted UInt64
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
    sent AggregateFunction(sum, UInt64),
    answered AggregateFunction(sum, UInt64),
    lost AggregateFunction(sum, UInt64),
    failed AggregateFunction(sum, UInt64),
    missed AggregateFunction(sum, UInt64),
    content AggregateFunction(sum, UInt64),
    rtt_min AggregateFunction(min, Float64),
    rtt_max AggregateFunction(max, Float64),
    rtt_sum AggregateFunction(sum, Float64),
    rtt AggregateFunction(sumMap, Array(UInt16), Array(UInt64)),
    dns AggregateFunction(sumMap, Array(UInt16), Array(UInt64)),
    connect AggregateFunction(sumMap, Array(UInt16), Array(UInt64)),
    tls AggregateFunction(sumMap, Array(UInt16), Array(UInt64)),
    first_byte AggregateFunction(sumMap, Array(UInt16), Array(UInt64)),
    total AggregateFunction(sumMap, Array(UInt16), Array(UInt64))
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(minute, 'UTC')
ORDER BY (target, probe, kept, pop, agent, site, country, metro, circuit, provider, prefix, minute)
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
    sent AggregateFunction(sum, UInt64),
    answered AggregateFunction(sum, UInt64),
    lost AggregateFunction(sum, UInt64),
    failed AggregateFunction(sum, UInt64),
    missed AggregateFunction(sum, UInt64),
    content AggregateFunction(sum, UInt64),
    rtt_min AggregateFunction(min, Float64),
    rtt_max AggregateFunction(max, Float64),
    rtt_sum AggregateFunction(sum, Float64),
    rtt AggregateFunction(sumMap, Array(UInt16), Array(UInt64)),
    dns AggregateFunction(sumMap, Array(UInt16), Array(UInt64)),
    connect AggregateFunction(sumMap, Array(UInt16), Array(UInt64)),
    tls AggregateFunction(sumMap, Array(UInt16), Array(UInt64)),
    first_byte AggregateFunction(sumMap, Array(UInt16), Array(UInt64)),
    total AggregateFunction(sumMap, Array(UInt16), Array(UInt64))
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(hour, 'UTC')
ORDER BY (target, probe, kept, pop, agent, site, country, metro, circuit, provider, prefix, hour)
SETTINGS non_replicated_deduplication_window = 10000, ratio_of_defaults_for_sparse_serialization = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS edgeprobe.to_minutes TO edgeprobe.minutes AS
SELECT
    toDateTime(toUInt32(intDiv(ts_us, 60000000) * 60), 'UTC') AS minute,
    agent, site, country, metro, circuit, provider, prefix, target, probe,
    toUInt8(position(flags, 'kept_connection') > 0) AS kept,
    pop,
    sumState(toUInt64(reason != 'missed')) AS sent,
    sumState(toUInt64(outcome IN ('replied', 'refused'))) AS answered,
    sumState(toUInt64(outcome = 'lost')) AS lost,
    sumState(toUInt64(outcome = 'failed' AND reason != 'missed')) AS failed,
    sumState(toUInt64(edgeprobe.rows.missed)) AS missed,
    sumState(cityHash64(agent, epoch, seq)) AS content,
    minState(ifNull(rtt_us, inf)) AS rtt_min,
    maxState(ifNull(rtt_us, 0.)) AS rtt_max,
    sumState(ifNull(rtt_us, 0.)) AS rtt_sum,
    sumMapState(if(isNull(rtt_us), emptyArrayUInt16(), [toUInt16(log2(greatest(assumeNotNull(rtt_us) * 1000, 1.)) * 64)]), if(isNull(rtt_us), emptyArrayUInt64(), [toUInt64(1)])) AS rtt,
    sumMapState(if(isNull(dns_us), emptyArrayUInt16(), [toUInt16(log2(greatest(assumeNotNull(dns_us) * 1000, 1.)) * 64)]), if(isNull(dns_us), emptyArrayUInt64(), [toUInt64(1)])) AS dns,
    sumMapState(if(isNull(connect_us), emptyArrayUInt16(), [toUInt16(log2(greatest(assumeNotNull(connect_us) * 1000, 1.)) * 64)]), if(isNull(connect_us), emptyArrayUInt64(), [toUInt64(1)])) AS connect,
    sumMapState(if(isNull(tls_us), emptyArrayUInt16(), [toUInt16(log2(greatest(assumeNotNull(tls_us) * 1000, 1.)) * 64)]), if(isNull(tls_us), emptyArrayUInt64(), [toUInt64(1)])) AS tls,
    sumMapState(if(isNull(first_byte_us), emptyArrayUInt16(), [toUInt16(log2(greatest(assumeNotNull(first_byte_us) * 1000, 1.)) * 64)]), if(isNull(first_byte_us), emptyArrayUInt64(), [toUInt64(1)])) AS first_byte,
    sumMapState(if(isNull(total_us), emptyArrayUInt16(), [toUInt16(log2(greatest(assumeNotNull(total_us) * 1000, 1.)) * 64)]), if(isNull(total_us), emptyArrayUInt64(), [toUInt64(1)])) AS total
FROM edgeprobe.rows
WHERE type = 'sample'
GROUP BY minute, agent, site, country, metro, circuit, provider, prefix, target, probe, kept, pop;

CREATE MATERIALIZED VIEW IF NOT EXISTS edgeprobe.to_hours TO edgeprobe.hours AS
SELECT
    toDateTime(intDiv(toUInt32(minute), 3600) * 3600, 'UTC') AS hour,
    agent, site, country, metro, circuit, provider, prefix, target, probe, kept, pop,
    sumMergeState(sent) AS sent,
    sumMergeState(answered) AS answered,
    sumMergeState(lost) AS lost,
    sumMergeState(failed) AS failed,
    sumMergeState(missed) AS missed,
    sumMergeState(content) AS content,
    minMergeState(rtt_min) AS rtt_min,
    maxMergeState(rtt_max) AS rtt_max,
    sumMergeState(rtt_sum) AS rtt_sum,
    sumMapMergeState(rtt) AS rtt,
    sumMapMergeState(dns) AS dns,
    sumMapMergeState(connect) AS connect,
    sumMapMergeState(tls) AS tls,
    sumMapMergeState(first_byte) AS first_byte,
    sumMapMergeState(total) AS total
FROM edgeprobe.minutes
GROUP BY hour, agent, site, country, metro, circuit, provider, prefix, target, probe, kept, pop;

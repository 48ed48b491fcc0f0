-- What tables made by an earlier schema.sql lack. See ddl --upgrade, which
-- prints schema.sql behind it: what is new altogether is made there, and the
-- views, which are dropped here, are made anew. Rows that come in between are
-- not in the roll-ups: ddl --rebuild of that day brings them there.

DROP TABLE IF EXISTS edgeprobe.to_minutes;

DROP TABLE IF EXISTS edgeprobe.to_hours;

DROP TABLE IF EXISTS edgeprobe.audit;

DROP TABLE IF EXISTS edgeprobe.missing;

ALTER TABLE edgeprobe.rows
    ADD COLUMN tls_first_byte_us Nullable(Float64) CODEC(ZSTD),
    ADD COLUMN edge_cache LowCardinality(String),
    ADD COLUMN egress_address LowCardinality(String),
    ADD COLUMN egress_port UInt16,
    ADD COLUMN since_us UInt64,
    ADD COLUMN baseline_us Nullable(Float64),
    ADD COLUMN loss_percent Nullable(Float64),
    ADD COLUMN share Nullable(Float64),
    ADD COLUMN from_pop LowCardinality(String),
    ADD COLUMN to_pop LowCardinality(String),
    ADD COLUMN nearest_pop LowCardinality(String),
    ADD COLUMN expected LowCardinality(String),
    ADD COLUMN evidence String,
    ADD COLUMN latitude Nullable(Float64),
    ADD COLUMN longitude Nullable(Float64),
    ADD COLUMN expected_pops LowCardinality(String),
    ADD COLUMN connection LowCardinality(String),
    ADD COLUMN primary_location LowCardinality(String),
    ADD COLUMN backup_location LowCardinality(String),
    ADD COLUMN egress_place LowCardinality(String),
    ADD COLUMN egress_km Nullable(Float64),
    ADD COLUMN egress_asn UInt32,
    ADD COLUMN egress_provider LowCardinality(String),
    ADD COLUMN resolver_address LowCardinality(String),
    ADD COLUMN resolver_place LowCardinality(String),
    ADD COLUMN resolver_km Nullable(Float64),
    ADD COLUMN bytes UInt64,
    ADD COLUMN failure String;

ALTER TABLE edgeprobe.minutes
    ADD COLUMN host LowCardinality(String),
    ADD COLUMN reason LowCardinality(String),
    ADD COLUMN late AggregateFunction(sum, UInt64),
    ADD COLUMN rtt_squares AggregateFunction(sum, Float64),
    ADD COLUMN srtt AggregateFunction(sumMap, Array(UInt16), Array(UInt64)),
    MODIFY ORDER BY (target, probe, kept, pop, agent, site, country, metro, circuit, provider, prefix, minute, host, reason);

ALTER TABLE edgeprobe.hours
    ADD COLUMN host LowCardinality(String),
    ADD COLUMN reason LowCardinality(String),
    ADD COLUMN late AggregateFunction(sum, UInt64),
    ADD COLUMN rtt_squares AggregateFunction(sum, Float64),
    ADD COLUMN srtt AggregateFunction(sumMap, Array(UInt16), Array(UInt64)),
    MODIFY ORDER BY (target, probe, kept, pop, agent, site, country, metro, circuit, provider, prefix, hour, host, reason);

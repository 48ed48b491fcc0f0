-- Questions to edgeprobe's tables, for 18.16 and for current ClickHouse, one
-- node or a cluster. Each is preceded by its name; days are examples.

-- name: audit
-- Whose rows are not all there. Nothing printed: nothing is missing.
SELECT * FROM edgeprobe.audit WHERE missing != 0 ORDER BY agent, epoch;

-- name: missing
-- Which are missing, of one agent (the setting is for 18.16, which else looks at
-- all agents first).
SELECT first_seq, last_seq FROM edgeprobe.missing
WHERE agent = 'ams-01' ORDER BY epoch, first_seq
SETTINGS enable_optimize_predicate_expression = 1;

-- name: declared
-- What agents themselves say that is lost, and why.
SELECT agent, reason, sum(last - first + 1) AS rows, count() AS gaps
FROM (SELECT DISTINCT agent, epoch, seq, reason, first, last FROM edgeprobe.rows WHERE type = 'gap')
GROUP BY agent, reason ORDER BY rows DESC;

-- name: silent
-- Agents that have not been heard of for 10 minutes.
SELECT agent, max(ts_us) AS newest_us, toDateTime(toUInt32(intDiv(newest_us, 1000000)), 'UTC') AS newest
FROM edgeprobe.rows GROUP BY agent
HAVING newest_us < toUInt64(toUInt32(now()) - 600) * 1000000 ORDER BY newest_us;

-- name: report
-- By site and provider; any of country, metro, site, circuit, provider, prefix,
-- target, probe, pop, agent may stand in their place. Loss is that of `report`:
-- lost / (sent - failed). Round trips in microseconds; percentiles within 0.6 %.
SELECT
    site, provider, n AS sent, answered_n AS answered,
    if(n = failed_n, 0, 100 * lost_n / (n - failed_n)) AS loss_percent,
    least_us AS min_us,
    arrayMap((p, h) -> if(empty(tupleElement(h, 1)), 0, round(pow(2, (arrayElement(tupleElement(h, 1), arrayFirstIndex(c -> c >= p * arraySum(tupleElement(h, 2)), arrayCumSum(tupleElement(h, 2)))) + 0.5) / 64) / 1000, 1)), [0.5, 0.9, 0.99], [histogram, histogram, histogram]) AS p50_p90_p99_us,
    most_us AS max_us
FROM
(
    SELECT
        site, provider,
        sumMerge(sent) AS n, sumMerge(answered) AS answered_n, sumMerge(lost) AS lost_n, sumMerge(failed) AS failed_n,
        minMerge(rtt_min) AS least_us, maxMerge(rtt_max) AS most_us,
        sumMapMerge(rtt) AS histogram
    FROM edgeprobe.minutes
    WHERE minute >= now() - 86400
    GROUP BY site, provider
)
ORDER BY site, provider;

-- name: phases
-- Of https, by site: the median of each phase, in microseconds.
SELECT
    site,
    arrayMap(h -> if(empty(tupleElement(h, 1)), 0, round(pow(2, (arrayElement(tupleElement(h, 1), arrayFirstIndex(c -> c >= 0.5 * arraySum(tupleElement(h, 2)), arrayCumSum(tupleElement(h, 2)))) + 0.5) / 64) / 1000, 1)), histograms) AS dns_connect_tls_first_byte_total_us
FROM
(
    SELECT site, [sumMapMerge(dns), sumMapMerge(connect), sumMapMerge(tls), sumMapMerge(first_byte), sumMapMerge(total)] AS histograms
    FROM edgeprobe.minutes WHERE probe = 'https' AND kept = 0 AND minute >= now() - 86400
    GROUP BY site
)
ORDER BY site;

-- name: pops
-- Which PoPs answered a metro, and how far they are: is it the nearest?
SELECT metro, provider, pop, sumMerge(answered) AS answers, minMerge(rtt_min) AS min_us, sumMerge(rtt_sum) / sumMerge(answered) AS mean_us
FROM edgeprobe.minutes
WHERE pop != '' AND minute >= now() - 86400
GROUP BY metro, provider, pop ORDER BY metro, provider, answers DESC;

-- name: hours
-- A year of one site by hour: loss and mean.
SELECT hour, sumMerge(sent) AS n, sumMerge(lost) AS lost_n, sumMerge(rtt_sum) / sumMerge(answered) AS mean_us
FROM edgeprobe.hours WHERE site = 'Amsterdam office' GROUP BY hour ORDER BY hour;

-- name: exact
-- The same from the rows themselves, one agent and an hour: FINAL counts a row
-- that came twice once.
SELECT target, probe, count() AS sent, countIf(outcome = 'lost') AS lost_n, quantilesExact(0.5, 0.9, 0.99)(rtt_us) AS p50_p90_p99_us
FROM edgeprobe.rows FINAL
WHERE type = 'sample' AND reason != 'missed' AND agent = 'ams-01' AND ts_us >= toUInt64(toUInt32(now()) - 3600) * 1000000
GROUP BY target, probe ORDER BY target, probe;

-- name: hosts
-- Hosts that were in trouble themselves in the last hour.
SELECT agent, max(slip_max_us) AS slip_us, sum(local_drops) AS drops, max(cpu_wait_us / period_us) AS waited, max(backlog_rows) AS backlog, max(disk_full) AS full
FROM edgeprobe.rows
WHERE type = 'self' AND period_us > 0 AND ts_us >= toUInt64(toUInt32(now()) - 3600) * 1000000
GROUP BY agent HAVING slip_us > 20000 OR drops > 0 OR waited > 0.05 OR full > 0 ORDER BY slip_us DESC;

-- name: drift
-- Days whose roll-ups are to be made anew, by ./ddl --rebuild DAY.
SELECT * FROM edgeprobe.drift ORDER BY day;

-- name: parts
-- Is the server keeping up with merging? More than 300 parts a partition: let
-- batches be larger (README.md).
SELECT table, partition, count() AS parts, sum(rows) AS rows, sum(bytes_on_disk) AS bytes
FROM system.parts WHERE active AND database = 'edgeprobe'
GROUP BY table, partition ORDER BY parts DESC LIMIT 20;

-- name: retention
-- 18.16 has no TTL: a day a time, from a timer. In a cluster: rows_local, and
-- ON CLUSTER NAME before DROP.
ALTER TABLE edgeprobe.rows DROP PARTITION '2020-01-01';

#include "delivery/exphist.h"

#include "edgeprobe/clock.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

struct span {
	uint64_t zeros, sum_ns;
	uint64_t least_ns, most_ns; /* of those that are not zero; 0: none */
};

void exphist_seconds(struct buf *out, uint64_t ns)
{
	unsigned long long part = ns % EP_NS_PER_S;
	int places = 9;

	while (part > 0 && part % 10 == 0) {
		part /= 10;
		places--;
	}
	buf_uint(out, ns / EP_NS_PER_S);
	if (part > 0)
		buf_printf(out, ".%0*llu", places, part);
}

/* Bucket i holds what is above 2^(i / 2^scale) seconds and not above the bound
 * of the next one. */
static long bucket_of(uint64_t ns, int scale)
{
	double octaves = log2((double)ns / (double)EP_NS_PER_S);

	return (long)ceil(ldexp(octaves, scale)) - 1;
}

static struct span span_of(const struct figure *figures, size_t n)
{
	struct span s = { .zeros = 0 };

	for (size_t i = 0; i < n; i++) {
		uint64_t ns = (uint64_t)figures[i].value;

		s.sum_ns += ns;
		s.zeros += ns == 0;
		if (ns > 0 && (s.least_ns == 0 || ns < s.least_ns))
			s.least_ns = ns;
		if (ns > s.most_ns)
			s.most_ns = ns;
	}
	return s;
}

static void write_buckets(struct buf *out, const struct figure *figures,
			  size_t n, int scale, const struct span *span)
{
	long low = bucket_of(span->least_ns, scale);
	size_t buckets = (size_t)(bucket_of(span->most_ns, scale) - low) + 1;
	uint64_t counts[EXPHIST_BUCKETS] = { 0 };

	for (size_t i = 0; i < n; i++)
		if (figures[i].value > 0)
			counts[bucket_of((uint64_t)figures[i].value, scale) -
			       low]++;
	buf_printf(out, ",\"positive\":{\"offset\":%ld,\"bucketCounts\":[",
		   low);
	for (size_t i = 0; i < buckets; i++)
		buf_printf(out, i ? ",\"%llu\"" : "\"%llu\"",
			   (unsigned long long)counts[i]);
	buf_text(out, "]}");
}

void exphist_write(struct buf *out, const struct figure *figures, size_t n,
		   int scale)
{
	struct span s = span_of(figures, n);

	while (s.most_ns > 0 &&
	       bucket_of(s.most_ns, scale) - bucket_of(s.least_ns, scale) >=
		       EXPHIST_BUCKETS)
		scale--;
	buf_printf(out, "\"count\":\"%zu\",\"sum\":", n);
	exphist_seconds(out, s.sum_ns);
	buf_printf(out, ",\"scale\":%d,\"zeroCount\":\"%llu\"", scale,
		   (unsigned long long)s.zeros);
	if (s.most_ns > 0)
		write_buckets(out, figures, n, scale, &s);
	buf_text(out, ",\"min\":");
	exphist_seconds(out, s.zeros > 0 ? 0 : s.least_ns);
	buf_text(out, ",\"max\":");
	exphist_seconds(out, s.most_ns);
}

/* Two ways to write a column: as runs of equal numbers, or each as what it
 * differs from a guess by. The guess knows only what went before, so that
 * whoever reads makes the same. All of it is arithmetic modulo 2^64: a bad
 * guess takes bits, no more. */
#include "store/column.h"

/* So many of them in a run on average: runs it is. */
#define RUN_WORTH 8
#define MICRO     1000

/* --- runs --- */

static size_t count_runs(const uint64_t *values, size_t n)
{
	size_t runs = n > 0;

	for (size_t i = 1; i < n; i++)
		runs += values[i] != values[i - 1];
	return runs;
}

static void put_runs(struct bits_out *out, const uint64_t *values, size_t n)
{
	uint64_t before = 0;

	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && values[end] == values[i]; end++)
			;
		bits_put_any(out, bits_fold(values[i] - before));
		bits_put_any(out, end - i);
		before = values[i];
	}
}

static void get_runs(struct bits_in *in, uint64_t *ret_values, size_t n)
{
	uint64_t value = 0;

	for (size_t i = 0, end; i < n; i = end) {
		uint64_t len;

		value += bits_unfold(bits_get_any(in));
		len = bits_get_any(in);
		end = len > 0 && len < n - i ? i + len : n;
		for (size_t j = i; j < end; j++)
			ret_values[j] = value;
	}
}

/* --- guesses --- */

struct guess {
	enum column_kind kind;
	uint64_t at;           /* the level; of a step, 16 times it */
	uint64_t step;         /* 16 times it */
	uint64_t previous;     /* number */
	bool jumped;           /* the one before was none of the guess's */
	struct bits_mean mean; /* of what it was wrong by, folded */
};

static uint64_t divide(uint64_t value, uint64_t by)
{
	return (uint64_t)((int64_t)value / (int64_t)by);
}

static uint64_t magnitude(uint64_t value)
{
	return value >> 63 ? 0 - value : value;
}

static uint64_t guess_next(const struct guess *g)
{
	return g->kind == COLUMN_LEVEL ? g->at : divide(g->at + g->step, 16);
}

/* One that is far out does not draw the level far. */
static void learn_level(struct guess *g, uint64_t wrong)
{
	uint64_t draw = divide(wrong, 4), most = (g->mean.sum >> 4) + 1;

	if (magnitude(draw) > most)
		draw = draw >> 63 ? 0 - most : most;
	g->at += draw;
}

/* A hole is a jump; two in a row are another step. */
static void learn_step(struct guess *g, uint64_t value, uint64_t wrong)
{
	bool jumped = magnitude(wrong) > magnitude(g->step) / 64 + 8;

	if (!jumped) {
		g->at += g->step + wrong * 8;
		g->step += wrong;
	} else {
		if (g->jumped)
			g->step = (value - g->previous) * 16;
		g->at = value * 16;
	}
	g->jumped = jumped;
}

static void learn(struct guess *g, uint64_t value, uint64_t wrong)
{
	if (g->kind == COLUMN_LEVEL)
		learn_level(g, wrong);
	else
		learn_step(g, value, wrong);
	g->previous = value;
}

static void begin(struct guess *g, uint64_t value)
{
	g->at = g->kind == COLUMN_LEVEL ? value : value * 16;
	g->previous = value;
	g->jumped = g->step == 0; /* of the path before it is as good */
}

/* Some clocks count microseconds: what all of a path divides by. */
static uint64_t unit_of(const uint64_t *values, const bool *first, size_t n)
{
	for (size_t i = 0; i < n && (i == 0 || !first[i]); i++)
		if ((int64_t)values[i] % MICRO)
			return 1;
	return MICRO;
}

static void put_guessed(struct bits_out *out, struct guess *g,
			const uint64_t *values, const bool *first, size_t n)
{
	uint64_t unit = 1;

	for (size_t i = 0; i < n; i++) {
		uint64_t value, wrong;

		if (i > 0 && !first[i]) {
			value = divide(values[i], unit);
			wrong = value - guess_next(g);
			bits_put_rice(out, &g->mean, bits_fold(wrong));
			learn(g, value, wrong);
			continue;
		}
		unit = unit_of(values + i, first + i, n - i);
		value = divide(values[i], unit);
		bits_put(out, unit == MICRO, 1);
		bits_put_any(out, bits_fold(value - g->previous));
		begin(g, value);
	}
}

static void get_guessed(struct bits_in *in, struct guess *g,
			uint64_t *ret_values, const bool *first, size_t n)
{
	uint64_t unit = 1;

	for (size_t i = 0; i < n; i++) {
		uint64_t value, wrong;

		if (i > 0 && !first[i]) {
			wrong = bits_unfold(bits_get_rice(in, &g->mean));
			value = guess_next(g) + wrong;
			learn(g, value, wrong);
		} else {
			unit = bits_get(in, 1) ? MICRO : 1;
			value = g->previous + bits_unfold(bits_get_any(in));
			begin(g, value);
		}
		ret_values[i] = value * unit;
	}
}

/* --- a column --- */

void column_put(struct bits_out *out, enum column_kind kind,
		const uint64_t *values, const bool *first, size_t n)
{
	struct guess g = { .kind = kind };
	bool runs = count_runs(values, n) * RUN_WORTH <= n + RUN_WORTH;

	bits_put(out, runs, 1);
	if (runs)
		put_runs(out, values, n);
	else
		put_guessed(out, &g, values, first, n);
}

void column_get(struct bits_in *in, enum column_kind kind, uint64_t *ret_values,
		const bool *first, size_t n)
{
	struct guess g = { .kind = kind };

	if (bits_get(in, 1))
		get_runs(in, ret_values, n);
	else
		get_guessed(in, &g, ret_values, first, n);
}

void column_put_flags(struct bits_out *out, const bool *flags, size_t n)
{
	bool value = n > 0 && flags[0];

	bits_put(out, value, 1);
	for (size_t i = 0, end; i < n; i = end, value = !value) {
		for (end = i; end < n && flags[end] == value; end++)
			;
		bits_put_any(out, end - i);
	}
}

void column_get_flags(struct bits_in *in, bool *ret_flags, size_t n)
{
	bool value = bits_get(in, 1);

	for (size_t i = 0, end; i < n; i = end, value = !value) {
		uint64_t len = bits_get_any(in);

		end = len > 0 && len < n - i ? i + len : n;
		for (size_t j = i; j < end; j++)
			ret_flags[j] = value;
	}
}

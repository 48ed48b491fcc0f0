/* Which PoP answered over each circuit, from when to when. Pure: told what came
 * in the order of time.
 *
 * Targets of one circuit may rightly land on different PoPs, since services
 * have front doors of their own. So runs are kept for each series, and those of
 * one series become the circuit's: of the Exchange service if it has one that
 * names PoPs, else of any, the one with the most answers. */
#ifndef REPORT_JUDGING_RUNS_H
#define REPORT_JUDGING_RUNS_H

#include "base/arena.h"
#include "report/model/model.h"
#include <stdint.h>

struct runs;

/* Fewer answers in a row than this are part of the run around them. */
#define RUNS_SOLID 3
/* Of one series; beyond, the shortest become part of the one before. */
#define RUNS_MAX 512
/* Without an answer for so long, and for four usual intervals, a run ends. */
#define RUNS_GAP_NS (UINT64_C(30) * 60 * 1000000000)

/* NULL: out of memory. */
struct runs *runs_create(void);
void runs_destroy(struct runs *runs); /* NULL is fine */

/* `n` answers of `series` in a row, sent from `from_ns` to `to_ns` (both
 * inclusive; equal for one), all of which named `pop`. Series are the caller's
 * numbers, small ones; in two stores the same series has two numbers. Of one
 * number all comes in the order of time; what is older than the last by more
 * than a second is left out. `pop` is borrowed until runs_fill(); "" is no
 * answer. 0 or -ENOMEM. */
int runs_see(struct runs *runs, uint32_t series, uint64_t from_ns,
	     uint64_t to_ns, const char *pop, uint64_t n);

/* Set `runs` and `n_runs` of each circuit of the model; texts are copied into
 * its arena. `index_of[series]` is the place of that series in model->series,
 * or MODEL_NONE, for all below `n`; NULL: they are the same. Several numbers may
 * have the same place: where their times do not overlap, one follows the other,
 * else the one with more answers counts. Locations are model_judge()'s. 0 or
 * -ENOMEM. */
int runs_fill(struct runs *runs, struct model *model, const uint32_t *index_of,
	      uint32_t n);

/* Where `pop` lies as registered: `primary` and `backup` are free texts, a city
 * ("Amsterdam", "Amsterdam, Netherlands", "Equinix AM3, Amsterdam") or a PoP's
 * code; all codes of a city are one place. "" is none. */
enum model_location runs_location(const char *pop, const char *primary,
				  const char *backup);

/* Of a circuit whose runs are known: the location of each run and of the last,
 * since when, and its failovers. 0 or -ENOMEM. */
int runs_locate(struct model_circuit *circuit, struct arena *arena);

#endif

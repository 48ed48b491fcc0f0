/* One site with one line, fine in all respects: an answer of 12 ms to Exchange
 * by TCP, an edge location in its own city. For tests of findings. */
#ifndef LIB_FINDINGS_WORLD_H
#define LIB_FINDINGS_WORLD_H

#include "lib/report_model.h"
#include "report/judging/findings.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define S   UINT64_C(1000000000)
#define MIN (60 * S)

struct world {
	struct model model;
	struct model_circuit *line;
	struct model_site *site;
	struct model_series *tcp;
	struct model_run run;
};

int findings_setup(void **state);
int findings_teardown(void **state);
#define IN_WORLD(name)                                                         \
	cmocka_unit_test_setup_teardown(name, findings_setup, findings_teardown)

void findings_judge(struct world *w);
void findings_expect_none(struct world *w);
/* Just one finding, which is that. */
const struct model_finding *findings_expect(struct world *w, const char *rule,
					    const char *level,
					    const char *text);
/* One more that is open, of the line's series. */
struct model_event *findings_event(struct world *w, const char *name,
				   uint64_t since_ns);

#endif

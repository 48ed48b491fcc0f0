/* What `test-destination` prints of one destination. */
#ifndef CLI_TRIAL_VIEW_H
#define CLI_TRIAL_VIEW_H

#include "delivery/trial.h"
#include <stdio.h>

/* For people, several lines. */
void trial_print(FILE *out, const struct deliver_options *options,
		 const char *agent, const struct trial_result *result);

/* One JSON object and a newline. */
void trial_print_json(FILE *out, const struct deliver_options *options,
		      const char *agent, const struct trial_result *result);

#endif

/* Inside of model_kit. */
#ifndef LIB_MODEL_KIT_I_H
#define LIB_MODEL_KIT_I_H

#include "lib/model_kit.h"

/* What is being made. Circuits are numbered by site, series by circuit. */
struct making {
	struct model *model;
	const struct model_kit *kit;
};

/* Fill the lines of series, circuits and sites, and the roll-ups, from cells and
 * runs. 0 or -ENOMEM. */
int model_kit_lines(const struct making *m);

#endif

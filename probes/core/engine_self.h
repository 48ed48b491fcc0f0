/* What an engine knows of itself; for engine.c and probe.c. */
#ifndef CORE_ENGINE_SELF_H
#define CORE_ENGINE_SELF_H

#include "core/standstill.h"
#include <stdbool.h>

struct ep_engine;
struct ep_probe;
struct ep_sample;

/* A probe is under way from here on; before it is counted in. */
struct standstill_mark engine_begin(struct ep_engine *e);

/* We are alive. Before anything is judged by our own clock. */
void engine_look(struct ep_engine *e);

/* Have we stood still since `p` was asked for? */
bool probe_stood_still(struct ep_probe *p);

/* We have: its outcome is there, and may become another. */
void probe_judge_standstill(struct ep_probe *p);

/* It has begun; it has ended so. */
void engine_count_start(struct ep_engine *e);
void engine_count(struct ep_engine *e, const struct ep_sample *s);

#endif

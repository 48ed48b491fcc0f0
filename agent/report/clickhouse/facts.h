/* What agents said of their sites and circuits, and what happened, as the rows
 * that they were. */
#ifndef REPORT_CLICKHOUSE_FACTS_H
#define REPORT_CLICKHOUSE_FACTS_H

#include "base/json.h"
#include "report/clickhouse/scope.h"
#include "report/clickhouse/tsv.h"
#include "report/gather/places.h"
#include "report/gather/story.h"
#include "report/lines/texts.h"
#include <stddef.h>

/* A member of a row as a column of an answer. */
struct clickhouse_member {
	const char *name;
	bool is_number;
};

/* Fields of a line as the row that they were: absent where empty or NULL. 0;
 * -EPROTO; -ENOMEM. */
int clickhouse_row(struct tsv *t, const struct clickhouse_member *members,
		   size_t n, struct json_doc **ret_row);

/* Sites of agents, and what is registered for their circuits. */
struct clickhouse_facts {
	struct places *places; /* borrowed; told what there is */
	struct {
		const char *agent, *site; /* kept texts */
	} * agents;
	size_t n_agents;
};

void clickhouse_facts_init(struct clickhouse_facts *facts,
			   struct places *places);
void clickhouse_facts_finish(struct clickhouse_facts *facts);

int clickhouse_facts_read(struct clickhouse_facts *facts,
			  const struct clickhouse_scope *scope,
			  struct ep_err *err);

/* The site of an agent as the report calls it. NULL: out of memory. */
const char *clickhouse_facts_site(const struct clickhouse_facts *facts,
				  const struct clickhouse_scope *scope,
				  const char *agent);

/* A leaf_connection_cb; `arg` is the facts. */
const char *clickhouse_facts_connection(const struct series *series, void *arg);

/* What happened since a week before the window: what began there may still be
 * so. */
int clickhouse_story_read(struct story *story,
			  const struct clickhouse_facts *facts,
			  const struct clickhouse_scope *scope,
			  struct ep_err *err);

#endif

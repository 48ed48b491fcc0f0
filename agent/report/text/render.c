#include "report/text/render.h"
#include <string.h>

const struct line *render_before(const struct render *r,
				 const struct line *line)
{
	for (size_t i = 0; r->before != NULL && i < r->before->n; i++) {
		const struct line *before = &r->before->at[i];
		unsigned k = 0;

		while (k < r->options->n_by &&
		       strcmp(before->keys[k], line->keys[k]) == 0)
			k++;
		if (k == r->options->n_by)
			return before;
	}
	return NULL;
}

#include "circuit/changes.h"
#include <string.h>

/* Why a line that is down is down may change without a word. */
static bool same(const struct line *a, const struct line *b)
{
	if (a->lack != LINE_WHOLE || b->lack != LINE_WHOLE)
		return (a->lack == LINE_WHOLE) == (b->lack == LINE_WHOLE);
	return strcmp(a->interface, b->interface) == 0 &&
	       strcmp(a->addresses, b->addresses) == 0;
}

enum changes_step changes_see(struct changes *changes, const struct line *line)
{
	struct line before = changes->now;

	changes->now = *line;
	changes->routed_once |= line->routed;
	if (line->lack == LINE_WHOLE && changes->routed_once && !line->routed)
		changes->now.lack = LINE_NO_ROUTE;
	if (!changes->seen) {
		changes->seen = true;
		return CHANGES_FIRST;
	}
	if (same(&before, &changes->now))
		return CHANGES_NONE;
	changes->n++;
	return CHANGES_MORE;
}

bool changes_tell(struct changes *changes, uint64_t now_ns, unsigned *ret_n)
{
	if (changes->n == 0 || now_ns < changes->next_ns)
		return false;
	*ret_n = changes->n;
	changes->n = 0;
	changes->next_ns = now_ns + CHANGES_APART_NS;
	return true;
}

uint64_t changes_due_ns(const struct changes *changes)
{
	return changes->n == 0 ? UINT64_MAX : changes->next_ns;
}

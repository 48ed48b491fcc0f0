/* "did you mean": the known word that is nearest to a mistyped one. */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

/* Zero but for `typed`; all borrowed. */
struct suggest {
	const char *typed;
	const char *best; /* NULL: nothing is near enough */
	unsigned distance;
};

/* Offer a known word; the nearest so far is kept. Near enough is one slip (a
 * letter more, less, other, or two exchanged) for every three letters typed. */
void suggest_offer(struct suggest *s, const char *known);

#endif

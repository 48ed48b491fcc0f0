#include "report/html/codes.h"
#include <stdio.h>
#include <string.h>

bool html_code_next(const char **at, char *ret_code, size_t size)
{
	const char *begin = *at + strspn(*at, ", ");
	size_t n = strcspn(begin, ", ");

	*at = begin + n;
	if (n == 0)
		return false;
	if (n >= size)
		n = size - 1;
	memcpy(ret_code, begin, n);
	ret_code[n] = '\0';
	return true;
}

static void keep(struct html_codes *codes, const char *code)
{
	if (*code == '\0' || codes->n == HTML_CODES_MAX)
		return;
	for (unsigned i = 0; i < codes->n; i++)
		if (strcmp(codes->at[i], code) == 0)
			return;
	snprintf(codes->at[codes->n++], HTML_CODE_MAX, "%s", code);
}

static void keep_pops(struct html_codes *codes, const struct line *line)
{
	for (unsigned i = 0; i < line->n_pops; i++)
		keep(codes, line->pops[i].code);
}

void html_codes_of(const struct model *model, struct html_codes *codes)
{
	char code[HTML_CODE_MAX];

	codes->n = 0;
	for (size_t i = 0; i < model->n_circuits; i++)
		for (size_t r = 0; r < model->circuits[i].n_runs; r++)
			keep(codes, model->circuits[i].runs[r].pop);
	for (size_t i = 0; i < model->n_series; i++)
		keep_pops(codes, &model->series[i].now);
	for (size_t i = 0; i < model->n_sites; i++) {
		const char *at = model->sites[i].expected_pops;

		while (html_code_next(&at, code, sizeof(code)))
			keep(codes, code);
	}
}

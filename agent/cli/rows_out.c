#include "cli/rows_out.h"
#include "delivery/row.h"
#include <errno.h>
#include <stdio.h>

#define ROW_MAX 65536

void rows_out_init(struct rows_out *out, const struct identity *who)
{
	out->who = *who;
	buf_init(&out->row, ROW_MAX);
}

void rows_out_finish(struct rows_out *out)
{
	buf_finish(&out->row);
}

int rows_out_put(const struct record *record, void *arg)
{
	struct rows_out *out = arg;

	buf_clear(&out->row);
	row_write(&out->row, &out->who, record);
	buf_char(&out->row, '\n');
	if (out->row.error < 0)
		return out->row.error;
	return fwrite(out->row.data, 1, out->row.len, stdout) == out->row.len
		       ? 0
		       : -EIO;
}

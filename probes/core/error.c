#include "edgeprobe/error.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int ep_err_set(struct ep_err *err, int code, const char *format, ...)
{
	va_list args;

	if (err == NULL)
		return code;
	err->code = code;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return code;
}

int ep_err_prefix(struct ep_err *err, const char *format, ...)
{
	char was[EP_ERR_TEXT_MAX];
	va_list args;
	size_t n;

	if (err == NULL)
		return 0;
	memcpy(was, err->text, sizeof(was));
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	n = strlen(err->text);
	snprintf(err->text + n, sizeof(err->text) - n, ": %s", was);
	return err->code;
}

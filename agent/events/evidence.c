#include "events/evidence.h"
#include "base/record.h"
#include "edge/pop.h"

#define TEXT_MAX 1024

static double ms(int64_t ns)
{
	return ns < 0 ? 0 : (double)ns / 1e6;
}

static void add_text(struct buf *out, const char *key, const char *text)
{
	if (text[0] == '\0')
		return;
	buf_printf(out, ",\"%s\":", key);
	buf_json_text(out, text);
}

static void add_us(struct buf *out, const char *key, int64_t ns)
{
	if (ns < 0)
		return;
	buf_printf(out, ",\"%s\":", key);
	buf_json_us(out, ns);
}

static void say(struct buf *text, unsigned flags, const struct ep_sample *s)
{
	const struct edge_pop *pop = edge_pop_find(s->https.pop);

	if (flags & EP_FLAG_TLS_ISSUER)
		buf_printf(text,
			   "The certificate is signed by %s, which signs for "
			   "no host like this. ",
			   s->https.tls_issuer);
	if (flags & EP_FLAG_NEARBY)
		buf_printf(text,
			   "TCP is answered after %.1f ms, TLS on the same "
			   "connection after %.1f ms: something nearer answers "
			   "for the server. ",
			   ms(s->rtt_ns), ms(s->https.tls_first_byte_ns));
	if (flags & EP_FLAG_BELOW_LIGHT)
		buf_printf(text,
			   "%.1f ms is less than light needs to %s, which is "
			   "where the answer says that it is from. ",
			   ms(s->rtt_ns),
			   pop != NULL ? pop->city : s->https.pop);
}

void evidence_write(struct buf *out, unsigned flags,
		    const struct ep_sample *sample)
{
	struct buf text;

	buf_text(out, ",\"evidence\":\"");
	record_flag_words(out, flags);
	buf_char(out, '"');
	add_text(out, "tls_issuer", sample->https.tls_issuer);
	add_us(out, "rtt_us", sample->rtt_ns);
	add_us(out, "tls_first_byte_us", sample->https.tls_first_byte_ns);
	add_text(out, "pop", sample->https.pop);
	buf_init(&text, TEXT_MAX);
	say(&text, sample->flags, sample);
	if (text.len > 0 && text.error == 0)
		text.data[text.len - 1] = '\0'; /* the last blank */
	add_text(out, "text", text.error == 0 && text.data ? text.data : "");
	buf_finish(&text);
}

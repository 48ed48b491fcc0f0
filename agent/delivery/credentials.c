/* Says that a certificate ends, weeks before it does: in the log, and in a row.
 */
#include "delivery/deliver_i.h"

#include "base/log.h"
#include "edgeprobe/clock.h"

static const char *const names[CREDENTIALS] = {
	[CREDENTIAL_COLLECTOR] = "collector_certificate",
	[CREDENTIAL_PROXY] = "proxy_certificate",
	[CREDENTIAL_CLIENT] = "client_certificate",
	[CREDENTIAL_ENTRA] = "entra_certificate",
};

static const char *const states[] = {
	[EXPIRY_SOON] = "expiring",
	[EXPIRY_OVER] = "expired",
	[EXPIRY_RENEWED] = "renewed",
};

static void note(struct deliver *d, enum credential which,
		 enum expiry_news news, int32_t days)
{
	const char *level = news == EXPIRY_RENEWED ? "info" : "warning";
	struct buf body;

	buf_init(&body, 512);
	buf_printf(&body,
		   "\"event\":\"credential_expiring\",\"level\":\"%s\","
		   "\"state\":\"%s\",\"credential\":\"%s\","
		   "\"destination\":",
		   level, states[news], names[which]);
	buf_json_text(&body, d->name);
	buf_printf(&body, ",\"days_left\":%d", days);
	if (!body.error)
		store_add_note(d->store, ROW_EVENT, ep_clock_wall_ns(),
			       body.data);
	buf_finish(&body);
}

static void look(struct deliver *d, enum credential which,
		 const struct expiry_span *span, int64_t now_s)
{
	enum expiry_news news = expiry_look(&d->expiries[which], span, now_s);
	int32_t days = expiry_days(span, now_s);

	if (news == EXPIRY_NOTHING)
		return;
	note(d, which, news, days);
	if (news == EXPIRY_RENEWED)
		log_info("delivery", "destination=%s credential=%s renewed",
			 d->name, names[which]);
	else
		log_warn("delivery",
			 "destination=%s credential=%s %s days_left=%d",
			 d->name, names[which], states[news], days);
}

void credentials_look(struct deliver *d)
{
	struct deliver_facts facts = { 0 };

	if (!d->outlet->facts)
		return;
	d->outlet->facts(d->outlet, &facts);
	for (unsigned i = 0; i < CREDENTIALS; i++)
		look(d, i, &facts.credentials[i],
		     (int64_t)(ep_clock_wall_ns() / EP_NS_PER_S));
}

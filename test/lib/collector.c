#include "lib/collector.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CLIENT_BYTES_MAX ((size_t)32 << 20)

struct client {
	uv_tcp_t tcp;
	struct collector *owner;
	char *data; /* of the request under way */
	size_t len, size;
	struct client *next;
	bool closing;
};

struct collector {
	uv_tcp_t listener;
	uint16_t port;
	unsigned handles; /* not closed yet */
	struct client *clients;
	struct collector_request *first, **last;
	unsigned n;
	const struct collector_step *steps;
	size_t n_steps;
	collector_rule rule;
	void *rule_arg;
};

/* --- life --- */

static void free_requests(struct collector *c)
{
	while (c->first) {
		struct collector_request *r = c->first;

		c->first = r->next;
		free(r->head);
		free(r->body);
		free(r);
	}
}

static void drop(struct collector *c)
{
	if (--c->handles > 0)
		return;
	free_requests(c);
	free(c);
}

static void on_client_closed(uv_handle_t *handle)
{
	struct client *client = handle->data;
	struct collector *c = client->owner;

	free(client->data);
	free(client);
	drop(c);
}

static void unlink_client(struct client *client)
{
	struct client **at = &client->owner->clients;

	while (*at != client)
		at = &(*at)->next;
	*at = client->next;
}

static void leave(struct client *client, bool reset)
{
	if (client->closing)
		return;
	client->closing = true;
	unlink_client(client);
	if (reset)
		uv_tcp_close_reset(&client->tcp, on_client_closed);
	else
		uv_close((uv_handle_t *)&client->tcp, on_client_closed);
}

static void on_listener_closed(uv_handle_t *handle)
{
	drop(handle->data);
}

void collector_close(struct collector *c)
{
	while (c->clients)
		leave(c->clients, false);
	uv_close((uv_handle_t *)&c->listener, on_listener_closed);
}

/* --- answering --- */

struct sending {
	uv_write_t req;
	struct client *client;
	bool again, last;
	char *text;
};

static void send_text(struct client *client, char *text, bool again, bool last);

static void on_sent(uv_write_t *req, int status)
{
	struct sending *s = req->data;
	struct client *client = s->client;

	if (client->closing) {
		free(s->text);
	} else if (status < 0 || s->last) {
		leave(client, false);
		free(s->text);
	} else if (s->again) {
		send_text(client, s->text, true, false);
	} else {
		free(s->text);
	}
	free(s);
}

/* Takes `text`. `again`: over and over; `last`: then close. */
static void send_text(struct client *client, char *text, bool again, bool last)
{
	struct sending *s = calloc(1, sizeof(*s));
	uv_buf_t buf = uv_buf_init(text, (unsigned)strlen(text));

	assert(s);
	*s = (struct sending){
		.client = client, .again = again, .last = last, .text = text
	};
	s->req.data = s;
	assert(uv_write(&s->req, (uv_stream_t *)&client->tcp, &buf, 1,
			on_sent) == 0);
}

static char *repeat(const char *text, unsigned n)
{
	size_t len = strlen(text);
	char *all = malloc(len * n + 1);

	assert(all);
	for (unsigned i = 0; i < n; i++)
		memcpy(all + len * i, text, len);
	all[len * n] = '\0';
	return all;
}

static void send_answer(struct client *client,
			const struct collector_step *step, size_t missing)
{
	const char *head = step->head ? step->head : "200 OK";
	const char *body = step->body ? step->body : "";
	bool sized = strstr(head, "Content-Length:") != NULL;
	size_t size = strlen(head) + strlen(body) + 100;
	char *text = malloc(size), length[48] = "";

	assert(text);
	if (!sized)
		snprintf(length, sizeof(length), "\r\nContent-Length: %zu",
			 strlen(body) + missing);
	snprintf(text, size, "HTTP/1.1 %s%s\r\n\r\n%s", head, length, body);
	send_text(client, text, false, missing > 0);
}

static void answer(struct client *client, const struct collector_step *step)
{
	switch (step->how) {
	case COLLECTOR_ANSWER:
		send_answer(client, step, 0);
		break;
	case COLLECTOR_TRUNCATE:
		send_answer(client, step, 10);
		break;
	case COLLECTOR_RESET_BEFORE:
	case COLLECTOR_RESET_AFTER:
		leave(client, true);
		break;
	case COLLECTOR_CLOSE:
		leave(client, false);
		break;
	case COLLECTOR_HANG:
		break;
	case COLLECTOR_FLOOD:
		send_text(client, repeat("HTTP/1.1 200 OK\r\n", 1), false,
			  false);
		send_text(client, repeat("X-More: and more\r\n", 1000), true,
			  false);
		break;
	case COLLECTOR_ENDLESS:
		send_text(client,
			  repeat("HTTP/1.1 200 OK\r\n"
				 "Content-Type: text/plain\r\n\r\n",
				 1),
			  false, false);
		send_text(client, repeat("and more ", 10000), true, false);
		break;
	}
}

/* --- reading --- */

static char *copy(const char *data, size_t len)
{
	char *text = malloc(len + 1);

	assert(text);
	memcpy(text, data, len);
	text[len] = '\0';
	return text;
}

const char *collector_field(const struct collector_request *request,
			    const char *name, char *value, size_t size)
{
	size_t n = strlen(name);

	value[0] = '\0';
	for (const char *at = request->head; at; at = strstr(at, "\r\n")) {
		at += strncmp(at, "\r\n", 2) == 0 ? 2 : 0;
		if (strncasecmp(at, name, n) == 0 && at[n] == ':') {
			at += n + 1 + strspn(at + n + 1, " ");
			snprintf(value, size, "%.*s", (int)strcspn(at, "\r"),
				 at);
			break;
		}
	}
	return value;
}

static struct collector_step next_step(struct collector *c,
				       const struct collector_request *r)
{
	if (c->n_steps > 0) {
		c->n_steps--;
		return *c->steps++;
	}
	if (c->rule)
		return c->rule(r, c->rule_arg);
	return (struct collector_step){ 0 };
}

/* Only the script can say so before the body has come. */
static bool refuses_unread(const struct collector *c)
{
	return c->n_steps > 0 && c->steps->how == COLLECTOR_RESET_BEFORE;
}

static void keep(struct collector *c, struct collector_request *r)
{
	*c->last = r;
	c->last = &r->next;
	c->n++;
}

static struct collector_request *parse(struct client *client)
{
	char *end = client->len
			    ? memmem(client->data, client->len, "\r\n\r\n", 4)
			    : NULL;
	struct collector_request *r;
	char length[32];
	size_t head, len;

	if (!end)
		return NULL;
	head = (size_t)(end - client->data) + 4;
	r = calloc(1, sizeof(*r));
	assert(r);
	r->head = copy(client->data, head - 2);
	collector_field(r, "Content-Length", length, sizeof(length));
	len = strtoul(length, NULL, 10);
	if (!refuses_unread(client->owner) && client->len < head + len) {
		free(r->head);
		free(r);
		return NULL;
	}
	if (client->len < head + len)
		len = client->len - head;
	r->body = copy(client->data + head, len);
	r->len = len;
	client->len -= head + len;
	memmove(client->data, client->data + head + len, client->len);
	return r;
}

static void on_data(struct client *client)
{
	struct collector *c = client->owner;
	struct collector_request *r = parse(client);
	struct collector_step step;

	if (!r)
		return;
	keep(c, r);
	step = next_step(c, r);
	r->said_yes = step.how == COLLECTOR_ANSWER &&
		      (!step.head || step.head[0] == '2');
	answer(client, &step);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct client *client = handle->data;

	if (client->size - client->len < suggested) {
		client->size = client->size * 2 + suggested;
		assert(client->size < CLIENT_BYTES_MAX);
		client->data = realloc(client->data, client->size);
		assert(client->data);
	}
	*buf = uv_buf_init(client->data + client->len,
			   (unsigned)(client->size - client->len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct client *client = stream->data;

	(void)buf;
	if (n < 0) {
		leave(client, false);
		return;
	}
	client->len += (size_t)n;
	on_data(client);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct collector *c = listener->data;
	struct client *client = calloc(1, sizeof(*client));

	assert(status == 0 && client);
	client->owner = c;
	client->next = c->clients;
	c->clients = client;
	c->handles++;
	uv_tcp_init(listener->loop, &client->tcp);
	client->tcp.data = client;
	assert(uv_accept(listener, (uv_stream_t *)&client->tcp) == 0);
	uv_read_start((uv_stream_t *)&client->tcp, on_alloc, on_read);
}

/* --- the door --- */

struct collector *collector_open(uv_loop_t *loop)
{
	struct collector *c = calloc(1, sizeof(*c));
	struct sockaddr_in address;
	int len = sizeof(address);

	assert(c);
	c->handles = 1;
	c->last = &c->first;
	uv_tcp_init(loop, &c->listener);
	c->listener.data = c;
	uv_ip4_addr("127.0.0.1", 0, &address);
	assert(uv_tcp_bind(&c->listener, (struct sockaddr *)&address, 0) == 0);
	assert(uv_listen((uv_stream_t *)&c->listener, 16, on_connection) == 0);
	uv_tcp_getsockname(&c->listener, (struct sockaddr *)&address, &len);
	c->port = ntohs(address.sin_port);
	return c;
}

uint16_t collector_port(const struct collector *c)
{
	return c->port;
}

void collector_script(struct collector *c, const struct collector_step *steps,
		      size_t n)
{
	c->steps = steps;
	c->n_steps = n;
}

void collector_set_rule(struct collector *c, collector_rule rule, void *arg)
{
	c->rule = rule;
	c->rule_arg = arg;
}

unsigned collector_requests(const struct collector *c)
{
	return c->n;
}

const struct collector_request *collector_request(const struct collector *c,
						  unsigned i)
{
	const struct collector_request *r = c->first;

	assert(i < c->n);
	while (i-- > 0)
		r = r->next;
	return r;
}

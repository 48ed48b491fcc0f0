/* Names with many addresses, without a network: sets, choices among them, and
 * when a change is told, on virtual time. */
#include "core/name_cache.h"
#include "core/name_pick.h"
#include "core/name_set.h"
#include "core/name_tell.h"
#include "edgeprobe/clock.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S EP_NS_PER_S

static struct ep_address address(const char *text)
{
	struct ep_address a;

	assert_int_equal(ep_address_parse(text, &a), 0);
	return a;
}

static void add(struct name_answer *answer, const char *text)
{
	struct ep_address a = address(text);

	name_answer_add(answer, &a);
}

/* Of addresses with a space between. */
static struct name_answer answer_of(const char *list)
{
	struct name_answer answer = { .reason = EP_REASON_NONE };
	char copy[1024], *rest = copy, *text;

	snprintf(copy, sizeof(copy), "%s", list);
	while ((text = strsep(&rest, " ")) != NULL)
		add(&answer, text);
	return answer;
}

static void append(char *ret, size_t size, const struct ep_address *a,
		   unsigned n)
{
	char text[EP_ADDRESS_TEXT_MAX];

	for (unsigned i = 0; i < n; i++) {
		size_t at = strlen(ret);

		snprintf(ret + at, size - at, "%s%s", at == 0 ? "" : " ",
			 ep_address_format(&a[i], text, sizeof(text)));
	}
}

static void expect(const struct ep_address *a, unsigned n, const char *want)
{
	char text[1024] = "";

	append(text, sizeof(text), a, n);
	assert_string_equal(text, want);
}

/* --- sets --- */

static void addresses_are_sorted_and_single(void **state)
{
	struct name_answer a = answer_of("2001:db8::1 192.0.2.9 192.0.2.10 "
					 "10.0.0.1 192.0.2.9 2001:db8::");

	(void)state;
	expect(a.at, a.n,
	       "10.0.0.1 192.0.2.9 192.0.2.10 2001:db8:: "
	       "2001:db8::1");
	expect(&a.first, 1, "2001:db8::1");
}

static void of_too_many_the_lowest_stay_in_any_order(void **state)
{
	struct name_answer up = { .n = 0 }, down = { .n = 0 };
	struct name_set *set;
	char text[32];

	(void)state;
	for (unsigned i = 1; i <= 40; i++) {
		snprintf(text, sizeof(text), "10.0.0.%u", i);
		add(&up, text);
		snprintf(text, sizeof(text), "10.0.0.%u", 41 - i);
		add(&down, text);
	}
	assert_int_equal(up.n, EP_NTH_MAX);
	expect(&up.at[EP_NTH_MAX - 1], 1, "10.0.0.16");
	set = name_set_create(&up);
	assert_true(name_set_is(set, &down));
	expect(&down.first, 1, "10.0.0.40");
	name_set_drop(set);
}

static void another_set_is_another_one(void **state)
{
	struct name_answer a = answer_of("10.0.0.1 10.0.0.2");
	struct name_answer same = answer_of("10.0.0.2 10.0.0.1");
	struct name_answer fewer = answer_of("10.0.0.1");
	struct name_answer other = answer_of("10.0.0.1 10.0.0.3");
	struct name_set *set = name_set_create(&a);
	struct name_set *than = name_set_create(&other);
	struct ep_address minus[EP_NTH_MAX];

	(void)state;
	assert_true(name_set_is(set, &same));
	assert_false(name_set_is(set, &fewer));
	assert_false(name_set_is(set, &other));
	assert_int_equal(name_set_minus(set, than, minus), 1);
	expect(minus, 1, "10.0.0.2");
	name_set_drop(set);
	name_set_drop(than);
}

/* --- choices --- */

static struct ep_address pick(struct name_choices *choices, const char *list,
			      struct name_want want)
{
	struct name_answer answer = answer_of(list);
	struct name_set *set = name_set_create(&answer);
	struct ep_address a = { .family = 0 };

	name_pick(choices, set, &answer.first, &want, &a);
	name_set_drop(set);
	return a;
}

static struct name_want stable(uint64_t flow)
{
	return (struct name_want){ .flow = flow, .pick = EP_PICK_STABLE };
}

static void first_and_numbered(void **state)
{
	struct name_choices none = { .n = 0 };
	struct name_want want = { .pick = EP_PICK_FIRST };
	const char *list = "10.0.0.3 10.0.0.1 10.0.0.2";
	struct ep_address a = pick(&none, list, want);

	(void)state;
	expect(&a, 1, "10.0.0.3");
	want = (struct name_want){ .pick = EP_PICK_NTH, .nth = 1 };
	a = pick(&none, list, want);
	expect(&a, 1, "10.0.0.2");
	want.nth = 3;
	a = pick(&none, list, want);
	assert_int_equal(a.family, 0);
}

static void stable_choice_stays_while_it_is_there(void **state)
{
	(void)state;
	for (uint64_t flow = 1; flow <= 200; flow++) {
		struct name_choices choices = { .n = 0 };
		struct ep_address before =
			pick(&choices, "10.0.0.1", stable(flow));
		struct ep_address now =
			pick(&choices,
			     "10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.1",
			     stable(flow));

		assert_true(ep_address_equal(&before, &now));
		now = pick(&choices, "10.0.0.2 10.0.0.3", stable(flow));
		assert_false(ep_address_equal(&before, &now));
		name_choices_finish(&choices);
	}
}

/* What was never chosen may go and come: nobody moves. */
static void others_that_go_move_nobody(void **state)
{
	struct ep_address unwanted = address("10.0.0.2");

	(void)state;
	for (uint64_t flow = 1; flow <= 200; flow++) {
		struct name_choices a = { .n = 0 }, b = { .n = 0 };
		struct ep_address of_all =
			pick(&a, "10.0.0.1 10.0.0.2 10.0.0.3", stable(flow));
		char list[64] = "";
		struct ep_address of_two;

		append(list, sizeof(list), &of_all, 1);
		append(list, sizeof(list), &unwanted, 1);
		of_two = pick(&b, list, stable(flow)); /* a new start */
		assert_true(ep_address_equal(&of_all, &of_two));
		name_choices_finish(&a);
		name_choices_finish(&b);
	}
}

static void flows_spread_over_the_addresses(void **state)
{
	struct name_choices choices = { .n = 0 };
	unsigned seen[4] = { 0 };

	(void)state;
	for (uint64_t flow = 1; flow <= 4000; flow++) {
		struct ep_address a =
			pick(&choices, "10.0.0.0 10.0.0.1 10.0.0.2 10.0.0.3",
			     stable(flow));

		seen[a.bytes[3]]++;
	}
	for (unsigned i = 0; i < 4; i++)
		assert_in_range(seen[i], 850, 1150); /* 5 sigma */
	assert_int_equal(choices.n, NAME_CHOICES_MAX);
	name_choices_finish(&choices);
}

/* --- telling --- */

struct story {
	struct name_cache *cache;
	struct name_tell tell;
	struct name *name;
	char text[2048];
};

static void on_names(const struct ep_names_change *change, void *arg)
{
	struct story *story = arg;
	char added[256] = "", removed[256] = "";
	size_t at = strlen(story->text);

	append(added, sizeof(added), change->added, change->n_added);
	append(removed, sizeof(removed), change->removed, change->n_removed);
	snprintf(story->text + at, sizeof(story->text) - at,
		 "%s/%u +[%s] -[%s] n=%u changes=%u\n", change->host,
		 change->family, added, removed, change->n, change->changes);
}

static int begin(void **state)
{
	struct story *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	assert_int_equal(name_cache_create(4, &s->cache), 0);
	assert_int_equal(name_cache_get(s->cache, "a.test", 4, &s->name), 0);
	name_tell_init(&s->tell);
	name_tell_listen(&s->tell, on_names, s);
	*state = s;
	return 0;
}

static int end(void **state)
{
	struct story *s = *state;

	name_cache_destroy(s->cache);
	free(s);
	return 0;
}

/* An answer comes at that second, and the engine's timer does its work. */
static void at(struct story *s, unsigned second, const char *list)
{
	struct name_answer answer = { .reason = EP_REASON_DNS_TIMEOUT };
	uint64_t now_ns = second * S;

	if (list != NULL)
		answer = answer_of(list);
	assert_int_equal(name_store(s->name, &answer, now_ns), 0);
	name_tell_note(&s->tell, s->name, now_ns);
	if (name_tell_due(&s->tell) <= now_ns)
		name_tell_run(&s->tell, now_ns);
}

static void run_until(struct story *s, unsigned second)
{
	uint64_t due_ns = name_tell_due(&s->tell);

	if (due_ns <= second * S)
		name_tell_run(&s->tell, due_ns);
}

static void change_is_told_at_once(void **state)
{
	struct story *s = *state;

	at(s, 100, "10.0.0.1 10.0.0.2");
	at(s, 101, "10.0.0.2 10.0.0.1");  /* in another order */
	assert_string_equal(s->text, ""); /* nothing has changed yet */
	at(s, 102, "10.0.0.2 10.0.0.3");
	assert_string_equal(s->text,
			    "a.test/4 +[10.0.0.3] -[10.0.0.1] n=2 changes=1\n");
}

static void failures_change_nothing(void **state)
{
	struct story *s = *state;

	at(s, 100, "10.0.0.1");
	at(s, 101, NULL);
	at(s, 102, "10.0.0.1");
	at(s, 103, NULL);
	assert_string_equal(s->text, "");
	at(s, 104, "10.0.0.2");
	assert_string_equal(s->text,
			    "a.test/4 +[10.0.0.2] -[10.0.0.1] n=1 changes=1\n");
}

static void rotating_pool_is_told_once_a_minute(void **state)
{
	struct story *s = *state;
	char list[64];

	for (unsigned i = 0; i < 120; i++) {
		snprintf(list, sizeof(list), "10.0.0.%u", i % 7 + 1);
		at(s, 100 + i, list);
	}
	assert_string_equal(
		s->text, "a.test/4 +[10.0.0.2] -[10.0.0.1] n=1 changes=1\n"
			 "a.test/4 +[10.0.0.6] -[10.0.0.2] n=1 changes=60\n");
}

static void last_change_is_told_when_nothing_follows(void **state)
{
	struct story *s = *state;

	at(s, 100, "10.0.0.1");
	at(s, 101, "10.0.0.2");
	at(s, 102, "10.0.0.3");
	s->text[0] = '\0';
	run_until(s, 160);
	assert_string_equal(s->text, "");
	run_until(s, 161);
	assert_string_equal(s->text,
			    "a.test/4 +[10.0.0.3] -[10.0.0.2] n=1 changes=1\n");
	run_until(s, 1000);
	assert_int_equal(name_tell_due(&s->tell), UINT64_MAX);
}

static void there_and_back_says_so(void **state)
{
	struct story *s = *state;

	at(s, 100, "10.0.0.1");
	at(s, 101, "10.0.0.2");
	at(s, 102, "10.0.0.1");
	at(s, 103, "10.0.0.2");
	s->text[0] = '\0';
	run_until(s, 161);
	assert_string_equal(s->text, "a.test/4 +[] -[] n=1 changes=2\n");
}

static void nobody_listens_any_more(void **state)
{
	struct story *s = *state;

	at(s, 100, "10.0.0.1");
	at(s, 101, "10.0.0.2");
	s->text[0] = '\0';
	at(s, 102, "10.0.0.3");
	name_tell_listen(&s->tell, NULL, NULL);
	run_until(s, 200);
	at(s, 201, "10.0.0.4");
	assert_string_equal(s->text, "");
	assert_int_equal(name_tell_due(&s->tell), UINT64_MAX);
}

static void forgotten_name_is_not_told_of(void **state)
{
	struct story *s = *state;
	struct name_answer answer = answer_of("10.0.0.2");
	struct name *name;
	char host[16];

	at(s, 100, "10.0.0.1");
	assert_int_equal(name_store(s->name, &answer, 101 * S), 0);
	name_tell_note(&s->tell, s->name, 101 * S);
	for (unsigned i = 0; i < 4; i++) {
		snprintf(host, sizeof(host), "n%u.test", i);
		assert_int_equal(name_cache_get(s->cache, host, 4, &name), 0);
	}
	run_until(s, 102);
	assert_string_equal(s->text, "");
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_sorted_and_single),
		cmocka_unit_test(of_too_many_the_lowest_stay_in_any_order),
		cmocka_unit_test(another_set_is_another_one),
		cmocka_unit_test(first_and_numbered),
		cmocka_unit_test(stable_choice_stays_while_it_is_there),
		cmocka_unit_test(others_that_go_move_nobody),
		cmocka_unit_test(flows_spread_over_the_addresses),
		STORY(change_is_told_at_once),
		STORY(failures_change_nothing),
		STORY(rotating_pool_is_told_once_a_minute),
		STORY(last_change_is_told_when_nothing_follows),
		STORY(there_and_back_says_so),
		STORY(nobody_listens_any_more),
		STORY(forgotten_name_is_not_told_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

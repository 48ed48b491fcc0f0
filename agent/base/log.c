/* Lines are made on the caller's stack and leave in one write(2), so that those
 * of several threads do not mix. A full pipe makes the caller wait: a measuring
 * thread therefore counts, and lets the keeping thread say it. */
#include "base/log.h"
#include "edgeprobe/clock.h"
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES   1024
#define REMEMBERED_LINES 16
#define REPEAT_NS        (10 * EP_NS_PER_S)

/* A line that was printed a moment ago, and how often it came again. */
struct remembered {
	enum log_level level;
	uint64_t first_ns; /* 0: free */
	uint64_t repeats;
	char text[LINE_MAX_BYTES];
};

static atomic_int max_level = LOG_LEVEL_INFO;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool journal; /* set once */
static struct remembered memory[REMEMBERED_LINES];

void log_set_level(enum log_level level)
{
	atomic_store(&max_level, (int)level);
}

/* systemd sets JOURNAL_STREAM to DEVICE:INODE of the stderr it gave us; it is
 * inherited by children whose stderr is another file, hence the comparison. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char mine[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(mine, sizeof mine, "%ju:%ju", (uintmax_t)st.st_dev,
		 (uintmax_t)st.st_ino);
	return strcmp(stream, mine) == 0;
}

static void write_all(const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDERR_FILENO, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* nobody is left to tell */
		data += n;
		len -= (size_t)n;
	}
}

static void print(enum log_level level, const char *text, uint64_t repeats)
{
	static const char priority[] = { [LOG_LEVEL_ERROR] = '3',
					 [LOG_LEVEL_WARN] = '4',
					 [LOG_LEVEL_INFO] = '6',
					 [LOG_LEVEL_DEBUG] = '7' };
	char line[LINE_MAX_BYTES + 64], prefix[4] = "", suffix[40] = "";
	int n;

	if (journal)
		snprintf(prefix, sizeof prefix, "<%c>", priority[level]);
	if (repeats > 0)
		snprintf(suffix, sizeof suffix, " repeated=%ju",
			 (uintmax_t)repeats);
	n = snprintf(line, sizeof line, "%s%s%s\n", prefix, text, suffix);
	write_all(line, (size_t)n);
}

static void forget(struct remembered *m)
{
	if (m->repeats > 0)
		print(m->level, m->text, m->repeats);
	m->repeats = 0;
	m->first_ns = 0;
}

static void forget_all(void)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < REMEMBERED_LINES; i++)
		forget(&memory[i]);
	pthread_mutex_unlock(&lock);
}

static void begin(void)
{
	journal = stderr_is_journal();
	atexit(forget_all);
}

/* The slot of this very line, else the free or oldest one. */
static struct remembered *slot_for(enum log_level level, const char *text)
{
	struct remembered *oldest = &memory[0];

	for (size_t i = 0; i < REMEMBERED_LINES; i++) {
		struct remembered *m = &memory[i];

		if (m->first_ns != 0 && m->level == level &&
		    strcmp(m->text, text) == 0)
			return m;
		if (m->first_ns < oldest->first_ns)
			oldest = m;
	}
	forget(oldest);
	return oldest;
}

static void forget_old(uint64_t now_ns)
{
	for (size_t i = 0; i < REMEMBERED_LINES; i++)
		if (memory[i].first_ns != 0 &&
		    now_ns - memory[i].first_ns >= REPEAT_NS)
			forget(&memory[i]);
}

static void say(enum log_level level, const char *text, uint64_t now_ns)
{
	struct remembered *m;

	forget_old(now_ns);
	m = slot_for(level, text);
	if (m->first_ns != 0) {
		m->repeats++;
		return;
	}
	m->level = level;
	m->first_ns = now_ns;
	snprintf(m->text, sizeof m->text, "%s", text);
	print(level, text, 0);
}

/* What a server or a file said must not forge a line of its own. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

__attribute__((format(printf, 3, 0))) static void log_line(enum log_level level,
							   const char *room,
							   const char *format,
							   va_list args)
{
	char text[LINE_MAX_BYTES];
	int saved = errno, n;

	if ((int)level > atomic_load(&max_level))
		return;
	n = snprintf(text, sizeof text, "%s: ", room);
	if (n < 0 || (size_t)n >= sizeof text)
		n = 0;
	vsnprintf(text + n, sizeof text - (size_t)n, format, args);
	make_printable(text);
	pthread_once(&once, begin);
	pthread_mutex_lock(&lock);
	say(level, text, ep_clock_mono_ns());
	pthread_mutex_unlock(&lock);
	errno = saved;
}

void log_error(const char *room, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(LOG_LEVEL_ERROR, room, format, args);
	va_end(args);
}

void log_warn(const char *room, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(LOG_LEVEL_WARN, room, format, args);
	va_end(args);
}

void log_info(const char *room, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(LOG_LEVEL_INFO, room, format, args);
	va_end(args);
}

void log_debug(const char *room, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(LOG_LEVEL_DEBUG, room, format, args);
	va_end(args);
}

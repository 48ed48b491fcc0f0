/* One `key=value` line to stderr with systemd's level prefix when stderr is
 * the journal, plain otherwise. Repeats are counted instead of printed. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/* The only global of the program. Default: LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);

/* `room` is the first word: "delivery: status=503 attempt=4 next=32s".
 * Safe from any thread. An identical line within ten seconds is counted and
 * said later as "repeated=N". */
void log_error(const char *room, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void log_warn(const char *room, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void log_info(const char *room, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void log_debug(const char *room, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif

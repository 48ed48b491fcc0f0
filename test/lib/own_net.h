/* A network namespace of one's own: every port and address in it is ours. */
#ifndef TEST_LIB_OWN_NET_H
#define TEST_LIB_OWN_NET_H

/* Move this process there, once, before it has threads, as root or (in a user
 * namespace) as anybody; `flags`: further CLONE_NEW*. Loopback is up. Asserts
 * instead of failing. */
void own_net_enter(int flags);

/* Run ip(8) with these arguments, each separated by a space. */
void own_net_ip(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Write `text` to a file that exists. */
void own_net_write(const char *path, const char *text);

#endif

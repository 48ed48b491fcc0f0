/* The path of a socket as the kernel wants it. */
#ifndef CONTROL_ADDRESS_H
#define CONTROL_ADDRESS_H

#include <sys/un.h>

#define CONTROL_PATH_MAX 107 /* bytes */

/* 0, or -ENAMETOOLONG. */
int control_address(const char *path, struct sockaddr_un *ret_address);

#endif

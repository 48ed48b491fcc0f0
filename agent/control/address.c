#include "control/address.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

int control_address(const char *path, struct sockaddr_un *ret_address)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(path);

	if (len > CONTROL_PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, len);
	*ret_address = address;
	return 0;
}

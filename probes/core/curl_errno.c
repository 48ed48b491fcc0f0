#include "edgeprobe/private/curl_loop.h"
#include <errno.h>
#include <uv.h>

static uv_once_t global_once = UV_ONCE_INIT;
static CURLcode global_result;

/* Never undone: libcurl may be used elsewhere in the process. */
static void init_global(void)
{
	global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

int curl_loop_global(void)
{
	uv_once(&global_once, init_global);
	return global_result == CURLE_OK ? 0 : -EIO;
}

int curl_loop_errno(CURLcode code)
{
	switch ((int)code) {
	case CURLE_OK:
		return 0;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
		return -EHOSTUNREACH;
	case CURLE_COULDNT_CONNECT:
		return -ECONNREFUSED;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return -EACCES;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_WEIRD_SERVER_REPLY:
		return -EPROTO;
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
		return -ECONNRESET;
	case CURLE_FILESIZE_EXCEEDED:
		return -EFBIG;
	case CURLE_ABORTED_BY_CALLBACK:
		return -ECANCELED;
	default:
		return -EIO;
	}
}

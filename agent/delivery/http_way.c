/* The sockets and the handshakes of a destination: by which circuit it leaves,
 * whom it trusts, what it shows, and what was seen of the other side. Called
 * from inside libcurl.
 *
 * Over an https:// proxy there are two handshakes on a connection, first the
 * proxy's, and libcurl asks the same function for both: they are counted from
 * the moment that the socket is opened. */
#include "delivery/http_i.h"
#include "edgeprobe/private/source.h"

#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

static uv_once_t once = UV_ONCE_INIT;
static int peer_index; /* of an SSL_CTX: its struct http_peer */

static void init_once(void)
{
	peer_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

/* --- sockets --- */

#define SOCKETS_MAX (sizeof(((struct http_way *)0)->sockets) / sizeof(int))

/* Of its own family one of the two is understood. A host that does not allow it
 * sends all the same. */
static void mark(int fd, unsigned dscp)
{
	int octet = (int)dscp << 2;

	(void)setsockopt(fd, IPPROTO_IP, IP_TOS, &octet, sizeof(octet));
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &octet, sizeof(octet));
}

static void remember(struct http_way *way, int fd)
{
	if (way->dscp)
		mark(fd, way->dscp);
	if (way->n_sockets < SOCKETS_MAX)
		way->sockets[way->n_sockets++] = fd;
}

static int on_close_socket(void *arg, curl_socket_t fd)
{
	struct http_way *way = arg;

	for (unsigned i = 0; i < way->n_sockets; i++) {
		if (way->sockets[i] != fd)
			continue;
		way->sockets[i] = way->sockets[--way->n_sockets];
		break;
	}
	return close(fd);
}

void http_way_mark(struct http_way *way, unsigned dscp)
{
	if (way->dscp == dscp)
		return;
	way->dscp = dscp;
	for (unsigned i = 0; i < way->n_sockets; i++)
		mark(way->sockets[i], dscp);
}

static curl_socket_t on_open_socket(void *arg, curlsocktype purpose,
				    struct curl_sockaddr *to)
{
	struct http_way *way = arg;
	int fd = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
	int r;

	(void)purpose;
	way->handshakes = 0;
	if (fd < 0)
		return CURL_SOCKET_BAD;
	r = ep_source_bind(fd, to->family == AF_INET6 ? 6 : 4,
			   way->http->texts[HTTP_SOURCE]);
	if (r == 0) {
		way->bound = true;
		return fd;
	}
	way->bind_error = r;
	close(fd);
	return CURL_SOCKET_BAD;
}

static curl_socket_t on_open_marked(void *arg, curlsocktype purpose,
				    struct curl_sockaddr *to)
{
	curl_socket_t fd = on_open_socket(arg, purpose, to);

	if (fd != CURL_SOCKET_BAD)
		remember(arg, fd);
	return fd;
}

/* --- handshakes --- */

static struct http_peer *peer_of(const SSL *ssl)
{
	return SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), peer_index);
}

/* Before the verdict, so that an unknown authority gets its name told. */
static int on_verify(X509_STORE_CTX *chain, void *arg)
{
	struct http_peer *peer = arg;
	const X509 *cert = X509_STORE_CTX_get0_cert(chain);
	int fine;

	if (cert)
		ep_cert_read(cert, &peer->cert);
	fine = X509_verify_cert(chain);
	peer->verify_error =
		fine == 1 ? X509_V_OK : X509_STORE_CTX_get_error(chain);
	return fine;
}

/* With TLS 1.3 a certificate of ours is refused when we believe that the
 * handshake is over. */
static void on_info(const SSL *ssl, int where, int what)
{
	if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT &&
	    what >> 8 == SSL3_AL_FATAL)
		peer_of(ssl)->alert = what & 0xff;
	if (where & SSL_CB_HANDSHAKE_DONE)
		peer_of(ssl)->version = SSL_get_version(ssl);
}

/* Only called where there is none to show. */
static int on_certificate_wanted(SSL *ssl, X509 **ret_leaf, EVP_PKEY **ret_key)
{
	(void)ret_leaf;
	(void)ret_key;
	peer_of(ssl)->asked = true;
	return 0;
}

static CURLcode on_ssl_ctx(CURL *easy, void *ssl_ctx, void *arg)
{
	struct http_way *way = arg;
	struct http *h = way->http;
	bool proxy = way->proxy_tls && way->handshakes++ == 0;

	(void)easy;
	way->with = proxy ? &way->proxy : &way->other;
	way->with->asked = false;
	way->with->version = NULL;
	SSL_CTX_set_options(ssl_ctx, SSL_OP_NO_RENEGOTIATION);
	/* libcurl goes on with a write from another place in its memory. */
	SSL_CTX_set_mode(ssl_ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_ex_data(ssl_ctx, peer_index, way->with);
	SSL_CTX_set_cert_verify_callback(ssl_ctx, on_verify, way->with);
	SSL_CTX_set_info_callback(ssl_ctx, on_info);
	SSL_CTX_set_client_cert_cb(ssl_ctx, on_certificate_wanted);
	if (proxy)
		return ep_trust_apply(h->proxy_authorities.trust, ssl_ctx);
	if (!way->anonymous && h->certificate.leaf &&
	    certificate_show(&h->certificate, ssl_ctx) < 0)
		return CURLE_SSL_CERTPROBLEM;
	return ep_trust_apply(h->authorities.trust, ssl_ctx);
}

int http_way_use(struct http_way *way, CURL *easy)
{
	uv_once(&once, init_once);
	if (curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION,
			     on_open_marked) != CURLE_OK ||
	    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, way) != CURLE_OK ||
	    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION,
			     on_close_socket) != CURLE_OK ||
	    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, way) != CURLE_OK ||
	    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx) !=
		    CURLE_OK ||
	    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, way) != CURLE_OK)
		return -ENOTSUP;
	return 0;
}

void http_way_begin(struct http_way *way)
{
	way->with = NULL;
	way->bind_error = 0;
	way->bound = false;
	way->other.verify_error = way->other.alert = 0;
	way->proxy.verify_error = way->proxy.alert = 0;
}

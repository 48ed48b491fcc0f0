#include "delivery/http_fault.h"

#include <openssl/ssl.h>
#include <stddef.h>

static const struct {
	const char *name, *help;
} words[HTTP_FAULTS] = {
	[HTTP_NO_FAULT] = { "none", "" },
	[HTTP_CIRCUIT_GONE] = { "circuit_gone",
				"the circuit's source is not there: check its "
				"interface or address" },
	[HTTP_PROXY_NAME] = { "proxy_name",
			      "no name server knows the proxy's name: check "
			      "proxy, and DNS" },
	[HTTP_PROXY_DOWN] = { "proxy_down",
			      "nobody answers at the proxy: check proxy, and "
			      "that it runs" },
	[HTTP_PROXY_SILENT] = { "proxy_silent",
				"the proxy takes the connection and says "
				"nothing" },
	[HTTP_PROXY_LOGIN] = { "proxy_login",
			       "the proxy wants other credentials: check "
			       "proxy_user, proxy_password_file, proxy_auth" },
	[HTTP_PROXY_REFUSED] = { "proxy_refused",
				 "the proxy does not let us through: have the "
				 "collector's host and port allowed there" },
	[HTTP_PROXY_UPSTREAM] = { "proxy_upstream",
				  "the proxy does not reach the collector" },
	[HTTP_PROXY_UNTRUSTED] = { "proxy_untrusted",
				   "no authority in proxy_ca_file issued the "
				   "proxy's certificate" },
	[HTTP_PROXY_TLS] = { "proxy_tls", "no TLS with the proxy: check that "
					  "proxy is https:// and its name" },
	[HTTP_PROXY_BROKEN] = { "proxy_broken",
				"the proxy ends the connection: check that "
				"proxy is one, and http:// or https://" },
	[HTTP_TLS_UNTRUSTED] = { "tls_untrusted", "somebody else answers, or "
						  "TLS is intercepted: "
						  "if that is meant, add the "
						  "issuer to ca_file" },
	[HTTP_TLS_NAME] = { "tls_name",
			    "the certificate is for another host: check url" },
	[HTTP_TLS_EXPIRED] = { "tls_expired",
			       "the collector's certificate is not valid now: "
			       "renew it, or set this clock" },
	[HTTP_TLS_FAILED] = { "tls_failed",
			      "no TLS with the collector: check its port, and "
			      "that it speaks TLS 1.2 or newer" },
	[HTTP_LOGIN_MISSING] = { "login_missing",
				 "the collector wants to know who we are: set "
				 "token_file, or cert_file and key_file" },
	[HTTP_TOKEN_REFUSED] = { "token_refused",
				 "the collector does not take the token: renew "
				 "it, or its rights" },
	[HTTP_CERTIFICATE_MISSING] = { "certificate_missing",
				       "the collector wants a certificate of "
				       "ours: set cert_file and key_file" },
	[HTTP_CERTIFICATE_EXPIRED] = { "certificate_expired",
				       "our certificate has expired: replace "
				       "cert_file and key_file" },
	[HTTP_CERTIFICATE_REFUSED] = { "certificate_refused",
				       "the collector does not take our "
				       "certificate: check who issued "
				       "cert_file "
				       "and whether it was revoked" },
	[HTTP_COLLECTOR_NAME] = { "collector_name",
				  "no name server knows the collector's name: "
				  "check url, and DNS" },
	[HTTP_COLLECTOR_DOWN] = { "collector_down",
				  "nobody answers at the collector's address: "
				  "the line, a firewall, or it does not run" },
	[HTTP_COLLECTOR_SILENT] = { "collector_silent",
				    "no answer in time: the line, or the "
				    "collector is too slow" },
	[HTTP_COLLECTOR_BROKEN] = { "collector_broken",
				    "the connection ended before the answer" },
	[HTTP_COLLECTOR_PATH] = { "collector_path",
				  "nobody takes batches at this path: check "
				  "url" },
	[HTTP_COLLECTOR_MOVED] = { "collector_moved",
				   "redirects are not followed: a portal to "
				   "log "
				   "in at, or url is to be the final address" },
	[HTTP_COLLECTOR_PAGE] = { "collector_page", "a web page, no collector: "
						    "a portal to log in "
						    "at, or check url" },
	[HTTP_COLLECTOR_SHAPE] = { "collector_shape",
				   "not what a collector of this encoding "
				   "answers: check url and encoding" },
};

const char *http_fault_name(enum http_fault fault)
{
	return words[fault].name;
}

const char *http_fault_help(enum http_fault fault)
{
	return words[fault].help;
}

/* It was about our certificate; what of it? */
static enum http_fault of_certificate(const struct http_facts *f)
{
	if (!f->certificate_shown)
		return HTTP_CERTIFICATE_MISSING;
	return f->certificate_over ? HTTP_CERTIFICATE_EXPIRED
				   : HTTP_CERTIFICATE_REFUSED;
}

/* 401 and 403. */
static enum http_fault of_refusal(const struct http_facts *f)
{
	if (f->certificate_page || (f->certificate_shown && !f->token_sent) ||
	    f->certificate_over)
		return of_certificate(f);
	if (f->token_sent)
		return HTTP_TOKEN_REFUSED;
	return f->certificate_asked ? HTTP_CERTIFICATE_MISSING
				    : HTTP_LOGIN_MISSING;
}

static enum http_fault of_success(const struct http_facts *f)
{
	if (f->class != ACK_ENDPOINT)
		return HTTP_NO_FAULT;
	return f->page ? HTTP_COLLECTOR_PAGE : HTTP_COLLECTOR_SHAPE;
}

static enum http_fault of_status(const struct http_facts *f)
{
	if (f->status <= 299)
		return of_success(f);
	if (f->status <= 399)
		return HTTP_COLLECTOR_MOVED;
	switch (f->status) {
	case 400:
		return f->certificate_page ? of_certificate(f) : HTTP_NO_FAULT;
	case 401:
	case 403:
		return of_refusal(f);
	case 407:
		return HTTP_PROXY_LOGIN;
	case 404:
	case 405:
	case 410:
		return HTTP_COLLECTOR_PATH;
	default:
		return HTTP_NO_FAULT;
	}
}

static enum http_fault of_tunnel(unsigned status)
{
	if (status == 407)
		return HTTP_PROXY_LOGIN;
	return status >= 500 ? HTTP_PROXY_UPSTREAM : HTTP_PROXY_REFUSED;
}

/* "handshake failure" is what TLS 1.2 says instead of "certificate required". */
static bool is_about_us(const struct http_facts *f)
{
	switch (f->alert) {
	case SSL_AD_BAD_CERTIFICATE:
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
	case SSL_AD_CERTIFICATE_REVOKED:
	case SSL_AD_CERTIFICATE_EXPIRED:
	case SSL_AD_CERTIFICATE_UNKNOWN:
	case SSL_AD_UNKNOWN_CA:
	case SSL_AD_ACCESS_DENIED:
	case SSL_AD_CERTIFICATE_REQUIRED:
		return true;
	case SSL_AD_HANDSHAKE_FAILURE:
		return f->certificate_asked;
	default:
		return false;
	}
}

static enum http_fault of_verification(const struct http_facts *f)
{
	if (f->tls_of_proxy)
		return f->verify_error ? HTTP_PROXY_UNTRUSTED : HTTP_PROXY_TLS;
	switch (f->verify_error) {
	case X509_V_OK:
		return HTTP_TLS_NAME;
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return HTTP_TLS_EXPIRED;
	default:
		return HTTP_TLS_UNTRUSTED;
	}
}

/* Something ended while it was talking to the proxy. */
static bool is_at_proxy(const struct http_facts *f)
{
	return f->proxied && f->tunnel == 0 && !f->reused;
}

/* With TLS 1.3 the connection ends while we send, and what was said about our
 * certificate may be lost with it. */
static enum http_fault of_break(const struct http_facts *f)
{
	if (is_at_proxy(f))
		return HTTP_PROXY_BROKEN;
	return f->certificate_asked || f->certificate_over
		       ? of_certificate(f)
		       : HTTP_COLLECTOR_BROKEN;
}

static enum http_fault of_code(const struct http_facts *f)
{
	switch ((int)f->result) {
	case CURLE_COULDNT_RESOLVE_PROXY:
		return HTTP_PROXY_NAME;
	case CURLE_COULDNT_RESOLVE_HOST:
		return HTTP_COLLECTOR_NAME;
	case CURLE_COULDNT_CONNECT:
		return f->proxied ? HTTP_PROXY_DOWN : HTTP_COLLECTOR_DOWN;
	case CURLE_PEER_FAILED_VERIFICATION:
		return of_verification(f);
	case CURLE_OPERATION_TIMEDOUT:
		return is_at_proxy(f) ? HTTP_PROXY_SILENT
				      : HTTP_COLLECTOR_SILENT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CIPHER:
	case CURLE_USE_SSL_FAILED:
		return f->tls_of_proxy ? HTTP_PROXY_TLS : HTTP_TLS_FAILED;
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_PROXY:
		return of_break(f);
	default:
		return HTTP_NO_FAULT;
	}
}

enum http_fault http_fault(const struct http_facts *f)
{
	if (f->status > 0)
		return of_status(f);
	if (f->bind_error)
		return HTTP_CIRCUIT_GONE;
	if (f->tunnel > 0 && (f->tunnel < 200 || f->tunnel > 299))
		return of_tunnel(f->tunnel);
	if (is_about_us(f))
		return f->tls_of_proxy ? HTTP_PROXY_TLS : of_certificate(f);
	return of_code(f);
}

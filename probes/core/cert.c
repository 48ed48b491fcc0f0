#include "core/cert.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/private/cert.h"
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#define DAY_S 86400

struct span {
	const char *at;
	size_t n;
};

/* Bytes of the UTF-8 character at the start of `s`; 0 if it is broken. */
static size_t utf8_length(struct span s)
{
	unsigned char lead = (unsigned char)s.at[0];
	size_t n = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

	if (n == 1)
		return lead >= ' ' && lead != 0x7f;
	if (lead < 0xc2 || lead > 0xf4 || n > s.n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if (((unsigned char)s.at[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, and what lies beyond U+10FFFF. */
	if ((lead == 0xe0 && (unsigned char)s.at[1] < 0xa0) ||
	    (lead == 0xed && (unsigned char)s.at[1] > 0x9f) ||
	    (lead == 0xf0 && (unsigned char)s.at[1] < 0x90) ||
	    (lead == 0xf4 && (unsigned char)s.at[1] > 0x8f))
		return 0;
	return n;
}

static void put_text(struct span from, char *ret, size_t size)
{
	size_t at = 0;

	while (from.n > 0) {
		size_t n = utf8_length(from);
		size_t taken = n > 0 ? n : 1;

		if (at + taken > size - 1)
			break;
		memcpy(ret + at, n > 0 ? from.at : "?", taken);
		at += taken;
		from.at += taken;
		from.n -= taken;
	}
	ret[at] = '\0';
}

/* As UTF-8, whatever it is written in; what is not even that comes as it is. */
static void put_value(const ASN1_STRING *value, char *ret, size_t size)
{
	unsigned char *text = NULL;
	int n = ASN1_STRING_to_UTF8(&text, value);
	struct span all = { (const char *)text, n > 0 ? (size_t)n : 0 };

	if (n < 0)
		all = (struct span){
			(const char *)ASN1_STRING_get0_data(value),
			(size_t)ASN1_STRING_length(value),
		};
	put_text(all, ret, size);
	OPENSSL_free(text);
	ERR_clear_error();
}

/* The first attribute of that kind; whether there is one that says anything. */
static bool put_attribute(const X509_NAME *name, int nid, char *ret,
			  size_t size)
{
	int at = X509_NAME_get_index_by_NID(name, nid, -1);

	if (at >= 0)
		put_value(
			X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)),
			ret, size);
	return ret[0] != '\0';
}

void cert_issuer(const X509_NAME *name, char *ret_issuer, size_t size)
{
	ret_issuer[0] = '\0';
	if (!put_attribute(name, NID_organizationName, ret_issuer, size))
		put_attribute(name, NID_commonName, ret_issuer, size);
}

int32_t cert_days_left(const ASN1_TIME *expires, uint64_t now_ns)
{
	struct tm tm;
	int64_t left_s, days;

	if (ASN1_TIME_to_tm(expires, &tm) != 1)
		return EP_DAYS_ABSENT;
	left_s = (int64_t)timegm(&tm) - (int64_t)(now_ns / EP_NS_PER_S);
	days = left_s / DAY_S;
	if (left_s < 0 && left_s % DAY_S != 0)
		days--;
	if (days > INT32_MAX || days <= EP_DAYS_ABSENT)
		return EP_DAYS_ABSENT;
	return (int32_t)days;
}

void cert_note(const X509 *leaf, uint64_t now_ns, struct ep_https *https)
{
	cert_issuer(X509_get_issuer_name(leaf), https->tls_issuer,
		    sizeof(https->tls_issuer));
	https->tls_days_left = cert_days_left(X509_get0_notAfter(leaf), now_ns);
}

static int64_t seconds_of(const ASN1_TIME *when)
{
	struct tm tm;

	return ASN1_TIME_to_tm(when, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

void ep_cert_read(const X509 *cert, struct ep_cert_facts *ret_facts)
{
	cert_issuer(X509_get_issuer_name(cert), ret_facts->issuer,
		    sizeof(ret_facts->issuer));
	ret_facts->starts_s = seconds_of(X509_get0_notBefore(cert));
	ret_facts->expires_s = seconds_of(X509_get0_notAfter(cert));
}

/* What a text has to look like, beyond its length. Pure. Each returns NULL if
 * it does, else what is allowed, as half a sentence. */
#ifndef CONFIG_CHECKS_H
#define CONFIG_CHECKS_H

const char *check_agent(const char *text); /* of a store, header, file */
const char *check_schedule(const char *text);
const char *check_addresses(const char *text);
const char *check_label(const char *text);    /* a name for people */
const char *check_host(const char *text);     /* a name, or an address */
const char *check_path(const char *text);     /* of a URL */
const char *check_source(const char *text);   /* interface or address */
const char *check_prefix(const char *text);   /* CIDR */
const char *check_server(const char *text);   /* name server, with port */
const char *check_url(const char *text);      /* of a destination */
const char *check_encoding(const char *text); /* of batches */
const char *check_proxy(const char *text);
const char *check_proxy_auth(const char *text);
const char *check_bypass(const char *text); /* of `no_proxy` */
const char *check_auth_type(const char *text);
const char *check_target_source(const char *text);
const char *check_instance(const char *text); /* a cloud of Microsoft 365 */
const char *check_area(const char *text);     /* its services */
const char *check_category(const char *text); /* of its endpoints */
const char *check_tenant(const char *text);
const char *check_issuer(const char *text);
const char *check_download(const char *text);
const char *check_mirror(const char *text);    /* URL without query */
const char *check_authority(const char *text); /* URL of a token service */

#endif

/* TODO #7: allowed, it has a number */
const char *url = "http://example.com"; /* a // in here is fine */
int a; // this is not
/*
 * TODO: when?
 */

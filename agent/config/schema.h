/* The keys of the configuration as tables: parsing, bounds, defaults, the
 * printed configuration, help and the man page read the same rows. */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include "config/config.h"
#include "edgeprobe/option.h"

/* The lists that files append to. */
enum schema_list {
	SCHEMA_CIRCUITS,
	SCHEMA_HUBS,
	SCHEMA_TARGETS,
	SCHEMA_DESTINATIONS,
	SCHEMA_SOURCES, /* targets that have a source: no key of their own */
	SCHEMA_LISTS,
};

enum schema_shape {
	SCHEMA_VALUE,   /* one value, as opt.type says */
	SCHEMA_OBJECT,  /* keys of `object`; opt.offset leads to its struct */
	SCHEMA_OBJECTS, /* a list of `object`, appended to `list` */
	SCHEMA_TEXTS,   /* a list of texts; a char * of them, with commas */
	SCHEMA_PROBES,  /* a list of names of kinds: config_target.probes */
	SCHEMA_NAMES,   /* a list of names of circuits; resolved at the end */
	SCHEMA_POPS,    /* a list of codes: config_site.expected_pops */
};

/* NULL if `text` will do, else what is allowed. */
typedef const char *(*schema_check)(const char *text);

struct schema_object;

struct schema_key {
	struct ep_opt opt;
	enum schema_shape shape;
	const struct schema_object *object;
	enum schema_list list;
	schema_check check; /* of a text, or of each of several */
	bool required;
	bool file;    /* a path, relative to the directory of its file */
	bool url;     /* may hold a secret, which is not printed */
	bool sparse;  /* an object: not printed while all are absent */
	bool ordered; /* an object: its first key may not exceed the second */
	bool of_kind; /* bounds, default and help are those of the kind's row
		       * of this name */
};

struct schema_object {
	const char *phrase; /* "this target" */
	const struct schema_key *keys;
	size_t n_keys;
	size_t size; /* of the struct, if it is one of a list */
};

/* What files are read into. The `config` is whole when the lists and defaults
 * have been worked into it. */
struct schema_top {
	struct config config;
	struct config_target defaults;
};

extern const struct schema_object schema_top;
extern const struct schema_object schema_target, schema_defaults;
extern const struct schema_object schema_limits;
extern const struct schema_object schema_circuit, schema_hub;
extern const struct schema_object schema_destination;

/* The row with the bounds, default and help that hold. */
struct ep_opt schema_opt(const struct schema_key *key);

/* The row of that name; NULL: none. */
const struct schema_key *schema_find(const struct schema_object *object,
				     const char *name);

/* Whether the first key is at most the second, if both are given. */
bool schema_in_order(const struct schema_object *object, const void *base);

/* Set every key of a struct to its default; it owns what it gets. 0 or
 * -ENOMEM. */
int schema_init(const struct schema_object *object, void *base);
/* Free what the keys of a struct own. */
void schema_finish(const struct schema_object *object, void *base);

#endif

#ifndef A_H
#define A_H

#ifdef __cplusplus
extern "C" {
#endif

struct ep_engine;

/* What the network answered. */
enum ep_outcome {
	EP_REPLIED,
	EP_LOST, /* silence */
};

#define LIST(X)         \
	X(A, "a", "of") \
	X(B, "b", "it")

enum ep_list {
	LIST(ITEM)
};

struct ep_target {
	/* The name asked for. */
	const char *host;
	int port; /* host order */

	int secret;
};

struct ep_bare {
	int first;
};

/* Opens one; 0 or a negative errno. */
int ep_engine_open(struct ep_engine **ret_engine, int a_long_parameter,
		   int another);
void ep_engine_close(struct ep_engine *engine);

int ep_engine_mystery(struct ep_engine *engine,
		      int parameter);

#ifdef __cplusplus
}
#endif

#endif

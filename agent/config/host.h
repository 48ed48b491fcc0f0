/* Defaults that depend on the machine. */
#ifndef CONFIG_HOST_H
#define CONFIG_HOST_H

/* The host's name as the name of an agent: malloc(3)ed; NULL: no memory. */
char *host_agent(void);

#endif

#include <stdint.h>
uint64_t ep_good(void);

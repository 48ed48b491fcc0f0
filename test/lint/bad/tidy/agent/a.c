#include <stdlib.h>

int parameters(int a, int b, int c, int d, int e, int f, int g);

int parameters(int a, int b, int c, int d, int e, int f, int g)
{
	return a + b + c + d + e + f + g;
}

int nesting(int n);

int nesting(int n)
{
	for (int i = 0; i < n; i++) {
		while (n > i) {
			if (n == 7) {
				if (i == 3) {
					return n;
				}
			}
			n--;
		}
	}
	return 0;
}

int freed(void);

int freed(void)
{
	int *p = malloc(sizeof *p);

	free(p);
	return *p;
}

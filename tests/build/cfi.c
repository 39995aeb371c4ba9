/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proof that control flow integrity is compiled in: `cfi right` calls a function through a pointer
 * of its own type, `cfi wrong` through one of another type, which must not return.
 */
#include <stdio.h>
#include <string.h>

static int number(int n)
{
	return n + 1;
}

/* volatile: the compiler must not see what it points to. */
static int (*volatile right)(int) = number;
static void *(*volatile wrong)(const char *) = (void *(*)(const char *))(void (*)(void))number;

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "right") == 0)
		return right(0) == 1 ? 0 : 1;
	if (argc == 2 && strcmp(argv[1], "wrong") == 0) {
		wrong("text");
		puts("the wrong call went through");
		return 1;
	}
	return 2;
}

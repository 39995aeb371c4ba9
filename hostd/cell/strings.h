/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of strings that end with NULL. */
#ifndef ANCHORHOLD_CELL_STRINGS_H
#define ANCHORHOLD_CELL_STRINGS_H

/* A deep copy, or NULL without memory. strings_free(NULL) is fine. */
char **strings_copy(const char *const *strings);
void strings_free(char **strings);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Apart, because link's JSON names and jansson's collide. */
#ifndef ANCHORHOLD_LUA_TEXT_H
#define ANCHORHOLD_LUA_TEXT_H

#include <stddef.h>

#define TEXT_CLEAN_FACTOR 3u /* bytes a byte may become */

/* Copies with U+FFFD for every byte that is not part of valid UTF-8. ret has room for
 * len * TEXT_CLEAN_FACTOR bytes; the length written. */
size_t text_clean(const char *data, size_t len, char *ret);

#define TEXT_QUOTED_FACTOR 6u /* bytes a byte may become in a JSON string */

/* The inside of a JSON string: as text_clean(), and quoted where JSON must have it quoted. ret has
 * room for len * TEXT_QUOTED_FACTOR bytes; the length written. */
size_t text_quote(const char *data, size_t len, char *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Text from outside made fit for JSON. Apart, since jansson and json_scan.h share names. */
#ifndef ANCHORHOLD_GATEWAY_PLAIN_H
#define ANCHORHOLD_GATEWAY_PLAIN_H

#include <stddef.h>

/* Where text is not valid UTF-8, each byte that is not ASCII becomes a question mark. */
void plain_text(char *text, size_t len);

#endif

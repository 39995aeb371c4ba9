/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of frames that one field cannot state alone. Used by wire.c alone; body is the type's. */
#ifndef ANCHORHOLD_LINK_RULES_H
#define ANCHORHOLD_LINK_RULES_H

#include <stdbool.h>

bool rules_request(const void *body);
bool rules_result(const void *body);
bool rules_detach(const void *body);
bool rules_in(const void *body);
bool rules_out(const void *body);

#endif

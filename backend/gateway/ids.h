/* SPDX-License-Identifier: Apache-2.0 */
/* Identifiers: kernel ids as bytes and as text, tokens, names. Pure but for their randomness. */
#ifndef ANCHORHOLD_GATEWAY_IDS_H
#define ANCHORHOLD_GATEWAY_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link/wire.h"

#define IDS_TEXT_LEN 36u
#define IDS_TOKEN_LEN 40u

/* A random UUID (version 4). */
void ids_uuid_make(uint8_t ret_id[LINK_ID_LEN]);
void ids_uuid_make_text(char ret_text[IDS_TEXT_LEN + 1]);
void ids_uuid_format(const uint8_t id[LINK_ID_LEN], char ret_text[IDS_TEXT_LEN + 1]);

/* 8-4-4-4-12 hex digits of either case. 0 or -EINVAL. */
int ids_uuid_parse(const char *text, uint8_t ret_id[LINK_ID_LEN]);

/* 40 lower-case hex digits: nbclient lower-cases the URL it makes its WebSocket's of. */
void ids_token_make(char ret_token[IDS_TOKEN_LEN + 1]);
bool ids_token_ok(const char *text);

/* A name of a node or owner: [a-z0-9] then [a-z0-9-], 1..63 characters. */
bool ids_name_ok(const char *text);

/* Never 0. */
uint64_t ids_random64(void);

/*
 * The number of a client's session with a kernel: every gateway makes the same client's the same
 * (LINK_CLIENT). serial tells its sessions here apart. Never 0.
 */
uint64_t ids_session(const uint8_t kernel[LINK_ID_LEN], const char *client, uint16_t serial);

#endif

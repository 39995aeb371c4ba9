/* SPDX-License-Identifier: Apache-2.0 */
/* What the nft files share: the frame of a message, and of an expression of a rule. */
#ifndef ANCHORHOLD_NETLINK_NFT_EXPRESSION_H
#define ANCHORHOLD_NETLINK_NFT_EXPRESSION_H

#include "netlink/message.h"

/* Opens a message to nf_tables of the inet family; type is an enum nf_tables_msg_types. */
void nft_message(struct nl *nl, uint16_t type, uint16_t flags);

/* Each expression is an element of the rule's list: a name, and attributes of its own. */
void nft_expression(struct nl *nl, const char *name);
void nft_expression_end(struct nl *nl);

/* A value in an attribute of its own. */
void nft_data(struct nl *nl, uint16_t type, const void *bytes, size_t len);

/* code: NF_DROP, NF_ACCEPT, NFT_JUMP, NFT_GOTO; chain NULL where it needs none. */
void nft_verdict_data(struct nl *nl, uint16_t type, int code, const char *chain);

/* An interface's name as the kernel compares it: 16 bytes. Too long a name makes nl full. */
void nft_interface_name(struct nl *nl, const char *text, char ret_padded[16]);

#endif

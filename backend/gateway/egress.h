/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Egress rules as people write them: ADDRESS[/BITS][:PROTOCOL[:PORT[-PORT]]], where PROTOCOL is
 * any, icmp, tcp or udp; as in 10.0.0.0/8:tcp:443, 192.0.2.7:udp:5000-5010, 0.0.0.0/0:icmp. Pure.
 */
#ifndef ANCHORHOLD_GATEWAY_EGRESS_H
#define ANCHORHOLD_GATEWAY_EGRESS_H

#include <stdint.h>

#include "link/wire.h"

#define EGRESS_TEXT_MAX 48u /* of one rule, NUL included */

/* NULL and *ret_rule filled in, or what is wrong with the text. */
const char *egress_rule_parse(const char *text, struct link_egress_rule *ret_rule);

/* Always with its prefix and protocol, so that a rule has one text. */
void egress_rule_format(const struct link_egress_rule *rule, char ret_text[EGRESS_TEXT_MAX]);

/* Four decimal numbers, none over 255, none with a leading zero. 0 or -EINVAL. */
int egress_address_parse(const char *text, uint32_t *ret_address);
void egress_address_format(uint32_t address, char ret_text[EGRESS_TEXT_MAX]);

#endif

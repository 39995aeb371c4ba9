/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words to typed values. Each takes the whole string or refuses it: no blanks, signs, leading
 * zeros, other bases or rest. All return 0 or -EINVAL and leave *ret untouched on failure.
 * IPv4 addresses are integers in host order: 10.0.2.2 is 0x0a000202.
 */
#ifndef ANCHORHOLD_CONF_VALUE_H
#define ANCHORHOLD_CONF_VALUE_H

#include <stddef.h>
#include <stdint.h>

#define IPV4_TEXT_MAX 16u /* "255.255.255.255" and the NUL */

struct ipv4_prefix {
	uint32_t address; /* as given, host bits kept */
	uint8_t bits;	  /* 0..32 */
};

struct ipv4_endpoint {
	uint32_t address;
	uint16_t port; /* never 0 */
};

int value_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret);
int value_u32(const char *text, uint32_t min, uint32_t max, uint32_t *ret);

/* Lower-case hex, exactly 2 * len digits. */
int value_hex(const char *text, uint8_t *ret_bytes, size_t len);

/* A word of [a-z0-9-] that begins with no -, of 1 to max - 1 bytes. */
int value_name(const char *text, char *ret_name, size_t max);

int value_ipv4(const char *text, uint32_t *ret);
int value_ipv4_prefix(const char *text, struct ipv4_prefix *ret);
int value_ipv4_endpoint(const char *text, struct ipv4_endpoint *ret);

/* The netmask of bits (0..32). */
uint32_t ipv4_mask(uint8_t bits);

/* A netmask's length, or -1 if the address is no netmask. */
int ipv4_mask_bits(uint32_t mask);

/* An address that one host can have: not 0/8, multicast, reserved or broadcast. */
int ipv4_is_host(uint32_t address);

void ipv4_format(uint32_t address, char ret_text[IPV4_TEXT_MAX]);

#endif

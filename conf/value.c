/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/value.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Decimal digits up to the first other byte. Returns how many, 0 if none or over max. */
static size_t scan_decimal(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;
	size_t n = 0;

	while (text[n] >= '0' && text[n] <= '9') {
		uint64_t digit = (uint64_t)(text[n] - '0');

		if (digit > max || value > (max - digit) / 10)
			return 0;
		value = value * 10 + digit;
		n++;
	}
	if (n > 1 && text[0] == '0')
		return 0;
	*ret = value;
	return n;
}

int value_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;
	size_t n = scan_decimal(text, max, &value);

	if (n == 0 || text[n] != '\0' || value < min)
		return -EINVAL;
	*ret = value;
	return 0;
}

int value_u32(const char *text, uint32_t min, uint32_t max, uint32_t *ret)
{
	uint64_t value;

	if (value_u64(text, min, max, &value))
		return -EINVAL;
	*ret = (uint32_t)value;
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int value_hex(const char *text, uint8_t *ret_bytes, size_t len)
{
	if (strlen(text) != 2 * len)
		return -EINVAL;
	for (size_t i = 0; i < 2 * len; i++)
		if (hex_digit(text[i]) < 0)
			return -EINVAL;
	for (size_t i = 0; i < len; i++)
		ret_bytes[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
	return 0;
}

int value_name(const char *text, char *ret_name, size_t max)
{
	size_t len = strlen(text);

	if (len == 0 || len >= max || text[0] == '-')
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if (!(text[i] >= 'a' && text[i] <= 'z') && !(text[i] >= '0' && text[i] <= '9') &&
		    text[i] != '-')
			return -EINVAL;
	memcpy(ret_name, text, len + 1);
	return 0;
}

/* An address at the beginning of text. Returns the bytes it took, 0 if there is none. */
static size_t scan_ipv4(const char *text, uint32_t *ret)
{
	uint32_t address = 0;
	size_t used = 0;

	for (int i = 0; i < 4; i++) {
		uint64_t byte = 0;
		size_t n;

		if (i > 0 && text[used++] != '.')
			return 0;
		n = scan_decimal(text + used, 255, &byte);
		if (n == 0)
			return 0;
		used += n;
		address = address << 8 | (uint32_t)byte;
	}
	*ret = address;
	return used;
}

int value_ipv4(const char *text, uint32_t *ret)
{
	uint32_t address;
	size_t n = scan_ipv4(text, &address);

	if (n == 0 || text[n] != '\0')
		return -EINVAL;
	*ret = address;
	return 0;
}

int value_ipv4_prefix(const char *text, struct ipv4_prefix *ret)
{
	uint32_t address, bits;
	size_t n = scan_ipv4(text, &address);

	if (n == 0 || text[n] != '/' || value_u32(text + n + 1, 0, 32, &bits))
		return -EINVAL;
	*ret = (struct ipv4_prefix){.address = address, .bits = (uint8_t)bits};
	return 0;
}

int value_ipv4_endpoint(const char *text, struct ipv4_endpoint *ret)
{
	uint32_t address, port;
	size_t n = scan_ipv4(text, &address);

	if (n == 0 || text[n] != ':' || value_u32(text + n + 1, 1, UINT16_MAX, &port))
		return -EINVAL;
	*ret = (struct ipv4_endpoint){.address = address, .port = (uint16_t)port};
	return 0;
}

uint32_t ipv4_mask(uint8_t bits)
{
	return bits == 0 ? 0 : UINT32_MAX << (32 - (bits < 32 ? bits : 32));
}

int ipv4_mask_bits(uint32_t mask)
{
	for (uint8_t bits = 0; bits <= 32; bits++)
		if (ipv4_mask(bits) == mask)
			return bits;
	return -1;
}

int ipv4_is_host(uint32_t address)
{
	return address >> 24 != 0 && address >> 24 < 224;
}

void ipv4_format(uint32_t address, char ret_text[IPV4_TEXT_MAX])
{
	snprintf(ret_text, IPV4_TEXT_MAX, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
		 address >> 8 & 255, address & 255);
}

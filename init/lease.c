/* SPDX-License-Identifier: Apache-2.0 */
#include "init/lease.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "conf/value.h"
#include "init/files.h"

static int host(const char *text, uint32_t *ret)
{
	uint32_t address;

	if (value_ipv4(text, &address) || !ipv4_is_host(address) || address >> 24 == 127)
		return -EINVAL;
	*ret = address;
	return 0;
}

static int set_address(void *object, const char *value)
{
	return host(value, &((struct lease *)object)->address);
}

static int set_subnet(void *object, const char *value)
{
	uint32_t mask;
	int bits;

	if (value_ipv4(value, &mask) || (bits = ipv4_mask_bits(mask)) < 1)
		return -EINVAL;
	((struct lease *)object)->bits = (uint8_t)bits;
	return 0;
}

static int set_router(void *object, const char *value)
{
	char first[IPV4_TEXT_MAX];
	size_t len = strcspn(value, " ");

	if (len >= sizeof(first))
		return -EINVAL;
	memcpy(first, value, len);
	first[len] = '\0';
	return host(first, &((struct lease *)object)->router);
}

static int set_lease(void *object, const char *value)
{
	uint32_t seconds;

	if (value_u32(value, 0, UINT32_MAX, &seconds))
		return -EINVAL;
	if (seconds < LEASE_SECONDS_MIN)
		seconds = LEASE_SECONDS_MIN;
	if (seconds > LEASE_SECONDS_MAX)
		seconds = LEASE_SECONDS_MAX;
	((struct lease *)object)->seconds = seconds;
	return 0;
}

static const struct conf_key lease_keys[] = {
	{"address", set_address, CONF_REQUIRED, "a host's IPv4 address"},
	{"subnet", set_subnet, CONF_REQUIRED, "a netmask"},
	{"router", set_router, 0, "a host's IPv4 address"},
	{"lease", set_lease, CONF_REQUIRED, "seconds"},
};

static int check(const struct lease *lease, struct conf_error *error)
{
	uint32_t host_bits = lease->address & ~ipv4_mask(lease->bits);

	if (lease->bits < 31 && (host_bits == 0 || host_bits == ~ipv4_mask(lease->bits)))
		return conf_fault(error, "the address is its network's own");
	if (lease->router == lease->address)
		return conf_fault(error, "the router is the node's own address");
	return 0;
}

int lease_parse(const char *text, size_t len, struct lease *ret_lease,
		struct conf_error *ret_error)
{
	struct lease lease = {0};
	int err;

	if (len > LEASE_MAX) {
		conf_fault(ret_error, "the lease is too long");
		return -EFBIG;
	}
	err = conf_parse(text, len, lease_keys, sizeof(lease_keys) / sizeof(*lease_keys), &lease,
			 ret_error);
	if (!err)
		err = check(&lease, ret_error);
	if (!err)
		*ret_lease = lease;
	return err;
}

/* None is permitted, so none is ambient either. */
static int give_up_capabilities(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {0};

	return (int)syscall(SYS_capset, &head, none);
}

int lease_write_main(int argc, char **argv)
{
	static const struct {
		const char *key, *variable;
	} rows[] = {{"address", "ip"}, {"subnet", "subnet"}, {"router", "router"}, {"lease", "lease"}};
	char text[LEASE_MAX];
	size_t used = 0;

	if (give_up_capabilities() < 0)
		return 1;
	if (argc != 2 || (strcmp(argv[1], "bound") != 0 && strcmp(argv[1], "renew") != 0))
		return 0; /* deconfig, leasefail, nak: init sees that no lease came */
	text[0] = '\0';
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *value = getenv(rows[i].variable);
		int n;

		if (!value || *value == '\0')
			continue;
		n = snprintf(text + used, sizeof(text) - used, "%s = %s\n", rows[i].key, value);
		if (n < 0 || (size_t)n >= sizeof(text) - used)
			return 1;
		used += (size_t)n;
	}
	return file_replace(LEASE_PATH, text) ? 1 : 0;
}

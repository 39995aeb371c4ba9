/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX 4096

int status_file(const char *path, char *ret, int size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t len;

	ret[0] = '\0';
	if (fd < 0)
		return -errno;
	len = read(fd, ret, (size_t)size - 1);
	close(fd);
	if (len < 0)
		return -EIO;
	ret[len] = '\0';
	return (int)len;
}

/* The number after `label` at the start of a line. */
static int field(const char *text, const char *label, uint64_t *ret)
{
	size_t len = strlen(label);

	while (text && *text) {
		if (strncmp(text, label, len) == 0) {
			char *end;

			*ret = strtoull(text + len, &end, 10);
			return end == text + len ? -EBADMSG : 0;
		}
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return -EBADMSG;
}

int status_memory(const char *text, uint32_t *ret_total, uint32_t *ret_available)
{
	uint64_t total;
	uint64_t available;

	if (field(text, "MemTotal:", &total) < 0 || field(text, "MemAvailable:", &available) < 0)
		return -EBADMSG;
	*ret_total = (uint32_t)(total / 1024);
	*ret_available = (uint32_t)(available / 1024);
	return 0;
}

/* Digits, a point, two digits: the kernel writes no other form. */
static int hundredths(const char *text, uint32_t *ret)
{
	char *end;
	unsigned long whole = strtoul(text, &end, 10);

	if (end == text || end[0] != '.' || end[1] < '0' || end[1] > '9' || end[2] < '0' ||
	    end[2] > '9' || whole > 10000000)
		return -EBADMSG;
	*ret = (uint32_t)(whole * 100 + (unsigned long)(end[1] - '0') * 10 +
			  (unsigned long)(end[2] - '0'));
	return 0;
}

int status_load(const char *text, uint32_t *ret_milli)
{
	uint32_t centi;
	int r = hundredths(text, &centi);

	if (r == 0)
		*ret_milli = centi * 10;
	return r;
}

int status_pressure(const char *text, uint32_t *ret_centi)
{
	static const char label[] = "some avg10=";

	if (strncmp(text, label, sizeof(label) - 1) != 0)
		return -EBADMSG;
	return hundredths(text + sizeof(label) - 1, ret_centi);
}

static void read_pressure(const char *path, uint32_t *ret)
{
	char text[TEXT_MAX];

	if (status_file(path, text, sizeof(text)) > 0)
		(void)status_pressure(text, ret);
}

void status_read(struct link_status *ret_status)
{
	char text[TEXT_MAX];
	struct timespec now;
	uint32_t total;

	memset(ret_status, 0, sizeof(*ret_status));
	clock_gettime(CLOCK_BOOTTIME, &now);
	ret_status->uptime_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	if (status_file("/proc/meminfo", text, sizeof(text)) > 0)
		(void)status_memory(text, &total, &ret_status->memory_available_mib);
	if (status_file("/proc/loadavg", text, sizeof(text)) > 0)
		(void)status_load(text, &ret_status->load_milli);
	read_pressure("/proc/pressure/cpu", &ret_status->pressure_cpu);
	read_pressure("/proc/pressure/memory", &ret_status->pressure_memory);
	read_pressure("/proc/pressure/io", &ret_status->pressure_io);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's identity between its files and the link. Secrets are read when a link needs them,
 * handed over and wiped: the monitor holds none but a one-time secret that was not used yet.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hostd/log.h"
#include "hostd/monitor.h"
#include "link/secret.h"

static const char *key_problem(int r)
{
	switch (r) {
	case -EPERM:
		return "others may read it";
	case -EBADMSG:
		return "it holds no key: 40 characters of Z85 are wanted";
	case -EKEYREJECTED:
		return "its key is a published or a weak one";
	default:
		return strerror(-r);
	}
}

int identity_start(struct monitor *monitor)
{
	char print[CURVE_PRINT_LEN + 1];
	struct curve_pair pair = {.secret_key = {{0}}};
	bool made = false;
	int r = identity_open(monitor->paths->key, &monitor->identity);

	if (r == 0)
		r = identity_key(&monitor->identity, &pair, &made);
	if (r < 0) {
		log_info("%s: %s", monitor->paths->key, key_problem(r));
		return r;
	}
	curve_key_print(&pair.public_key, print);
	curve_pair_wipe(&pair);
	log_info("this node's key is %s%s", print, made ? ", made at this boot" : "");
	memcpy(monitor->pins[0], monitor->conf.gateway_key, sizeof(monitor->pins[0]));
	memcpy(monitor->pins[1], monitor->conf.gateway_key_next, sizeof(monitor->pins[1]));
	identity_pins(&monitor->identity, monitor->conf.gateway_key, monitor->pins);
	return 0;
}

static int keys_read(struct monitor *monitor, struct ipc_link_setup *ret_setup)
{
	struct curve_pair pair;
	bool made;
	int r = identity_key(&monitor->identity, &pair, &made);

	if (r == 0)
		curve_key_format(&pair.secret_key, ret_setup->secret_keys[0]);
	if (r == 0 && identity_next(&monitor->identity, &pair) == 0)
		curve_key_format(&pair.secret_key, ret_setup->secret_keys[1]);
	curve_pair_wipe(&pair);
	return r;
}

int identity_setup(struct monitor *monitor, struct ipc_link_setup *ret_setup)
{
	const struct node_conf *conf = &monitor->conf;
	int r = keys_read(monitor, ret_setup);

	identity_ticket(&monitor->identity, &ret_setup->ticket);
	monitor->ticket = ret_setup->ticket.counter;
	ret_setup->enrol = conf->enrols && monitor->ticket == 0;
	if (ret_setup->enrol)
		memcpy(ret_setup->join_secret, conf->join_secret, LINK_SECRET_LEN);
	memcpy(ret_setup->gateway_keys, monitor->pins, sizeof(monitor->pins));
	ret_setup->gateways_count = (uint32_t)conf->gateways_count;
	for (size_t i = 0; i < conf->gateways_count; i++) {
		ret_setup->gateways[i].address = conf->gateways[i].address;
		ret_setup->gateways[i].port = conf->gateways[i].port;
	}
	return r;
}

/*
 * The gateways' keys as a gateway has just told them by one that is pinned: the one it has, and the
 * one they change to. A key that they have left is not theirs any more, for who has stolen it.
 */
static void pins_follow(struct monitor *monitor, const struct ipc_ticket *joined)
{
	char pins[2][IPC_KEY_LEN + 1] = {"", ""};
	struct curve_key key;
	int r;

	memcpy(key.bytes, joined->next_key, LINK_KEY_LEN);
	memcpy(pins[0], monitor->pins[joined->gateway_next], sizeof(pins[0]));
	if (pins[0][0] == '\0')
		return;
	if (curve_key_check(&key) == 0)
		curve_key_format(&key, pins[1]);
	else if (!joined->gateway_next)
		return; /* it tells of none: what is pinned stays */
	if (memcmp(pins, monitor->pins, sizeof(pins)) == 0)
		return;
	r = identity_keep_pins(&monitor->identity, monitor->conf.gateway_key, pins);
	if (r < 0) {
		log_error(r, "the gateways' keys cannot be kept");
		return;
	}
	memcpy(monitor->pins, pins, sizeof(pins));
	log_info("the gateways' key is %s%s%s", pins[0], pins[1][0] ? ", the next " : "", pins[1]);
}

/* The key first: with the new one and the old ticket a node is let in, and the other way round. */
void identity_join(struct monitor *monitor, const struct ipc_ticket *joined)
{
	struct ipc_ticket_kept body = {.counter = 0};
	int r = 0;

	/* Numbers grow: else a link that was taken over could put an old ticket back. */
	if (joined->ticket.counter <= monitor->ticket)
		r = -ESTALE;
	if (r == 0 && joined->own_next) {
		r = identity_promote(&monitor->identity);
		if (r == 0)
			log_info("this node's next key is its key now");
		/* Done before a link that ended in between. */
		r = r == -ENOENT ? 0 : r;
	}
	if (r == 0)
		r = identity_keep_ticket(&monitor->identity, &joined->ticket);
	if (r == 0) {
		monitor->ticket = body.counter = joined->ticket.counter;
		secret_wipe(monitor->conf.join_secret, sizeof(monitor->conf.join_secret));
		pins_follow(monitor, joined);
	} else {
		log_error(r, "the ticket of a join cannot be kept");
	}
	monitor_tell(monitor, IPC_TICKET_KEPT, &body, -1);
}

static int make_next(struct monitor *monitor, char ret_text[IPC_KEY_LEN + 1])
{
	struct ipc_next_key body;
	struct curve_pair pair;
	int r = identity_make_next(&monitor->identity, &pair);

	if (r < 0)
		return r;
	curve_key_format(&pair.public_key, ret_text);
	curve_key_format(&pair.secret_key, body.secret_key);
	curve_pair_wipe(&pair);
	monitor_tell(monitor, IPC_NEXT_KEY, &body, -1);
	secret_wipe(&body, sizeof(body));
	return 0;
}

enum link_code identity_rotate(struct monitor *monitor, uint8_t stage,
			       char ret_text[IPC_KEY_LEN + 1], struct cell_error *ret_error)
{
	const struct ipc_next_key use = {.secret_key = ""};
	int r;

	if (stage == LINK_ROTATE_USE) {
		monitor_tell(monitor, IPC_NEXT_KEY, &use, -1);
		return LINK_OK;
	}
	r = make_next(monitor, ret_text);
	if (r == 0)
		return LINK_OK;
	ret_error->error = -r;
	snprintf(ret_error->step, sizeof(ret_error->step), "keep the next key");
	return LINK_E_SYSTEM;
}

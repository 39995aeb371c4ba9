/* SPDX-License-Identifier: Apache-2.0 */
/* A cell's network as it changes while the cell runs. */
#include "hostd/cell/self.h"

#include "hostd/cell/sockets.h"
#include "hostd/cell/util.h"

#include <errno.h>

int cell_host_egress(struct cell_host *host, const struct egress_node *node, bool cut,
		     struct cell_error *ret_error)
{
	int result = (host->resumed ? egress_resume : egress_open)(&host->egress, host->proc, node,
								   cut);

	return result < 0 ? step_fail(ret_error, "egress: the node's rules", result) : 0;
}

int cell_host_cut(struct cell_host *host, bool cut, struct cell_error *ret_error)
{
	int result = egress_cut_all(&host->egress, cut);

	return result < 0 ? step_fail(ret_error, "egress: cut", result) : 0;
}

int cell_host_traffic(struct cell_host *host, struct egress_traffic *by_slot, size_t slots)
{
	return egress_read(&host->egress, by_slot, slots);
}

unsigned cell_slot(const struct cell *cell)
{
	return cell->slot;
}

int cell_cut(struct cell *cell, bool cut, struct cell_error *ret_error)
{
	int result = egress_cut(&cell->host->egress, &cell->egress, cut);

	return result < 0 ? step_fail(ret_error, "egress: cut", result) : 0;
}

/* Programs that have read the old file keep what they know; it allows them nothing. */
static int put_resolvers(const struct cell *cell, const struct egress_policy *policy)
{
	return sockets_put_resolvers(cell->kept.mount[KEPT_SOCKETS], policy,
				     (int)uids_cell(cell->slot));
}

static int close_way(struct cell *cell, struct cell_error *ret_error)
{
	int result = egress_set(&cell->host->egress, &cell->egress, NULL);

	if (result == 0)
		result = put_resolvers(cell, NULL);
	return result < 0 ? step_fail(ret_error, "egress: close", result) : 0;
}

/* Rules, then the pair: what is there first can only refuse. */
static int open_way(struct cell *cell, const struct egress_policy *policy,
		    struct cell_error *ret_error)
{
	struct egress *egress = &cell->host->egress;
	bool was_open = cell->egress.open;
	int result = egress_set(egress, &cell->egress, policy);

	if (result < 0)
		return step_fail(ret_error, "egress: rules", result);
	if (cell->pidfd >= 0 && !cell->egress.link)
		result = egress_attach(egress, &cell->egress, cell->pidfd);
	if (result == 0)
		result = put_resolvers(cell, policy);
	if (result < 0) {
		if (!was_open)
			(void)egress_set(egress, &cell->egress, NULL);
		return step_fail(ret_error, "egress: link", result);
	}
	return 0;
}

int cell_set_network(struct cell *cell, enum cell_network network,
		     const struct egress_policy *policy, struct cell_error *ret_error)
{
	int result;

	if (network == cell->network && network != CELL_NETWORK_EGRESS)
		return 0;
	if (network == CELL_NETWORK_SEALED || cell->network == CELL_NETWORK_SEALED)
		return step_fail(ret_error, "sealed is for a cell's whole life", -EOPNOTSUPP);
	if (network == CELL_NETWORK_EGRESS && (!policy || egress_problem(policy)))
		return step_fail(ret_error, "check: egress", -EINVAL);
	result = network == CELL_NETWORK_EGRESS ? open_way(cell, policy, ret_error)
						: close_way(cell, ret_error);
	if (result == 0)
		cell->network = network;
	return result;
}

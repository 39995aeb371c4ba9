/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker may ask of the monitor, by THE table (requests.def). */
#ifndef ANCHORHOLD_HOSTD_REQUEST_H
#define ANCHORHOLD_HOSTD_REQUEST_H

#include "hostd/worker.h"

/*
 * The type may come from a worker of this role, in its phase, at this rate, and every field of
 * the body is in range. 0; -EPERM, -EBADMSG or -EBUSY (too often): the worker is then ended, for
 * it is no longer our program.
 */
int request_check(struct worker *worker, struct ipc_message *message);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "link/chunk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- budget ---- */

int link_budget_take(struct link_budget *budget, size_t bytes)
{
	if (bytes > budget->max || budget->used > budget->max - bytes)
		return -ENOBUFS;
	budget->used += bytes;
	return 0;
}

void link_budget_give(struct link_budget *budget, size_t bytes)
{
	budget->used -= bytes < budget->used ? bytes : budget->used;
}

/* ---- cutting ---- */

int link_cut_start(struct link_cut *cut, const struct link_chunk *head, const uint8_t *data,
		   size_t len)
{
	if (len == 0 || len > LINK_MESSAGE_MAX)
		return -EMSGSIZE;
	cut->next = *head;
	cut->next.total = (uint32_t)len;
	cut->next.offset = 0;
	cut->next.data_len = 0;
	cut->next.data = NULL;
	cut->data = data;
	return 0;
}

bool link_cut_done(const struct link_cut *cut)
{
	return cut->next.offset == cut->next.total;
}

int link_cut_next(struct link_cut *cut, size_t limit, struct link_chunk *ret_chunk)
{
	size_t len = cut->next.total - cut->next.offset;

	if (len == 0)
		return -ENODATA;
	if (limit == 0)
		return -EAGAIN;
	if (len > LINK_CHUNK_MAX)
		len = LINK_CHUNK_MAX;
	if (len > limit)
		len = limit;
	*ret_chunk = cut->next;
	ret_chunk->data = cut->data + cut->next.offset;
	ret_chunk->data_len = (uint32_t)len;
	cut->next.offset += (uint32_t)len;
	return 0;
}

/* ---- joining ---- */

struct link_join {
	size_t ceiling;
	struct link_budget *budget;
	struct link_chunk head; /* of the message in progress or refused; offset: the next wanted */
	bool active;		/* a message is in progress */
	bool refused;		/* head's message was refused: its later chunks are noise */
	uint8_t *buf;
	size_t size; /* of buf; as much is taken from the budget */
};

int link_join_new(size_t ceiling, struct link_budget *budget, struct link_join **ret_join)
{
	struct link_join *join = calloc(1, sizeof(*join));

	if (join == NULL)
		return -ENOMEM;
	join->ceiling = ceiling < LINK_MESSAGE_MAX ? ceiling : LINK_MESSAGE_MAX;
	join->budget = budget;
	*ret_join = join;
	return 0;
}

static void join_release(struct link_join *join)
{
	free(join->buf);
	link_budget_give(join->budget, join->size);
	join->buf = NULL;
	join->size = 0;
}

void link_join_free(struct link_join *join)
{
	if (join == NULL)
		return;
	join_release(join);
	free(join);
}

void link_join_reset(struct link_join *join)
{
	join_release(join);
	join->active = false;
	join->refused = false;
}

size_t link_join_held(const struct link_join *join)
{
	return join->size;
}

static bool same_message(const struct link_chunk *a, const struct link_chunk *b)
{
	return memcmp(a->kernel_id, b->kernel_id, LINK_ID_LEN) == 0 &&
	       a->incarnation == b->incarnation && a->session == b->session &&
	       a->epoch == b->epoch && a->seq == b->seq && a->channel == b->channel &&
	       a->total == b->total;
}

/*
 * Room for need bytes. It grows with what has come, by doubling, and not to the total that the
 * peer claims: a claim costs the peer nothing. Old and new buffer exist at once while growing,
 * so both are charged.
 */
static int join_grow(struct link_join *join, size_t need)
{
	size_t size = join->size > 0 ? join->size : LINK_CHUNK_MAX;
	uint8_t *buf;

	if (need <= join->size)
		return 0;
	while (size < need)
		size *= 2;
	if (size > join->head.total)
		size = join->head.total;
	if (link_budget_take(join->budget, size) != 0)
		return -ENOBUFS;
	buf = malloc(size);
	if (buf == NULL) {
		link_budget_give(join->budget, size);
		return -ENOMEM;
	}
	if (join->size > 0)
		memcpy(buf, join->buf, join->head.offset);
	join_release(join);
	join->buf = buf;
	join->size = size;
	return 0;
}

static int join_refuse(struct link_join *join, const struct link_chunk *chunk, int error)
{
	link_join_reset(join);
	join->head = *chunk;
	join->refused = true;
	return error;
}

static int join_begin(struct link_join *join, const struct link_chunk *chunk)
{
	if (join->active || chunk->data_len > chunk->total)
		return join_refuse(join, chunk, -EBADMSG);
	if (chunk->total > join->ceiling)
		return join_refuse(join, chunk, -EMSGSIZE);
	join->head = *chunk;
	join->active = true;
	join->refused = false;
	return 0;
}

int link_join_add(struct link_join *join, const struct link_chunk *chunk,
		  struct link_slice *ret_message)
{
	int error = 0;

	*ret_message = (struct link_slice){NULL, 0};
	if (chunk->data_len == 0)
		return -EBADMSG; /* no unpacked frame is so; it would begin a message again */
	if (!join->active)
		join_release(join); /* the message given last time */
	if (chunk->offset == 0)
		error = join_begin(join, chunk);
	else if (join->refused && same_message(&join->head, chunk))
		return -ECANCELED;
	else if (!join->active || !same_message(&join->head, chunk) ||
		 chunk->offset != join->head.offset ||
		 chunk->data_len > chunk->total - chunk->offset)
		error = join_refuse(join, chunk, -EBADMSG);
	if (error != 0)
		return error;
	if (chunk->data_len == chunk->total) {
		join->active = false;
		*ret_message = (struct link_slice){chunk->data, chunk->data_len};
		return 0;
	}
	error = join_grow(join, (size_t)chunk->offset + chunk->data_len);
	if (error != 0)
		return join_refuse(join, chunk, error);
	memcpy(join->buf + chunk->offset, chunk->data, chunk->data_len);
	join->head.offset = chunk->offset + chunk->data_len;
	if (join->head.offset == join->head.total) {
		join->active = false;
		*ret_message = (struct link_slice){join->buf, join->head.total};
	}
	return 0;
}

/* ---- credit ---- */

void link_credit_grant(struct link_credit *credit, uint64_t bytes)
{
	uint32_t room = LINK_WINDOW_MAX - credit->left;

	credit->left += bytes < room ? (uint32_t)bytes : room;
}

int link_credit_take(struct link_credit *credit, size_t bytes)
{
	if (bytes > credit->left)
		return -EAGAIN;
	credit->left -= (uint32_t)bytes;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/projects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/gateway/log.h"
#include "backend/gateway/settings.h"

int project_get(struct store *store, const char *name, struct link_start *ret_settings)
{
	char error[SETTINGS_ERROR_MAX] = "no JSON";
	json_t *settings;
	uint64_t given;
	char *text;
	int r;

	settings_default(ret_settings);
	r = store_project_get(store, name, &text);
	if (r < 0)
		return r;
	settings = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	free(text);
	r = json_is_object(settings) ? settings_read(settings, ret_settings, &given, error)
				     : -EBADMSG;
	json_decref(settings);
	/* A limit that cannot be read is not taken for none. */
	if (r < 0)
		log_line("store: project %s: %s", name, error);
	return r < 0 ? -EBADMSG : 0;
}

int project_put(struct store *store, const char *name, const struct link_start *settings)
{
	json_t *json = settings_json(settings);
	char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
	int r = text == NULL ? -ENOMEM : store_project_put(store, name, text);

	free(text);
	json_decref(json);
	return r;
}

bool project_may(const struct store_owner *owner, const char *name)
{
	return owner->admin || strcmp(owner->name, name) == 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Any content of the requests that help while typing; the first byte chooses which. */
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>

#include "environments/lua/assist.h"
#include "environments/lua/history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json_t *history(lua_State *lua, const json_t *content)
{
	static struct history past;
	json_t *code = json_object_get(content, "code");

	(void)lua;
	if (json_is_string(code))
		history_add(&past, (int)past.count, code, NULL);
	return history_answer(&past, content);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static json_t *(*const rows[])(lua_State *lua, const json_t *content) = {
		assist_complete, assist_is_complete, history};
	static lua_State *lua;
	json_t *content;

	if (!lua) {
		lua = luaL_newstate();
		luaL_openlibs(lua);
	}
	if (size < 1)
		return 0;
	content = json_loadb((const char *)data + 1, size - 1, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(content)) {
		json_t *reply = rows[data[0] % 3](lua, content);

		if (!reply || lua_gettop(lua) != 0)
			abort();
		json_decref(reply);
	}
	json_decref(content);
	return 0;
}

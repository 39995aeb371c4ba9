/* SPDX-License-Identifier: Apache-2.0 */
#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

#include "environments/lua/assist.h"
#include "environments/lua/names.h"
#include "environments/lua/value.h"
#include "link/check.h"

/* A world to complete in. The functions under an __index or __pairs would fail if they ran. */
static const char world[] =
	"t = {alpha = 1, ['not a name'] = 2, sub = {deep = {x = 1}}}\n"
	"lazy = setmetatable({own = 1}, {__index = function() error('ran') end})\n"
	"child = setmetatable({mine = 1}, {__index = {inherited = 1}})\n"
	"loop = {}; setmetatable(loop, {__index = loop})\n"
	"s = 'text'\n"
	"caf = 1\n"
	"evil = setmetatable({}, {__tostring = function() error('ran') end})\n";

static const struct {
	const char *code;
	int cursor; /* code points; -1: the end */
	const char *matches;
	int start;
} completions[] = {
	{"t.al", -1, "t.alpha", 0},	  {"x = t.sub.de", -1, "t.sub.deep", 4},
	{"t.sub.deep.", -1, "t.sub.deep.x", 0}, {"t.not", -1, "", 0},
	{"lazy.", -1, "lazy.own", 0},	  {"child.", -1, "child.inherited child.mine", 0},
	{"s:rever", -1, "s:reverse", 0},  {"loop.", -1, "", 0},
	{"nothing.at.all", -1, "", 0},	  {"whil", -1, "while", 0},
	{"t.alx", 4, "t.alpha", 0},	  {"\"\xc3\xa9\xc3\xa9\" .. t.al", -1, "t.alpha", 8},
	{"t..al", -1, "", 0},		  {".", -1, "", 0},
	{"t.al", 99, "t.alpha", 0},
};

static void join(const json_t *list, char *ret, size_t size)
{
	size_t index;
	json_t *item;

	*ret = '\0';
	json_array_foreach (list, index, item) {
		if (index > 0)
			strncat(ret, " ", size - strlen(ret) - 1);
		strncat(ret, json_string_value(item), size - strlen(ret) - 1);
	}
}

static void test_completions(struct check *check, lua_State *lua)
{
	for (size_t i = 0; i < sizeof(completions) / sizeof(completions[0]); i++) {
		int cursor = completions[i].cursor;
		json_t *content = json_pack("{s:s}", "code", completions[i].code), *reply;
		char matches[256];

		if (cursor >= 0)
			json_object_set_new(content, "cursor_pos", json_integer(cursor));
		check_row(check, completions[i].code);
		reply = assist_complete(lua, content);
		join(json_object_get(reply, "matches"), matches, sizeof(matches));
		CHECK(check, !strcmp(matches, completions[i].matches));
		if (*completions[i].matches)
			CHECK_EQ(check, json_integer_value(json_object_get(reply, "cursor_start")),
				 completions[i].start);
		CHECK_EQ(check, lua_gettop(lua), 0);
		json_decref(content);
		json_decref(reply);
	}
	check_row(check, NULL);
}

static const struct {
	const char *code;
	const char *status;
} completeness[] = {
	{"1", "complete"},	    {"x = 1", "complete"},	 {"for i = 1, 2 do", "incomplete"},
	{"x = [[", "incomplete"},   {"f(", "incomplete"},	 {")", "invalid"},
	{"x = = 1", "invalid"},	    {"", "complete"},		 {"'open", "incomplete"},
	{"\x1bLua", "invalid"}, /* bytecode is not code */
};

static void test_completeness(struct check *check, lua_State *lua)
{
	for (size_t i = 0; i < sizeof(completeness) / sizeof(completeness[0]); i++) {
		json_t *content = json_pack("{s:s}", "code", completeness[i].code);
		json_t *reply = assist_is_complete(lua, content);
		const char *status = json_string_value(json_object_get(reply, "status"));

		check_row(check, completeness[i].code);
		CHECK(check, status && !strcmp(status, completeness[i].status));
		CHECK_EQ(check, lua_gettop(lua), 0);
		json_decref(content);
		json_decref(reply);
	}
	check_row(check, NULL);
}

static const struct {
	const char *expression;
	const char *json; /* NULL: has none */
} values[] = {
	{"nil", "null"},
	{"{1, 2, 3}", "[1,2,3]"},
	{"{a = {true, false}}", "{\"a\":[true,false]}"},
	{"{}", "{}"},
	{"1.5", "1.5"},
	{"'\\xff'", "\"\xef\xbf\xbd\""},
	{"{1, nil, 3}", NULL},
	{"{1, x = 2}", NULL},
	{"0/0", NULL},
	{"1/0", NULL},
	{"print", NULL},
	{"{[1.5] = 1}", NULL},
	{"(function() local t = {} t[1] = t return t end)()", NULL},
	{"setmetatable({a = 1}, {__index = error, __pairs = error, __len = error})", "{\"a\":1}"},
};

static void test_values(struct check *check, lua_State *lua)
{
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		json_t *json;
		char *text = NULL;

		check_row(check, values[i].expression);
		lua_pushfstring(lua, "return %s", values[i].expression);
		CHECK_EQ(check, luaL_dostring(lua, lua_tostring(lua, -1)), LUA_OK);
		json = value_json(lua, -1);
		text = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
		CHECK(check, values[i].json ? text && !strcmp(text, values[i].json) : !text);
		json_decref(json);
		free(text);
		lua_settop(lua, 0);
	}
	check_row(check, NULL);
}

static void test_points(struct check *check)
{
	const char *text = "a\xc3\xa9\xf0\x9f\x98\x80z";

	CHECK_EQ(check, names_offset(text, strlen(text), 0), 0);
	CHECK_EQ(check, names_offset(text, strlen(text), 2), 3);
	CHECK_EQ(check, names_offset(text, strlen(text), 3), 7);
	CHECK_EQ(check, names_offset(text, strlen(text), 99), 8);
	CHECK_EQ(check, names_points(text, 7), 3);
}

int main(void)
{
	struct check check = {0};
	lua_State *lua = luaL_newstate();

	luaL_openlibs(lua);
	CHECK_EQ(&check, luaL_dostring(lua, world), LUA_OK);
	lua_settop(lua, 0);
	test_completions(&check, lua);
	test_completeness(&check, lua);
	test_values(&check, lua);
	test_points(&check);
	lua_close(lua);
	return CHECK_DONE(&check);
}

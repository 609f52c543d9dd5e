// SPDX-License-Identifier: LGPL-2.1-or-later
/* Text in audit records: nothing a user chose can pass for a field. */
#include "../../module/sec/audit_text.h"
#include "unit.h"

static void value(const char *in, size_t n, const char *want)
{
	char out[AI_TEXT_VALUE_ROOM(64)];

	assert_int_equal(ai_text_value(out, sizeof(out), in, n), strlen(want));
	assert_string_equal(out, want);
}

static void test_values(void **state)
{
	value("jobs", 64, "\"jobs\"");
	value("jobs", 2, "\"jo\"");
	value("", 64, "\"\"");
	value("a b", 64, "612062");
	value("a\"b", 64, "612262");
	value("res=1", 64, "7265733D31");
	value("\x7f", 64, "7F");
	value("\xff\x01", 64, "FF01");
	value("a\0b", 3, "\"a\"");
}

static void test_room_is_kept(void **state)
{
	char out[40];
	size_t room, n;

	for (room = 0; room < sizeof(out); room++) {
		memset(out, 'X', sizeof(out));
		n = ai_text_value(out, room, "a b c d e f g h", 15);
		assert_true(!room || n < room);
		if (room)
			assert_int_equal(out[n], '\0');
		assert_int_equal(out[room], 'X');
		memset(out, 'X', sizeof(out));
		n = ai_text_word(out, room, "a b c d e f g h");
		assert_true(!room || n < room);
		assert_int_equal(out[room], 'X');
		memset(out, 'X', sizeof(out));
		ai_text_detail(out, room, "a=b c=d e=f");
		assert_int_equal(out[room], 'X');
	}
}

static void test_words(void **state)
{
	char out[64];

	ai_text_word(out, sizeof(out), "the name \"x res=1\" is bad");
	assert_string_equal(out, "the-name-_x-res_1_-is-bad");
}

static void test_details(void **state)
{
	char out[64];

	ai_text_detail(out, sizeof(out), "kind=version name=x=res=1 version=3");
	assert_string_equal(out, "kind=version name=x_res_1 version=3");
	ai_text_detail(out, sizeof(out), "a=\"b\nc\"");
	assert_string_equal(out, "a=_b_c_");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_room_is_kept),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_details),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

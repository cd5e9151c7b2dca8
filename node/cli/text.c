#include "node/cli/text.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

enum { TEXT_PLACES_MAX = 9 };

static const struct {
	enum text_id id;
	const char *zh;
	const char *en;
} texts[] = {
#define XX(id, zh, en) {id, zh, en},
	TEXT_MAP(XX)
#undef XX
};

static const struct {
	enum tb_code code;
	const char *zh;
} codes_zh[] = {
	{TB_OK, "完成"},
	{TB_EMALFORMED, "格式错误"},
	{TB_ETOOBIG, "超出上限"},
	{TB_EINVALID, "内容无效"},
	{TB_ENOTFOUND, "未找到"},
	{TB_EEXISTS, "已存在且内容不同"},
	{TB_EDENIED, "未获授权"},
	{TB_ESTATE, "当前状态不允许"},
	{TB_ECALENDAR, "日期不在工作日历之内"},
	{TB_EUNTRUSTED, "不可信"},
	{TB_EEXPIRED, "已过期或尚未生效"},
	{TB_EREPLAY, "重放"},
	{TB_ETHROTTLED, "超过频次限制"},
	{TB_EUNREACHABLE, "无法连接"},
	{TB_ETIMEOUT, "超时"},
	{TB_EBUSY, "正在使用"},
	{TB_EUNIMPLEMENTED, "没有此方法"},
	{TB_EFULL, "空间不足"},
	{TB_ESTORAGE, "存储失败"},
	{TB_ECORRUPT, "存储的数据已损坏"},
	{TB_ECRYPTO, "密码库失败"},
	{TB_EIO, "输入输出失败"},
	{TB_EPERMISSIONS, "文件权限过松或过紧"},
};

static bool use_zh;

bool text_language(const char *option, const char *lc_all, const char *lc_messages, const char *lang)
{
	const char *const given[] = {option, lc_all, lc_messages, lang};
	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
		if (given[i] && given[i][0])
			return strncmp(given[i], "zh", 2) == 0;
	}
	return false;
}

void text_use(bool zh)
{
	use_zh = zh;
}

bool text_zh(void)
{
	return use_zh;
}

const char *text_in(enum text_id id, bool zh)
{
	assert((unsigned)id < TEXT_COUNT);
	assert(texts[id].id == id);
	return zh ? texts[id].zh : texts[id].en;
}

const char *text(enum text_id id)
{
	return text_in(id, use_zh);
}

const char *text_code(enum tb_code code)
{
	for (size_t i = 0; use_zh && i < sizeof(codes_zh) / sizeof(codes_zh[0]); i++) {
		if (codes_zh[i].code == code)
			return codes_zh[i].zh;
	}
	return tb_code_text(code);
}

static void fill(struct tb_buf *out, enum text_id id, va_list args)
{
	const char *values[TEXT_PLACES_MAX];
	size_t count = 0;
	for (const char *value; (value = va_arg(args, const char *)) != NULL;) {
		assert(count < TEXT_PLACES_MAX);
		values[count++] = value;
	}
	for (const char *p = text(id); *p;) {
		if (p[0] == '{' && p[1] >= '1' && p[1] <= '9' && p[2] == '}') {
			size_t place = (size_t)(p[1] - '1');
			assert(place < count);
			tb_buf_str(out, values[place]);
			p += 3;
		} else {
			tb_buf_add(out, p++, 1);
		}
	}
}

void text_fill(struct tb_buf *out, enum text_id id, ...)
{
	va_list args;
	va_start(args, id);
	fill(out, id, args);
	va_end(args);
}

void text_say(FILE *stream, enum text_id id, ...)
{
	struct tb_buf line = {0};
	va_list args;
	va_start(args, id);
	fill(&line, id, args);
	va_end(args);
	tb_buf_str(&line, "\n");
	fwrite(line.data, 1, line.size, stream);
	tb_buf_clear(&line);
}

enum tb_code text_fail(struct tb_error *err, enum tb_code code, enum text_id id, ...)
{
	struct tb_buf line = {0};
	va_list args;
	va_start(args, id);
	fill(&line, id, args);
	va_end(args);
	tb_fail(err, code, "%s", tb_buf_text(&line));
	tb_buf_clear(&line);
	return code;
}

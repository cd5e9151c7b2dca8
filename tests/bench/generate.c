#include "tests/bench/generate.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "node/core/ident.h"
#include "tests/bench/bench.h"

enum { TYPES_MAX = 32, FIRST_BIRTH = -7300 /* 1950 */, BIRTHS = 20000 /* until 2004 */, UNKNOWN_IN = 20 };

struct type {
	char code[IDENT_TYPE_CHARS + 1];
	char name[128];
};

struct generator {
	uint64_t seed;
	struct type types[TYPES_MAX];
	size_t types_count;
};

struct made {
	const struct type *type;
	const char *holder_type;
	char holder_code[24];
	char holder_name[96];
	char number[96];
	char issued_on[11];
	char valid_until[11];
	char address[96];
	char register_no[24];
};

struct generator *generator_new(const char *types_file, uint64_t seed)
{
	struct generator *generator = tb_alloc(sizeof(*generator));
	struct tb_buf text = {0};
	generator->seed = seed;
	bench_read_file(&text, types_file);
	char *at = strchr(tb_buf_text(&text), '\n'); /* the line of headings */
	while (at && at[1] && generator->types_count < TYPES_MAX) {
		struct type *type = &generator->types[generator->types_count];
		if (sscanf(at + 1, "%21[^\t]\t%127[^\t\n]", type->code, type->name) == 2)
			generator->types_count++;
		at = strchr(at + 1, '\n');
	}
	tb_buf_clear(&text);
	if (generator->types_count == 0)
		bench_die("%s: no types", types_file);
	return generator;
}

void generator_free(struct generator *generator)
{
	free(generator);
}

/* splitmix64 (Vigna): every index has a stream of its own. */
static uint64_t mix(uint64_t *state)
{
	uint64_t z = (*state += 0x9E3779B97F4A7C15u);
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

/* GB 11643: one for each index below 20 million. */
static void make_citizen(char out[19], uint64_t index)
{
	static const int weights[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
	int year, month, day, sum = 0;
	tb_day_split((tb_day)(FIRST_BIRTH + (int)(index % BIRTHS)), &year, &month, &day);
	char digits[64];
	snprintf(digits, sizeof(digits), "320402%04d%02d%02d%03d", year, month, day,
	         (int)(index / BIRTHS % 1000));
	memcpy(out, digits, 17);
	for (int i = 0; i < 17; i++)
		sum += weights[i] * (out[i] - '0');
	out[17] = "10X98765432"[sum % 11];
	out[18] = 0;
}

/* GB 32100 around GB 11714: one for each index below 100 million. */
static void make_uscc(char out[19], uint64_t index)
{
	static const int organisation[8] = {3, 7, 9, 10, 5, 8, 4, 2};
	static const int weights[17] = {1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28};
	static const char digits[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
	char text[40];
	int sum = 0;
	snprintf(text, sizeof(text), "91320400%08d", (int)(index % 100000000));
	memcpy(out, text, 16);
	for (int i = 0; i < 8; i++)
		sum += organisation[i] * (out[8 + i] - '0');
	int check = (11 - sum % 11) % 11;
	out[16] = check == 10 ? 'X' : (char)('0' + check);
	sum = 0;
	for (int i = 0; i < 17; i++)
		sum += weights[i] * (int)(strchr(digits, out[i]) - digits);
	out[17] = digits[(31 - sum % 31) % 31];
	out[18] = 0;
}

static void make_name(char *out, size_t room, uint64_t *state, bool company)
{
	static const char *const surnames[] = {"王", "李", "张", "刘", "陈", "杨", "赵", "黄",
	                                       "周", "吴", "徐", "孙", "胡", "朱", "高", "林"};
	static const char *const given[] = {"伟", "芳", "娜", "敏", "静", "丽", "强", "磊",
	                                    "军", "洋", "勇", "艳", "杰", "娟", "涛", "明"};
	uint64_t r = mix(state);
	const char *a = surnames[r & 15];
	const char *b = given[(r >> 4) & 15];
	const char *c = given[(r >> 8) & 15];
	if (company)
		snprintf(out, room, "常州市%s%s%s科技有限公司", b, c, a);
	else
		snprintf(out, room, "%s%s%s", a, b, (r >> 12) & 3 ? c : "");
}

static void make(struct made *made, const struct generator *generator, uint64_t index)
{
	uint64_t state = generator->seed ^ (index * 0xD1342543DE82EF95u);
	uint64_t r = mix(&state);
	made->type = &generator->types[r % generator->types_count];
	bool identity = strcmp(made->type->code, "11100000000013127D001") == 0;
	bool company = strcmp(made->type->code, "11100000MB0143028R001") == 0;
	made->holder_type = company ? "001" : "111";
	if (company)
		make_uscc(made->holder_code, index);
	else
		make_citizen(made->holder_code, index);
	make_name(made->holder_name, sizeof(made->holder_name), &state, company);
	tb_day issued = tb_day_of(2012, 1, 1) + (tb_day)(mix(&state) % 4000);
	tb_day_format(made->issued_on, issued);
	tb_day_format(made->valid_until, issued + 20 * 365);
	if (identity || company)
		snprintf(made->number, sizeof(made->number), "%s", made->holder_code);
	else
		snprintf(made->number, sizeof(made->number), "苏(%.4s)常州市第%09llu号", made->issued_on,
		         (unsigned long long)index);
	snprintf(made->address, sizeof(made->address), "江苏省常州市天宁区延陵西路%u号%u室",
	         (unsigned)(mix(&state) % 999 + 1), (unsigned)(mix(&state) % 2000 + 101));
	snprintf(made->register_no, sizeof(made->register_no), "3204%016llx",
	         (unsigned long long)mix(&state));
}

static const char issuer[] = "11320400014109045T";
static const char issuer_name[] = "常州市行政审批局";

void generator_json(const struct generator *generator, uint64_t index, struct tb_buf *out)
{
	struct made m;
	make(&m, generator, index);
	tb_buf_printf(out,
	              "{\"type\":\"%s\",\"typeName\":\"%s\",\"number\":\"%s\",\"name\":\"%s\","
	              "\"holders\":[{\"codeType\":\"%s\",\"code\":\"%s\",\"name\":\"%s\"}],"
	              "\"issuer\":\"%s\",\"issuerName\":\"%s\",\"issuedOn\":\"%s\",\"validFrom\":\"%s\","
	              "\"validUntil\":\"%s\",\"region\":\"320400\",\"attributes\":["
	              "{\"name\":\"住所\",\"value\":\"%s\"},{\"name\":\"登记号\",\"value\":\"%s\"}]}\n",
	              m.type->code, m.type->name, m.number, m.type->name, m.holder_type, m.holder_code,
	              m.holder_name, issuer, issuer_name, m.issued_on, m.issued_on, m.valid_until, m.address,
	              m.register_no);
}

const char *generator_csv_header(void)
{
	return "type,type_name,number,name,holder_code_type,holder_code,holder_name,issuer,issuer_name,"
	       "issued_on,valid_from,valid_until,region,attr.住所,attr.登记号\n";
}

void generator_csv(const struct generator *generator, uint64_t index, struct tb_buf *out)
{
	struct made m;
	make(&m, generator, index);
	tb_buf_printf(out, "%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,320400,%s,%s\n", m.type->code, m.type->name,
	              m.number, m.type->name, m.holder_type, m.holder_code, m.holder_name, issuer,
	              issuer_name, m.issued_on, m.issued_on, m.valid_until, m.address, m.register_no);
}

void generator_query(const struct generator *generator, uint64_t index, struct tb_buf *out)
{
	struct made m;
	make(&m, generator, index);
	tb_buf_printf(out,
	              "{\"type\":\"%s\",\"number\":\"%s\",\"match\":[{\"name\":\"holder.name\","
	              "\"value\":\"%s\"}],\"purpose\":\"变更登记\",\"basis\":\"条例第二十四条\","
	              "\"disclosure\":\"MATCH\"}",
	              m.type->code, m.number, m.holder_name);
}

uint64_t generator_pick(const struct generator *generator, uint64_t n, uint64_t count, bool *known)
{
	uint64_t state = ~generator->seed ^ (n * 0xD1342543DE82EF95u);
	uint64_t r = mix(&state);
	*known = r % UNKNOWN_IN != 0;
	return mix(&state) % count + (*known ? 0 : count);
}

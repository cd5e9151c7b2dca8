/* Synthetic but valid data from a seed: nobody in it exists, and every code holds its check characters.
 *
 *   tongban-gen certificates REGION CITY COUNT SEED [csv]   JSON Lines, or CSV, on the standard output
 *   tongban-gen cast REGION CITY SEED           the first few of them, by their part in the demonstration:
 *                                               part, identifier, type, number, holder's type, code, name
 *   tongban-gen application HOME CITY SEED ITEM WINDOW   an application by the holder of the deed
 *   tongban-gen licence HOME CITY SEED          the certificate that a grant issues
 *   tongban-gen items REGION CITY SEED          a city's whole item list, an item a line: the same items in
 *                                               every region, with what may differ drawn for each
 *   tongban-gen scan BYTES SEED                 a file that looks like a scan
 *
 * The same arguments give the same bytes, but for the licence's date, which is today. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "node/core/catalogue.h"
#include "node/core/ident.h"
#include "node/core/record.h"

enum { NAME_ROOM = 128, PART_DEED = 4, PART_COUNT = 5 };

/* ---- drawing: splitmix64 (Steele, Lea, Flood 2014) */

struct draw {
	uint64_t state;
};

static uint64_t draw_bits(struct draw *draw)
{
	uint64_t z = (draw->state += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static unsigned draw_below(struct draw *draw, unsigned limit)
{
	return (unsigned)(draw_bits(draw) % limit);
}

/* Certificate |index| of a region is always the same, however many are asked for. */
static struct draw draw_of(const char *region, uint64_t seed, uint64_t index)
{
	struct draw draw = {seed * UINT64_C(1000003) + strtoull(region, NULL, 10)};
	draw.state = draw_bits(&draw) ^ index;
	draw_bits(&draw);
	return draw;
}

/* ---- codes */

/* Number |serial| of a region: different serials give different codes (up to 134 million). */
static void make_citizen(char out[19], const char *region, uint64_t serial)
{
	static const int weights[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
	static const unsigned parts[5] = {6, 50, 12, 28, 998}; /* county, year, month, day, order */
	unsigned part[5];
	int sum = 0;
	uint64_t rest = serial * UINT64_C(73856093) % (6 * 50 * 12 * 28 * 998ULL);
	for (int i = 0; i < 5; i++) {
		part[i] = (unsigned)(rest % parts[i]);
		rest /= parts[i];
	}
	snprintf(out, 19, "%.4s%02u%04u%02u%02u%03u", region, 2 + part[0], 1955 + part[1], 1 + part[2],
	         1 + part[3], 1 + part[4]);
	for (int i = 0; i < 17; i++)
		sum += weights[i] * (out[i] - '0');
	out[17] = "10X98765432"[sum % 11];
	out[18] = 0;
	assert(ident_citizen_valid(out, tb_day_of(2024, 1, 1)));
}

/* GB 11714 inside GB 32100. |kind| are the first two characters: "91" a company, "11" an authority; different
 * serials give different codes (up to 887 million). */
static void make_uscc(char out[19], const char *kind, const char *region, uint64_t serial)
{
	static const char body[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
	static const int inner[8] = {3, 7, 9, 10, 5, 8, 4, 2};
	static const int outer[17] = {1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28};
	int sum = 0;
	uint64_t rest = serial * UINT64_C(19349663) % (31 * 31 * 31 * 31 * 31 * 31ULL);
	snprintf(out, 19, "%s%.6s%s", kind, region, kind[0] == '9' ? "MA" : "MB");
	for (int i = 0; i < 6; i++) {
		out[10 + i] = body[rest % 31];
		rest /= 31;
	}
	for (int i = 0; i < 8; i++) {
		char c = out[8 + i];
		sum += inner[i] * (c <= '9' ? c - '0' : c - 'A' + 10);
	}
	int check = (11 - sum % 11) % 11;
	out[16] = check == 10 ? 'X' : (char)('0' + check);
	sum = 0;
	for (int i = 0; i < 17; i++)
		sum += outer[i] * (int)(strchr(body, out[i]) - body);
	out[17] = body[(31 - sum % 31) % 31];
	out[18] = 0;
	assert(ident_uscc_valid(out));
}

/* ---- names */

#define PICK(draw, list) list[draw_below(draw, sizeof(list) / sizeof(list[0]))]

static const char *const surnames[] = {"王", "李", "张", "刘", "陈", "杨", "赵",   "黄",   "周",  "吴",
                                       "徐", "孙", "马", "朱", "胡", "郭", "何",   "高",   "林",  "罗",
                                       "郑", "梁", "谢", "宋", "唐", "许", "邓",   "冯",   "韩",  "曹",
                                       "曾", "彭", "萧", "蔡", "潘", "田", "欧阳", "司马", "上官"};
static const char *const given_names[] = {"伟",   "芳",   "娜",   "敏",   "静",   "丽",   "强",   "磊",
                                          "军",   "洋",   "勇",   "艳",   "杰",   "娟",   "涛",   "明",
                                          "超",   "霞",   "平",   "刚",   "桂英", "志强", "秀兰", "建国",
                                          "晓燕", "海波", "思远", "雨桐", "子涵", "文博", "佳慧", "俊豪"};
static const char *const firms[] = {"恒源", "永泰", "华信", "博远", "金城", "天宁", "瑞丰",
                                    "启明", "中吴", "东坡", "陇原", "黄河", "西湖", "龙城",
                                    "鼎新", "嘉禾", "云帆", "德润", "远航", "同创"};
static const char *const trades[] = {"机械制造", "新能源科技", "餐饮管理", "物流", "建筑工程",
                                     "信息技术", "纺织",       "医疗器械", "商贸", "文化传播"};

static void make_person(char out[NAME_ROOM], struct draw *draw)
{
	const char *family = PICK(draw, surnames);
	snprintf(out, NAME_ROOM, "%s%s", family, PICK(draw, given_names));
}

static void make_company(char out[NAME_ROOM], const char *city, struct draw *draw)
{
	const char *firm = PICK(draw, firms);
	snprintf(out, NAME_ROOM, "%s%s%s有限公司", city, firm, PICK(draw, trades));
}

/* ---- certificates */

static const struct type {
	const char *code;
	const char *name;
	const char *issuer; /* after the city's name */
	unsigned weight;    /* of 100 */
	bool company;       /* its holder */
	bool ends;
} types[] = {
	{"11100000MB0143028R001", "营业执照", "市场监督管理局", 35, true, false},
	{"11100000000013127D001", "居民身份证", "公安局", 30, false, true},
	{"11100000MB03271699001", "中华人民共和国不动产权证", "自然资源和规划局", 15, false, false},
	{"11100000MB03271699022", "中华人民共和国不动产登记证明", "自然资源和规划局", 10, false, false},
	{"11100000000013338W032", "建筑施工特种作业人员操作资格证书", "住房和城乡建设局", 10, false, true},
};
enum { TYPES_COUNT = sizeof(types) / sizeof(types[0]), LICENCE = 0, CITIZEN_CARD = 1, DEED = 2, SKILL = 4 };

/* What the first certificates are for. */
static const struct part {
	const char *name;
	unsigned type;
	bool expired;
} parts[PART_COUNT] = {
	{"valid", LICENCE, false},     {"revoked", LICENCE, false}, {"expired", SKILL, true},
	{"card", CITIZEN_CARD, false}, {"deed", DEED, false}, /* PART_DEED */
};

static unsigned draw_type(struct draw *draw)
{
	unsigned at = draw_below(draw, 100);
	unsigned type = 0;
	while (at >= types[type].weight)
		at -= types[type++].weight;
	return type;
}

static PbHolder *make_holder(const struct type *type, const char *region, const char *city, uint64_t serial,
                             struct draw *draw, struct tb_arena *arena)
{
	PbHolder *holder = PROTO_NEW(PbHolder, holder, arena);
	char name[NAME_ROOM];
	char code[19];
	if (type->company) {
		make_company(name, city, draw);
		make_uscc(code, "91", region, serial);
	} else {
		make_person(name, draw);
		make_citizen(code, region, serial);
	}
	holder->code_type = tb_arena_str(arena, type->company ? "001" : "111");
	holder->code = tb_arena_str(arena, code);
	holder->name = tb_arena_str(arena, name);
	return holder;
}

/* The authority of a kind is the same for all certificates of a city. */
static void set_issuer(PbCredential *out, unsigned type, const char *region, const char *city,
                       struct tb_arena *arena)
{
	char code[19];
	make_uscc(code, "11", region, 1 + (type == DEED + 1 ? DEED : type));
	out->issuer = tb_arena_str(arena, code);
	out->issuer_name = tb_arena_printf(arena, "%s市%s", city, types[type].issuer);
	out->region = tb_arena_str(arena, region);
}

static PbCredential *make_credential(const char *region, const char *city, uint64_t seed, uint64_t index,
                                     struct tb_arena *arena)
{
	struct draw draw = draw_of(region, seed, index);
	const struct part *part = index < PART_COUNT ? &parts[index] : NULL;
	unsigned kind = part ? part->type : draw_type(&draw);
	const struct type *type = &types[kind];
	PbCredential *out = PROTO_NEW(PbCredential, credential, arena);
	PbHolder **holders = tb_arena_alloc(arena, sizeof(*holders));
	char identifier[TB_ID_BYTES_MAX];
	bool expired = part ? part->expired : type->ends && draw_below(&draw, 20) == 0;
	int year = expired ? 2012 : 2016 + (int)draw_below(&draw, 8);
	int month = 1 + (int)draw_below(&draw, 12);
	int day = 1 + (int)draw_below(&draw, 28);
	holders[0] = make_holder(type, region, city, seed + index, &draw, arena);
	out->type = tb_arena_str(arena, type->code);
	out->type_name = tb_arena_str(arena, type->name);
	out->name = out->type_name;
	out->holders = holders;
	out->n_holders = 1;
	set_issuer(out, kind, region, city, arena);
	/* A licence and an identity card bear the holder's own number. */
	out->number =
		kind == LICENCE || kind == CITIZEN_CARD
			? holders[0]->code
			: tb_arena_printf(arena, "%s%04d%07llu", region, year, (unsigned long long)index + 1);
	ident_credential_make(identifier, type->code, out->issuer,
	                      tb_arena_printf(arena, "%s%010llu", region, (unsigned long long)index + 1), 1);
	out->identifier = tb_arena_str(arena, identifier);
	out->issued_on = tb_arena_printf(arena, "%04d-%02d-%02d", year, month, day);
	out->valid_from = out->issued_on;
	if (type->ends)
		out->valid_until =
			tb_arena_printf(arena, "%04d-%02d-%02d", year + (expired ? 6 : 40), month, day);
	struct tb_error err = {0};
	if (record_check(out, region, tb_day_of(2025, 1, 1), &err)) {
		fprintf(stderr, "tongban-gen: certificate %llu: %s\n", (unsigned long long)index, err.text);
		exit(1);
	}
	return out;
}

/* ---- writing */

static void print_csv(const PbCredential *c)
{
	const PbHolder *holder = c->holders[0];
	printf("%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s\n", c->identifier, c->type, c->type_name, c->number,
	       c->name, holder->code_type, holder->code, holder->name, c->issuer, c->issuer_name,
	       c->issued_on, c->valid_from, c->valid_until[0] ? c->valid_until : "长期", c->region);
}

static void print_json(const proto_message *message, bool pretty)
{
	struct tb_buf text = {0};
	if (pretty)
		proto_json_encode_pretty(&text, message);
	else
		proto_json_encode(&text, message);
	puts(tb_buf_text(&text));
	tb_buf_clear(&text);
}

static void certificates(const char *region, const char *city, uint64_t count, uint64_t seed, bool csv)
{
	if (csv)
		puts("证照标识,证照类型代码,证照类型名称,证照编号,证照名称,持证主体代码类型,持证主体代码,"
		     "持证主体,"
		     "证照颁发机构代码,证照颁发机构,证照颁发日期,有效期起始,有效期截止,证照所属管辖属地编码");
	for (uint64_t i = 0; i < count; i++) {
		struct tb_arena arena = {0};
		PbCredential *credential = make_credential(region, city, seed, i, &arena);
		if (csv)
			print_csv(credential);
		else
			print_json(&credential->base, false);
		tb_arena_clear(&arena);
	}
}

static void cast(const char *region, const char *city, uint64_t seed)
{
	struct tb_arena arena = {0};
	for (unsigned i = 0; i < PART_COUNT; i++) {
		const PbCredential *c = make_credential(region, city, seed, i, &arena);
		const PbHolder *holder = c->holders[0];
		printf("%s\t%s\t%s\t%s\t%s\t%s\t%s\n", parts[i].name, c->identifier, c->type, c->number,
		       holder->code_type, holder->code, holder->name);
	}
	tb_arena_clear(&arena);
}

static PbAttribute *field(const char *name, const char *value, struct tb_arena *arena)
{
	PbAttribute *out = PROTO_NEW(PbAttribute, attribute, arena);
	out->name = tb_arena_str(arena, name);
	out->value = tb_arena_str(arena, value);
	return out;
}

static void application(const char *home, const char *city, uint64_t seed, const char *item,
                        const char *window)
{
	struct tb_arena arena = {0};
	struct draw draw = draw_of(home, seed, UINT64_C(1) << 40);
	const PbHolder *holder = make_credential(home, city, seed, PART_DEED, &arena)->holders[0];
	PbApplication out = PB_APPLICATION__INIT;
	PbParty applicant = PB_PARTY__INIT;
	char company[NAME_ROOM];
	make_company(company, city, &draw);
	PbAttribute *form[] = {field("拟设企业名称", company, &arena),
	                       field("注册资本", "人民币壹佰万元", &arena)};
	applicant.name = holder->name;
	applicant.code_type = holder->code_type;
	applicant.code = holder->code;
	applicant.phone = tb_arena_printf(&arena, "1390000%04u", draw_below(&draw, 10000));
	out.item = tb_arena_str(&arena, item);
	out.mode = tb_arena_str(&arena, "DS");
	out.home = tb_arena_str(&arena, home);
	out.applicant = &applicant;
	out.delivery = PB_DELIVERY_WAY__COURIER;
	out.address = tb_arena_str(&arena, "兰州市城关区示例路 1 号");
	out.window = tb_arena_str(&arena, window);
	out.form = form;
	out.n_form = sizeof(form) / sizeof(form[0]);
	print_json(&out.base, true);
	tb_arena_clear(&arena);
}

static void licence(const char *home, const char *city, uint64_t seed)
{
	struct tb_arena arena = {0};
	struct draw draw = draw_of(home, seed, UINT64_C(1) << 40);
	const struct type *type = &types[LICENCE];
	PbCredential out = PB_CREDENTIAL__INIT;
	PbHolder *holder = make_holder(type, home, city, seed + UINT64_C(100000000), &draw, &arena);
	char today[11];
	tb_day_format(today, tb_day_at((tb_time)time(NULL) * TB_SECOND));
	out.type = tb_arena_str(&arena, type->code);
	out.type_name = out.name = tb_arena_str(&arena, type->name);
	out.number = holder->code;
	out.holders = &holder;
	out.n_holders = 1;
	set_issuer(&out, LICENCE, home, city, &arena);
	out.issued_on = out.valid_from = today;
	print_json(&out.base, true);
	tb_arena_clear(&arena);
}

/* ---- item lists */

enum {
	ITEMS_COUNT = 1087, /* as many as one city publishes: */
	ITEMS_WINDOW = 733, /* these at the comprehensive window, the others in halls of their own */
	OBJECTS = 8,        /* of each body */
};

/* Who decides, and on what. */
static const struct body {
	const char *name; /* after the city's */
	const char *theme;
	const char *objects[OBJECTS];
} bodies[] = {
	{"市场监督管理局",
         "准入准营",
         {"食品经营", "食品生产", "药品零售", "特种设备使用", "计量标准器具", "广告发布", "个体工商户",
          "股权出质"}},
	{"人力资源和社会保障局",
         "社会保障",
         {"劳务派遣经营", "人力资源服务", "职业技能等级", "失业保险金", "工伤保险待遇", "灵活就业参保",
          "专业技术职称", "退休人员待遇"}},
	{"公安局",
         "户籍出入境",
         {"户口迁移", "居住证", "机动车驾驶证", "机动车号牌", "特种行业", "保安服务", "大型群众性活动",
          "出入境证件"}},
	{"住房和城乡建设局",
         "住房建设",
         {"建筑施工企业安全生产", "建筑业企业资质", "商品房预售", "燃气经营", "公租房", "物业服务",
          "二级建造师执业", "城镇污水排入排水管网"}},
	{"交通运输局",
         "交通出行",
         {"道路货物运输", "道路旅客运输", "网络预约出租汽车", "机动车维修", "港口经营", "水路运输",
          "超限运输车辆", "出租汽车驾驶员从业"}},
	{"卫生健康委员会",
         "医疗卫生",
         {"医疗机构执业", "医师执业", "护士执业", "公共场所卫生", "母婴保健技术", "放射诊疗", "饮用水供水",
          "生育登记"}},
	{"自然资源局",
         "不动产与资源",
         {"不动产抵押", "不动产转移", "建设用地规划", "建设工程规划", "采矿权", "测绘资质", "临时用地",
          "林木采伐"}},
	{"农业农村局",
         "农林牧渔",
         {"种子生产经营", "农药经营", "兽药经营", "动物防疫条件", "渔业捕捞", "拖拉机驾驶", "生鲜乳收购",
          "农产品地理标志"}},
};
enum { BODIES = sizeof(bodies) / sizeof(bodies[0]) };

static const struct action {
	const char *name;
	const char *type; /* GB/T 39046, A.1 */
	unsigned legal_days;
	bool issues; /* a certificate */
	bool shows;  /* the certificate that the first one issues */
} actions[] = {
	{"核发", "01", 20, true, false},      {"变更", "01", 20, false, true},
	{"延续", "01", 20, false, true},      {"注销", "01", 10, false, true},
	{"遗失补发", "01", 10, false, false}, {"换发", "01", 10, false, true},
	{"备案", "20", 15, false, false},     {"备案变更", "20", 15, false, false},
	{"备案注销", "20", 15, false, false}, {"信息查询", "20", 5, false, false},
	{"证明出具", "08", 5, false, false},  {"信息更正", "20", 10, false, true},
	{"年度报告", "20", 20, false, true},  {"登记", "07", 30, false, false},
	{"变更登记", "07", 30, false, false}, {"注销登记", "07", 30, false, false},
	{"撤销登记", "07", 30, false, false},
};
_Static_assert(BODIES *OBJECTS *(sizeof(actions) / sizeof(actions[0])) >= ITEMS_COUNT,
               "body, object and action name an item");

/* What may be asked for, beside the form. */
static const struct paper {
	const char *name;
	const char *basis;
	const char *issuer;
	const char *credential; /* stands in for it */
} papers[] = {
	{"居民身份证", "中华人民共和国居民身份证法", "公安机关", "11100000000013127D001"},
	{"营业执照", "中华人民共和国市场主体登记管理条例", "市场监督管理部门", "11100000MB0143028R001"},
	{"不动产权证书", "不动产登记暂行条例", "自然资源主管部门", "11100000MB03271699001"},
	{"经营场所平面图", "中华人民共和国行政许可法", "申请人", NULL},
	{"从业人员名单", "中华人民共和国行政许可法", "申请人", NULL},
	{"管理制度文本", "中华人民共和国行政许可法", "申请人", NULL},
	{"授权委托书", "中华人民共和国民法典", "申请人", NULL},
	{"验资报告", "中华人民共和国注册会计师法", "会计师事务所", NULL},
};
enum { PAPERS = sizeof(papers) / sizeof(papers[0]) };

static char **words(struct tb_arena *arena, size_t *count, const char *a, const char *b)
{
	char **out = tb_arena_alloc(arena, 2 * sizeof(*out));
	out[(*count)++] = tb_arena_str(arena, a);
	if (b)
		out[(*count)++] = tb_arena_str(arena, b);
	return out;
}

static void add_need(PbItem *item, const struct paper *paper, const char *credential, bool required,
                     bool original, struct tb_arena *arena)
{
	PbMaterialNeed *need = PROTO_NEW(PbMaterialNeed, material_need, arena);
	need->code = tb_arena_printf(arena, "M%zu", item->n_materials + 1);
	need->name = tb_arena_str(arena, paper->name);
	need->required = required;
	need->basis = tb_arena_str(arena, paper->basis);
	need->source = tb_arena_str(arena, credential ? "政府部门核发" : "申请人自备");
	need->issuer = tb_arena_str(arena, paper->issuer);
	need->kind = tb_arena_str(arena, original ? "原件" : "复印件");
	need->format = tb_arena_str(arena, original ? "纸质" : "纸质或电子");
	need->original = original;
	if (credential)
		need->credential_types = words(arena, &need->n_credential_types, credential, NULL);
	item->materials[item->n_materials++] = need;
}

/* The same papers everywhere, but that a region may ask for one more, or leave open what others require. */
static void set_materials(PbItem *item, const struct action *action, const char *type, struct draw *common,
                          struct draw *local, struct tb_arena *arena)
{
	static const struct paper form = {"申请表", "中华人民共和国行政许可法", "申请人", NULL};
	static const struct paper held = {"原证件", "中华人民共和国行政许可法", "审批部门", NULL};
	unsigned base = draw_below(common, PAPERS), count = 1 + draw_below(common, 4);
	count += draw_below(local, 4) == 0;
	item->materials = tb_arena_alloc(arena, (PAPERS + 2) * sizeof(PbMaterialNeed *));
	add_need(item, &form, NULL, true, false, arena);
	if (action->shows)
		add_need(item, &held, type, true, false, arena);
	for (unsigned i = 0; i < count; i++) {
		const struct paper *paper = &papers[(base + i) % PAPERS];
		add_need(item, paper, paper->credential, draw_below(local, 8) > 0,
		         paper->credential && draw_below(common, 3) == 0, arena);
	}
}

static void set_limits_and_modes(PbItem *item, const struct action *action, struct draw *local,
                                 struct tb_arena *arena)
{
	bool online = draw_below(local, 3) > 0;
	item->legal_days = action->legal_days;
	item->promised_days = 1 + draw_below(local, action->legal_days);
	item->case_type = tb_arena_str(arena, item->promised_days == 1 ? "1" : "2");
	item->modes = words(arena, &item->n_modes, "DS", online ? "QC" : NULL);
	item->channels = words(arena, &item->n_channels, "1", online ? "2" : NULL);
	item->online_depth = tb_arena_str(arena, online ? "全程网办" : "互联网咨询");
	item->onsite_runs = online ? 0 : 1;
	item->onsite_reason = tb_arena_str(arena, online ? "" : "中华人民共和国行政许可法");
}

/* What a region says by itself: it may differ from the next one's, and need not. */
static void set_local(PbItem *item, const char *city, struct draw *local, struct tb_arena *arena)
{
	item->conditions = tb_arena_printf(arena, "符合法定条件的申请人均可在%s市提出申请。", city);
	item->acceptance_standard = tb_arena_str(arena, "材料齐全，符合法定形式。");
	item->procedure = tb_arena_str(arena, draw_below(local, 2) ? "申请、受理、审查、决定、送达"
	                                                           : "申请、受理、决定、送达");
	item->form = tb_arena_printf(arena, "%s申请表", item->name);
	item->flow_chart = tb_arena_printf(arena, "https://items.example/%s.png", item->code);
	item->address = tb_arena_printf(arena, "%s市政务服务中心%u层", city, 1 + draw_below(local, 5));
	item->phone = tb_arena_printf(arena, "0000-12345-%u", 1 + draw_below(local, 90));
	item->service_hours = tb_arena_str(arena, "工作日 09:00-12:00 13:00-17:00");
}

static PbItem *make_item(const char *region, const char *city, uint64_t seed, unsigned index,
                         struct tb_arena *arena)
{
	struct draw common = draw_of("000000", seed, index), local = draw_of(region, seed, index);
	unsigned of_body = index % BODIES, object = index / BODIES % OBJECTS;
	const struct body *body = &bodies[of_body];
	const struct action *action = &actions[index / (BODIES * OBJECTS)];
	PbItem *item = PROTO_NEW(PbItem, item, arena);
	char department[19], authority[19];
	make_uscc(department, "11", region, 100 + of_body);
	make_uscc(authority, "11", "100000", 100 + of_body);
	const char *type = tb_arena_printf(arena, "%s%03u", authority, 1 + object);
	/* GB/T 39046: who, level, base and business code. */
	item->base_code = tb_arena_printf(arena, "0001%02u%03u000", 10 + of_body, 1 + index / BODIES);
	item->level = tb_arena_str(arena, "3");
	item->code = tb_arena_printf(arena, "%s3%s", department, item->base_code);
	item->handling_code = tb_arena_printf(arena, "%s01", item->code);
	item->name = tb_arena_printf(arena, "%s%s", body->objects[object], action->name);
	item->department = tb_arena_str(arena, department);
	item->department_name = tb_arena_printf(arena, "%s市%s", city, body->name);
	item->item_type = tb_arena_str(arena, action->type);
	item->basis = tb_arena_printf(arena, "中华人民共和国行政许可法；%s管理办法", body->objects[object]);
	item->theme = tb_arena_str(arena, body->theme);
	item->subjects = words(arena, &item->n_subjects, "1", draw_below(&common, 2) ? "2" : NULL);
	item->scope = PB_SCOPE__SCOPE_NATIONAL + (int)draw_below(&common, 4);
	item->year = 2020 + draw_below(&common, 7);
	item->window_class = tb_arena_str(arena, index < ITEMS_WINDOW ? "综合窗口" : "分厅");
	item->result_type = tb_arena_str(arena, action->issues ? type : "");
	set_limits_and_modes(item, action, &local, arena);
	set_local(item, city, &local, arena);
	set_materials(item, action, type, &common, &local, arena);
	return item;
}

static void items(const char *region, const char *city, uint64_t seed)
{
	for (unsigned i = 0; i < ITEMS_COUNT; i++) {
		struct tb_arena arena = {0};
		struct tb_error err = {0};
		PbItem *item = make_item(region, city, seed, i, &arena);
		if (catalogue_check_item(item, &err)) {
			fprintf(stderr, "tongban-gen: item %u: %s\n", i, err.text);
			exit(1);
		}
		print_json(&item->base, false);
		tb_arena_clear(&arena);
	}
}

static void scan(uint64_t bytes, uint64_t seed)
{
	struct draw draw = {seed};
	uint64_t block[1024];
	uint64_t done =
		(uint64_t)printf("%%PDF-1.7\n%% synthetic scan, seed %llu\n", (unsigned long long)seed);
	while (done < bytes) {
		uint64_t left = bytes - done;
		size_t size = left < sizeof(block) ? (size_t)left : sizeof(block);
		for (size_t i = 0; i < sizeof(block) / sizeof(block[0]); i++)
			block[i] = draw_bits(&draw);
		fwrite(block, 1, size, stdout);
		done += size;
	}
}

static bool is(int argc, char **argv, const char *verb, int words_min, int words_max)
{
	return argc >= 2 && strcmp(argv[1], verb) == 0 && argc - 2 >= words_min && argc - 2 <= words_max;
}

static uint64_t number(const char *text)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end) {
		fprintf(stderr, "tongban-gen: %s: not a number\n", text);
		exit(2);
	}
	return value;
}

int main(int argc, char **argv)
{
	if (is(argc, argv, "certificates", 4, 5))
		certificates(argv[2], argv[3], number(argv[4]), number(argv[5]), argc > 6);
	else if (is(argc, argv, "cast", 3, 3))
		cast(argv[2], argv[3], number(argv[4]));
	else if (is(argc, argv, "application", 5, 5))
		application(argv[2], argv[3], number(argv[4]), argv[5], argv[6]);
	else if (is(argc, argv, "licence", 3, 3))
		licence(argv[2], argv[3], number(argv[4]));
	else if (is(argc, argv, "items", 3, 3))
		items(argv[2], argv[3], number(argv[4]));
	else if (is(argc, argv, "scan", 2, 2))
		scan(number(argv[2]), number(argv[3]));
	else {
		fprintf(stderr, "usage: tongban-gen certificates|cast|application|licence|items|scan ... "
		                "(the head of tests/demo/gen.c)\n");
		return 2;
	}
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}

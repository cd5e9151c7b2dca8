#include "sim/story.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "sim/text.h"

struct ring {
	struct sim_story_entry *entries;
	size_t room;
	size_t count;
	size_t first;
};

struct sim_story {
	struct ring ordinary;
	struct ring kept;
	uint64_t told;
	uint64_t dropped;
	FILE *file;
	uint64_t lines_left;
	const char *const *codes;
};

static const struct {
	const char *word;
	enum sim_story_class class;
	bool keep;
} kinds[SIM_STORY_KINDS] = {
#define XX(name, word, class, keep) [name] = {word, SIM_CLASS_##class, keep},
	SIM_STORY_MAP(XX)
#undef XX
};

const char *sim_story_word(enum sim_story_kind kind)
{
	return kinds[kind].word;
}

enum sim_story_class sim_story_class(enum sim_story_kind kind)
{
	return kinds[kind].class;
}

const char *sim_story_class_word(enum sim_story_class class)
{
	static const char *const words[SIM_STORY_CLASSES] = {
		[SIM_CLASS_LIFE] = "node",       [SIM_CLASS_DISK] = "disk", [SIM_CLASS_LINK] = "link",
		[SIM_CLASS_MESSAGE] = "message", [SIM_CLASS_CASE] = "case", [SIM_CLASS_HOSTILE] = "hostile",
		[SIM_CLASS_CHECK] = "check"};
	return words[class];
}

static void ring_init(struct ring *ring, size_t room)
{
	*ring = (struct ring){.entries = room ? tb_alloc(room * sizeof(*ring->entries)) : NULL, .room = room};
}

/* The place of the next entry; the oldest makes room. NULL: the ring has none. */
static struct sim_story_entry *ring_next(struct sim_story *story, struct ring *ring)
{
	if (ring->room == 0) {
		story->dropped++;
		return NULL;
	}
	if (ring->count < ring->room)
		return &ring->entries[(ring->first + ring->count++) % ring->room];
	struct sim_story_entry *entry = &ring->entries[ring->first];
	ring->first = (ring->first + 1) % ring->room;
	story->dropped++;
	return entry;
}

static const struct sim_story_entry *ring_at(const struct ring *ring, size_t i)
{
	return i < ring->count ? &ring->entries[(ring->first + i) % ring->room] : NULL;
}

struct sim_story *sim_story_new(size_t ordinary, size_t kept)
{
	struct sim_story *story = tb_alloc(sizeof(*story));
	ring_init(&story->ordinary, ordinary);
	ring_init(&story->kept, kept);
	return story;
}

void sim_story_free(struct sim_story *story)
{
	if (!story)
		return;
	free(story->ordinary.entries);
	free(story->kept.entries);
	free(story);
}

static void stream(struct sim_story *story, const struct sim_story_entry *entry)
{
	struct tb_buf line = {0};
	if (!story->file || story->lines_left == 0)
		return;
	story->lines_left--;
	sim_story_json(&line, entry, story->codes);
	(void)fwrite(line.data, 1, line.size, story->file);
	tb_buf_clear(&line);
}

void sim_story_tell(struct sim_story *story, tb_time at, enum sim_story_kind kind, uint32_t node,
                    uint32_t peer, const char *case_number, const char *fmt, ...)
{
	struct ring *ring = kinds[kind].keep ? &story->kept : &story->ordinary;
	struct sim_story_entry aside;
	uint64_t number = story->told++;
	struct sim_story_entry *entry = ring_next(story, ring);
	if (!entry && !story->file)
		return;
	if (!entry)
		entry = &aside;
	*entry = (struct sim_story_entry){
		.number = number, .at = at, .node = node, .peer = peer, .kind = kind};
	if (case_number)
		sim_text_cut(entry->case_number, sizeof(entry->case_number), case_number);
	char text[2 * SIM_STORY_TEXT];
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	sim_text_cut(entry->text, sizeof(entry->text), text);
	stream(story, entry);
}

void sim_story_stream(struct sim_story *story, FILE *file, uint64_t lines_max, const char *const *codes)
{
	story->file = file;
	story->lines_left = lines_max;
	story->codes = codes;
}

uint64_t sim_story_told(const struct sim_story *story)
{
	return story->told;
}

uint64_t sim_story_dropped(const struct sim_story *story)
{
	return story->dropped;
}

const struct sim_story_entry *sim_story_next(const struct sim_story *story, struct sim_story_walk *walk)
{
	const struct sim_story_entry *ordinary = ring_at(&story->ordinary, walk->ordinary);
	const struct sim_story_entry *kept = ring_at(&story->kept, walk->kept);
	if (!ordinary && !kept)
		return NULL;
	if (!kept || (ordinary && ordinary->number < kept->number)) {
		walk->ordinary++;
		return ordinary;
	}
	walk->kept++;
	return kept;
}

static void json_node(struct tb_buf *out, const char *key, uint32_t node, const char *const *codes)
{
	if (node == SIM_NOBODY)
		return;
	tb_buf_printf(out, ",\"%s\":", key);
	sim_text_json(out, codes[node]);
}

void sim_story_json(struct tb_buf *out, const struct sim_story_entry *entry, const char *const *codes)
{
	char time[30];
	tb_time_format(time, entry->at);
	tb_buf_printf(out, "{\"number\":%" PRIu64 ",\"time\":\"%s\",\"kind\":\"%s\"", entry->number, time,
	              kinds[entry->kind].word);
	json_node(out, "node", entry->node, codes);
	json_node(out, "peer", entry->peer, codes);
	if (entry->case_number[0]) {
		tb_buf_str(out, ",\"case\":");
		sim_text_json(out, entry->case_number);
	}
	tb_buf_str(out, ",\"text\":");
	sim_text_json(out, entry->text);
	tb_buf_str(out, "}\n");
}

/* How each kind is told: %n the node, %p the other side, %t the text. */
static const char *const sentences[SIM_STORY_KINDS] = {
	[SIM_STARTED] = "%n starts: %t",
	[SIM_CRASHED] = "%n crashes: %t",
	[SIM_POWER_LOST] = "%n loses power: %t",
	[SIM_PAUSED] = "%n %t",
	[SIM_RESUMED] = "%n %t",
	[SIM_RESTORED] = "%n gets an older backup back: %t",
	[SIM_UPGRADED] = "%n is %t",
	[SIM_CLOCK_STEPPED] = "%n's clock steps %t",
	[SIM_COMMIT_FAILED] = "%n cannot commit: %t",
	[SIM_DISK_FAULT] = "%n's disk has faults: %t",
	[SIM_DISK_FULL] = "%n's disk is full: %t",
	[SIM_DISK_ROT] = "%n's disk rots: %t",
	[SIM_LINK_CUT] = "the line of %n to %p is cut: %t",
	[SIM_LINK_HEALED] = "the line of %n to %p: %t",
	[SIM_LINK_SLOW] = "the line of %n to %p is slow: %t",
	[SIM_REQUEST_LOST] = "what %n sends %p is lost: %t",
	[SIM_ANSWER_LOST] = "what %n answers %p is lost: %t",
	[SIM_DUPLICATED] = "what %n sends %p arrives twice: %t",
	[SIM_SENT] = "%n sends %p %t",
	[SIM_ARRIVED] = "%n has from %p %t",
	[SIM_ANSWERED] = "%n has receipted to %p %t",
	[SIM_REFUSED] = "%n refuses what %p sends: %t",
	[SIM_CASE_EVENT] = "%n: %t",
	[SIM_AGREED] = "%n %t",
	[SIM_MATERIAL_BEGUN] = "%n fetches a material from %p: %t",
	[SIM_MATERIAL_DONE] = "%n has the whole material: %t",
	[SIM_MATERIAL_CUT] = "a material on its way to %n breaks off: %t",
	[SIM_CLIENT] = "%n's client: %t",
	[SIM_LOGGED] = "%n logs: %t",
	[SIM_HOSTILE_ACT] = "%n, hostile, to %p: %t",
	[SIM_HOSTILE_SEEN] = "%n has seen through %p: %t",
	[SIM_RULE_BROKEN] = "BROKEN at %n: %t",
	[SIM_MARK_HIT] = "mark: %t",
	[SIM_PHASE] = "%t",
};

static const char *name_of(uint32_t node, const char *const *names)
{
	return node == SIM_NOBODY ? "all" : names[node];
}

void sim_story_words(struct tb_buf *out, const struct sim_story_entry *entry, const char *const *names)
{
	char day[11];
	tb_day on = tb_day_at(entry->at);
	tb_time since = entry->at - tb_day_start(on);
	tb_day_format(day, on);
	tb_buf_printf(out, "%s %02d:%02d:%02d  ", day, (int)(since / TB_HOUR), (int)(since / TB_MINUTE % 60),
	              (int)(since / TB_SECOND % 60));
	for (const char *at = sentences[entry->kind]; *at; at++) {
		if (*at != '%') {
			tb_buf_add(out, at, 1);
			continue;
		}
		at++;
		tb_buf_str(out, *at == 'n'   ? name_of(entry->node, names)
		                : *at == 'p' ? name_of(entry->peer, names)
		                             : entry->text);
	}
	if (entry->case_number[0])
		tb_buf_printf(out, "  (%s)", entry->case_number);
	tb_buf_str(out, "\n");
}

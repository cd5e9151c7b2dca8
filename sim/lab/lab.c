#include "sim/lab/lab.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { FULL_GRACE_MS = 30000 };

lab_time lab_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (lab_time)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

tb_time lab_wall(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (tb_time)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void lab_sleep(unsigned ms)
{
	struct timespec span = {ms / 1000, (long)(ms % 1000) * 1000000};
	nanosleep(&span, NULL);
}

static const char *const words[] = {
#define XX(name, word, sentence) word,
	LAB_RULE_MAP(XX)
#undef XX
};
static const char *const sentences[] = {
#define XX(name, word, sentence) sentence,
	LAB_RULE_MAP(XX)
#undef XX
};

const char *lab_rule_word(enum lab_rule rule)
{
	return words[rule];
}

const char *lab_rule_sentence(enum lab_rule rule)
{
	return sentences[rule];
}

enum lab_phase lab_phase(struct lab *lab)
{
	pthread_mutex_lock(&lab->lock);
	enum lab_phase phase = lab->phase;
	pthread_mutex_unlock(&lab->lock);
	return phase;
}

void lab_set_phase(struct lab *lab, enum lab_phase phase)
{
	static const char *const names[] = {"preparing", "trouble", "healed", "stopping"};
	lab_tell(lab, SIM_PHASE, SIM_NOBODY, SIM_NOBODY, NULL, "%s", names[phase]);
	pthread_mutex_lock(&lab->lock);
	lab->phase = phase;
	pthread_mutex_unlock(&lab->lock);
}

bool lab_over(struct lab *lab)
{
	pthread_mutex_lock(&lab->lock);
	bool over = lab->interrupted || lab->dead;
	pthread_mutex_unlock(&lab->lock);
	return over;
}

void lab_no_result(struct lab *lab, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	pthread_mutex_lock(&lab->lock);
	if (!lab->dead)
		vsnprintf(lab->why, sizeof(lab->why), fmt, args);
	lab->dead = true;
	pthread_mutex_unlock(&lab->lock);
	va_end(args);
}

static void tell(struct lab *lab, enum sim_story_kind kind, uint32_t node, uint32_t peer, const char *number,
                 const char *text)
{
	pthread_mutex_lock(&lab->lock);
	sim_story_tell(lab->story, lab_wall(), kind, node, peer, number, "%s", text);
	pthread_mutex_unlock(&lab->lock);
}

void lab_tell(struct lab *lab, enum sim_story_kind kind, uint32_t node, uint32_t peer, const char *number,
              const char *fmt, ...)
{
	char text[SIM_STORY_TEXT];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	tell(lab, kind, node, peer, number, text);
}

void lab_held(struct lab *lab, enum lab_rule rule)
{
	pthread_mutex_lock(&lab->lock);
	lab->rules[rule].checked++;
	pthread_mutex_unlock(&lab->lock);
}

void lab_broke(struct lab *lab, enum lab_rule rule, uint32_t node, const char *number, const char *fmt, ...)
{
	struct lab_rule_count *count = &lab->rules[rule];
	char text[sizeof(count->first)];
	char where[64] = "";
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (node != SIM_NOBODY)
		snprintf(where, sizeof(where), "%s: ", lab->nodes[node].name);
	pthread_mutex_lock(&lab->lock);
	count->checked++;
	if (count->broken++ == 0)
		snprintf(count->first, sizeof(count->first), "%s%s%s%.150s", where, number ? number : "",
		         number ? ": " : "", text);
	pthread_mutex_unlock(&lab->lock);
	fprintf(stderr, "BROKEN %s: %s%s%s%s\n", words[rule], where, number ? number : "", number ? ": " : "",
	        text);
	tell(lab, SIM_RULE_BROKEN, node, SIM_NOBODY, number, text);
}

bool lab_excused(struct lab *lab, const struct lab_node *node, const struct lab_told *told)
{
	if (lab->options.no_excuse)
		return false;
	pthread_mutex_lock(&lab->lock);
	bool excused = node->restored && told->answered >= node->backup_at && told->sent <= node->restored_at;
	pthread_mutex_unlock(&lab->lock);
	return excused;
}

bool lab_restored(struct lab *lab, const struct lab_node *node)
{
	pthread_mutex_lock(&lab->lock);
	bool restored = node->restored;
	pthread_mutex_unlock(&lab->lock);
	return restored;
}

bool lab_was_full(struct lab *lab, const struct lab_node *node)
{
	pthread_mutex_lock(&lab->lock);
	bool full = node->full_until > 0 &&
	            (node->full_until == INT64_MAX || lab_now() < node->full_until + FULL_GRACE_MS);
	pthread_mutex_unlock(&lab->lock);
	return full;
}

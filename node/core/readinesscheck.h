/* 通办准备情况: what two regions still lack before cases are taken between them, by what a node knows. Pure,
 * any thread. */
#pragma once

#include "base/time.h"
#include "proto/codec.h"

/* In the order of the report; the words are readiness_word()'s. */
enum readiness_topic {
	READINESS_LIST,      /* 通办目录: the own list is published */
	READINESS_ELEMENTS,  /* 实施清单: its elements are complete */
	READINESS_PEER_LIST, /* the peer's list is here */
	READINESS_LINK, /* 接口: the peer answers; its clock and certificates are good, or it would not */
	READINESS_AGREEMENT,  /* 机制: an agreement is in force */
	READINESS_ITEMS,      /* items that it covers, both ways */
	READINESS_POSTAGE,    /* 物流: who pays */
	READINESS_CONTACTS,   /* 联络员 of both sides */
	READINESS_HALLS,      /* 窗口: halls that receive, with address, telephone and hours */
	READINESS_PEER_HALLS, /* the peer's halls */
	READINESS_TOKENS,     /* what windows, reviewers and heads use */
	READINESS_LETTERS,    /* messages that were given up */
	READINESS_TRAINING,   /* 培训; from here on notes */
	READINESS_TRIAL,      /* 联调 */
	READINESS_BACKUP,     /* 备份与恢复演练 */
	READINESS_PUBLICITY,  /* 宣传 */
	READINESS_TOPICS
};
const char *readiness_word(enum readiness_topic topic);

/* What could not be had is NULL. */
struct readiness_facts {
	const char *peer;
	tb_time now;
	const PbStatusResponse *status;
	const PbCatalogue *list;
	const PbCatalogue *peer_list;
	const PbAgreementListResponse *agreements;
	const PbHallList *halls;
	const PbHallList *peer_halls;
	const PbTokenListResponse *tokens;
	const PbReadinessNotesResponse *notes;
};

/* READINESS_TOPICS lines, one a topic, without what to do next. */
PbReadinessReport *readiness_check(const struct readiness_facts *facts, struct tb_arena *arena);

/* What the files of the people's work share. */
#pragma once

#include "node/core/ident.h"
#include "sim/work.h"

enum { CREDENTIALS_A_NODE = 12 };

/* The home region's record of a certificate, as the people there know it. */
struct sim_paper {
	PbCredentialState state;
	PbCredentialState before; /* what it may also have been while a change was under way */
	sim_time changed;         /* when the change was certain; SIM_NEVER: it is under way */
};

struct sim_work {
	struct sim_world *world;
	struct sim_zipf ranks;    /* of regions, by how much happens there */
	uint32_t *ranked;         /* node by rank */
	struct sim_random random; /* what and where; each case has a stream of its own */
	struct sim_paper *papers; /* CREDENTIALS_A_NODE for each node */
	double cases_a_day;
	double verifications_a_day;
	sim_time pace; /* mean time until somebody acts */
	struct sim_case **cases;
	size_t cases_count;
	size_t cases_room;
	struct pact *pacts;             /* owned; work_pact.c */
	uint32_t pact_serial;           /* of the next case under one */
	struct sim_alliance *alliances; /* owned; work_alliance.c */
	struct sim_matter *matters;     /* owned; work_matter.c */
	uint32_t verify_number;
	struct sim_work_counts counts;
	struct sim_histogram verify_ms;
	struct sim_histogram case_s;
};

/* The next moment from |at| on at which officers of any region are at work. */
sim_time sim_office(sim_time at, struct sim_random *random);
/* How busy people are at |at|: 1 in office hours. */
double sim_busy(sim_time at);
uint32_t sim_some_node(struct sim_work *work, struct sim_random *random);
/* A partner of |node|; SIM_NOBODY if it has none. */
uint32_t sim_some_partner(struct sim_world *world, uint32_t node, struct sim_random *random);

/* The version of the criteria by which |node|'s region decides the item of agreements. */
const char *sim_criteria(const struct sim_node *node);

/* work_pact.c: agreements, and the cases that they allow */
void sim_pacts_begin(struct sim_work *work);
void sim_pacts_wind_up(struct sim_work *work);
/* As sim_work_cases(), parts of joint cases among them; false: |each| has ended it. */
bool sim_pacts_cases(struct sim_work *work,
                     bool (*each)(void *ctx, const char *number, struct sim_node *window,
                                  struct sim_node *home),
                     void *ctx);
/* Does the case at |node| rest on what its regions have promised each other? */
void sim_pacts_check(struct sim_node *node, const PbCaseRecord *record);
/* Cases between |window| and |home| that only an agreement allows, which others make. */
void sim_pact_cases(struct sim_work *work, uint32_t window, uint32_t home, struct sim_random *random);
void sim_pacts_free(struct sim_work *work);

/* work_alliance.c: agreements of three and more, which change */
void sim_alliances_begin(struct sim_work *work);
void sim_alliances_free(struct sim_work *work);

/* work_matter.c: what regions say to each other beside the cases */
void sim_matters_begin(struct sim_work *work);
/* |leaf| of |node| says that one is overdue. */
void sim_matter_overdue(struct sim_node *node, struct sim_reader *reader, const PbAuditLeaf *leaf);
/* What |node|, which is reliable, has of them at the end. */
void sim_matters_check(struct sim_node *node);
void sim_matters_free(struct sim_work *work);

/* work_case.c */
void sim_case_begin(struct sim_work *work);
void sim_cases_free(struct sim_work *work);

/* A scenario's case: it is handed in, and then does what it is told. */
struct sim_script {
	const char *mode; /* "DS", "LB" ...; lives as long as the world */
	uint32_t window;
	uint32_t home;         /* LB: the window */
	const uint32_t *parts; /* LB: the node of each; lives as long as the world */
	size_t parts_count;
	bool in_order; /* LB: each part after the one before */
	uint64_t size; /* of its material */
	bool by_hand;  /* stays at the window until it is sent */
	bool originals;
};
struct sim_case *sim_case_script(struct sim_work *work, const struct sim_script *script);
/* Where it is handed in, and where it is decided. */
struct sim_script sim_case_scripted(const struct sim_case *kase);
/* Of the case, or (from 1 on) of a part of it; "": not acknowledged yet, or the part has not begun. */
const char *sim_case_number(struct sim_case *kase, size_t part);
/* In what words the last request about it was refused; "": none was. */
const char *sim_case_refusal(struct sim_case *kase);
/* Who may do |event| to |number| on that side, as its record at |node| stands; NULL: nobody, or it is not
 * there. */
const char *sim_case_role(struct sim_node *node, const char *number, const char *event, bool at_home);
/* |event| and |role| as the API has them; |more|: further members of the request, or NULL. Nothing happens
 * while |node| is not up. */
void sim_case_act(struct sim_case *kase, const char *number, struct sim_node *node, const char *event,
                  const char *role, const char *more);

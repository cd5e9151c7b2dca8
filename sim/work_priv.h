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
	struct pact *pacts; /* owned; work_pact.c */
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

/* work_pact.c: agreements, and the cases that they allow */
void sim_pacts_begin(struct sim_work *work);
void sim_pacts_wind_up(struct sim_work *work);
/* As sim_work_cases(), parts of joint cases among them; false: |each| has ended it. */
bool sim_pacts_cases(struct sim_work *work,
                     bool (*each)(void *ctx, const char *number, struct sim_node *window,
                                  struct sim_node *home),
                     void *ctx);
void sim_pacts_free(struct sim_work *work);

/* work_case.c */
void sim_case_begin(struct sim_work *work);
void sim_cases_free(struct sim_work *work);

/* A scenario's case: it is handed in, and then does what it is told. */
struct sim_script {
	uint32_t window;
	uint32_t home;
	uint64_t size; /* of its material */
	bool by_hand;  /* stays at the window until it is sent */
	bool originals;
};
struct sim_case *sim_case_script(struct sim_work *work, const struct sim_script *script);
/* Where it is handed in, and where it is decided. */
struct sim_script sim_case_scripted(const struct sim_case *kase);
const char *sim_case_number(const struct sim_case *kase); /* "": not acknowledged yet */
/* |event| and |role| as the API has them; |more|: further members of the request, or NULL. False: the node is
 * not up. */
bool sim_case_act(struct sim_case *kase, bool at_home, const char *event, const char *role, const char *more);

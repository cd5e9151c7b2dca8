/* A TCP proxy for each directed link: node A calls node B through a port of its own, and what goes through,
 * both ways, is delayed, slowed, changed, swallowed or cut off as the link's condition says.
 *
 * All on the loop's thread. The proxy knows nothing of TLS: what it changes, the nodes must find out. */
#pragma once

#include "sim/lab/lab.h"
#include "sim/random.h"

/* {0} is a good link. */
struct lab_condition {
	unsigned delay_ms;
	unsigned bytes_per_second; /* 0: as many as there are */
	bool cut;                  /* connections are reset, new ones as soon as they are there */
	bool silent_to,
		silent_back; /* what is sent that way is taken and goes nowhere: a half-open connection */
	uint32_t change_ppm; /* so many of a million pieces have a byte changed */
};

struct lab_proxy;

/* Opens the ports of all links on |loop| (a uv_loop_t). NULL and a text in |lab| if that cannot be. */
struct lab_proxy *lab_proxy_new(struct lab *lab, void *loop);
/* The port on which |from| reaches |to|. */
int lab_proxy_port(const struct lab_proxy *proxy, unsigned from, unsigned to);
void lab_proxy_set(struct lab_proxy *proxy, unsigned from, unsigned to,
                   const struct lab_condition *condition);
/* Closes everything; the memory is given back when the loop has told so. */
void lab_proxy_close(struct lab_proxy *proxy);
void lab_proxy_free(struct lab_proxy *proxy); /* after the loop has ended */

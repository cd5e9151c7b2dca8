#include "sim/net_priv.h"

#include <assert.h>
#include <stdlib.h>

struct sim_call *sim_call_new(struct sim_node *from, struct sim_node *to, enum core_call kind,
                              struct core_outbound *outbound)
{
	struct sim_call *call = tb_alloc(sizeof(*call));
	*call = (struct sim_call){
		.refs = 1, .kind = kind, .from = from, .as = from->code, .to = to, .outbound = outbound};
	if (!outbound)
		return call;
	call->next = from->calls;
	if (call->next)
		call->next->previous = call;
	from->calls = call;
	return call;
}

struct sim_call *sim_call_ref(struct sim_call *call)
{
	call->refs++;
	return call;
}

void sim_call_unref(struct sim_call *call)
{
	if (--call->refs > 0)
		return;
	assert(!call->outbound);
	tb_buf_clear(&call->bytes);
	free(call);
}

struct core_outbound *sim_call_take(struct sim_call *call)
{
	struct core_outbound *outbound = call->outbound;
	assert(outbound);
	if (call->previous)
		call->previous->next = call->next;
	else
		call->from->calls = call->next;
	if (call->next)
		call->next->previous = call->previous;
	call->outbound = NULL;
	return outbound;
}

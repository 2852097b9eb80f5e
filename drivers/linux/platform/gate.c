// SPDX-License-Identifier: GPL-2.0
#include <linux/build_bug.h>
#include <linux/completion.h>
#include <linux/percpu-refcount.h>

#include <thinback/platform.h>

/* Each one inside holds a reference; being open is one more, which close drops. */
struct tbk_real_gate {
	struct percpu_ref inside;
	struct completion empty; /* the last has left a closed gate */
};

static_assert(sizeof(struct tbk_gate) >= sizeof(struct tbk_real_gate));
static_assert(__alignof__(struct tbk_gate) >= __alignof__(struct tbk_real_gate));

static struct tbk_real_gate *real(struct tbk_gate *gate)
{
	return (struct tbk_real_gate *)gate;
}

/* Context: any. A completion, as the closer may free the gate as soon as it knows. */
static void tbk_gate_empty(struct percpu_ref *inside)
{
	complete(&container_of(inside, struct tbk_real_gate, inside)->empty);
}

int tbk_gate_init(struct tbk_gate *gate)
{
	init_completion(&real(gate)->empty);
	return percpu_ref_init(&real(gate)->inside, tbk_gate_empty, PERCPU_REF_ALLOW_REINIT,
			       GFP_NOIO);
}

void tbk_gate_destroy(struct tbk_gate *gate)
{
	percpu_ref_exit(&real(gate)->inside);
}

int tbk_gate_enter(struct tbk_gate *gate)
{
	return percpu_ref_tryget_live(&real(gate)->inside);
}

void tbk_gate_leave(struct tbk_gate *gate)
{
	percpu_ref_put(&real(gate)->inside);
}

void tbk_gate_close(struct tbk_gate *gate)
{
	percpu_ref_kill(&real(gate)->inside);
	wait_for_completion(&real(gate)->empty);
}

void tbk_gate_open(struct tbk_gate *gate)
{
	reinit_completion(&real(gate)->empty);
	percpu_ref_reinit(&real(gate)->inside);
}

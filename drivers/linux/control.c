// SPDX-License-Identifier: GPL-2.0
/* /dev/thinback-control: one ioctl for each verb. Sizes come first, in both directions. */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/thinback.h>
#include <linux/uaccess.h>

#include "control.h"
#include "module.h"
#include "pools.h"
#include "why.h"

static_assert(TBK_NAME_MAX + 1 == THINBACK_NAME_SIZE);
static_assert(TBK_PATH_SIZE == THINBACK_PATH_SIZE);
static_assert(sizeof(((struct tbk_why *)NULL)->text) == THINBACK_MESSAGE_SIZE);
static_assert(sizeof(((struct tbk_why *)NULL)->hint) == THINBACK_MESSAGE_SIZE);
static_assert(TBK_LIMIT_QUOTA == THINBACK_SET_QUOTA && TBK_LIMIT_RESERVE == THINBACK_SET_RESERVE);
static_assert(TBK_LIMIT_ON_FULL == THINBACK_SET_ON_FULL);
static_assert(TBK_LIMIT_DETECT_ZEROES == THINBACK_SET_DETECT_ZEROES);
static_assert((int)TBK_FULL_WAIT == THINBACK_FULL_WAIT);
static_assert((int)TBK_FULL_PAUSE == THINBACK_FULL_PAUSE);
static_assert((int)TBK_LEVEL_LOW == THINBACK_LEVEL_LOW);
static_assert((int)TBK_LEVEL_FULL == THINBACK_LEVEL_FULL);
static_assert((int)TBK_SCRUB_IDLE == THINBACK_SCRUB_IDLE);
static_assert((int)TBK_SCRUB_DONE == THINBACK_SCRUB_DONE);

struct tbk_verb {
	u32 flags; /* those it knows */
	int (*run)(struct tbk_attached *in, struct thinback_command *command, struct tbk_why *why);
};

static int tbk_verb_create(struct tbk_attached *in, struct thinback_command *c, struct tbk_why *why)
{
	u32 flags = c->flags & THINBACK_LARGE_SECTORS ? TBK_OBJECT_LARGE_SECTORS : 0;
	int err = tbk_object_create(in, c->volume, c->bytes, flags, why);

	if (!err)
		tbk_object_node(in, c->volume, "", c->path, sizeof(c->path));
	return err;
}

static int tbk_verb_snapshot(struct tbk_attached *in, struct thinback_command *c,
			     struct tbk_why *why)
{
	return tbk_snapshot_create(in->pool, c->volume, c->snapshot, why);
}

static int tbk_verb_clone(struct tbk_attached *in, struct thinback_command *c, struct tbk_why *why)
{
	const struct tbk_clone_plan plan = {
		.volume = c->volume,
		.snapshot = c->snapshot,
		.name = c->target,
		.bytes = c->bytes,
		.if_missing = c->flags & THINBACK_IF_MISSING,
	};
	int err = tbk_object_clone(in, &plan, why);

	if (!err)
		tbk_object_node(in, c->target, "", c->path, sizeof(c->path));
	return err;
}

static int tbk_verb_remove(struct tbk_attached *in, struct thinback_command *c, struct tbk_why *why)
{
	u32 flags = c->flags & THINBACK_RECURSIVE ? TBK_REMOVE_RECURSIVE : 0;

	return tbk_object_remove(in, c->volume, c->snapshot, flags, why);
}

static int tbk_verb_rename(struct tbk_attached *in, struct thinback_command *c, struct tbk_why *why)
{
	return tbk_object_rename(in, c->volume, c->snapshot, c->target, why);
}

static int tbk_verb_rollback(struct tbk_attached *in, struct thinback_command *c,
			     struct tbk_why *why)
{
	int err = tbk_object_rollback(in, c->volume, c->snapshot, c->target, why);

	if (!err)
		tbk_object_node(in, c->volume, "", c->path, sizeof(c->path));
	return err;
}

static int tbk_verb_resize(struct tbk_attached *in, struct thinback_command *c, struct tbk_why *why)
{
	u32 flags = c->flags & THINBACK_SHRINK ? TBK_RESIZE_SHRINK : 0;

	return tbk_object_resize(in, c->volume, c->bytes, flags, why);
}

static int tbk_set_pool(struct tbk_attached *in, struct thinback_command *c, struct tbk_why *why)
{
	const u32 marks = THINBACK_SET_LOW | THINBACK_SET_CRITICAL;
	const u32 policy =
		THINBACK_SET_DISCARD | THINBACK_SET_SCRUB_FREED | THINBACK_SET_DISCARD_RATE;
	const struct tbk_pool_policy wanted = {
		.set = (c->set & THINBACK_SET_DISCARD ? TBK_POLICY_DISCARD : 0) |
		       (c->set & THINBACK_SET_SCRUB_FREED ? TBK_POLICY_SCRUB_FREED : 0) |
		       (c->set & THINBACK_SET_DISCARD_RATE ? TBK_POLICY_DISCARD_RATE : 0),
		.discard = c->discard,
		.scrub_freed = c->scrub_freed,
		.discard_rate = c->discard_rate,
	};
	int err = 0;

	if (c->set & ~(marks | policy))
		return -EINVAL;
	if (c->set & marks || !c->set)
		err = tbk_pool_marks(in->pool, c->set & THINBACK_SET_LOW ? c->low : 0,
				     c->set & THINBACK_SET_CRITICAL ? c->critical : 0, why);
	if (!err && wanted.set)
		err = tbk_pool_set_policy(in->pool, &wanted, why);
	return err;
}

/* A pool has marks and a policy, a volume limits. */
static int tbk_verb_set(struct tbk_attached *in, struct thinback_command *c, struct tbk_why *why)
{
	const struct tbk_volume_limits limits = {
		.set = c->set,
		.on_full = c->on_full,
		.full_wait = c->full_wait,
		.quota = c->quota,
		.reserve = c->reserve,
		.detect_zeroes = c->detect_zeroes,
	};

	if (c->zero || c->zero2 || c->discard > 1 || c->scrub_freed > 1 || c->detect_zeroes > 1)
		return -EINVAL;
	if (c->volume[0])
		return c->set & ~TBK_LIMIT_ALL
			       ? -EINVAL
			       : tbk_volume_limit(in->pool, c->volume, &limits, why);
	return tbk_set_pool(in, c, why);
}

static int tbk_verb_map(struct tbk_attached *in, struct thinback_command *c, struct tbk_why *why)
{
	int err = tbk_object_map(in, c->volume, c->snapshot, why);

	if (!err)
		tbk_object_node(in, c->volume, c->snapshot, c->path, sizeof(c->path));
	return err;
}

static int tbk_verb_unmap(struct tbk_attached *in, struct thinback_command *c, struct tbk_why *why)
{
	return tbk_object_unmap(in, c->volume, c->snapshot, why);
}

static int tbk_verb_sync(struct tbk_attached *in, struct thinback_command *c, struct tbk_why *why)
{
	int err = tbk_pool_sync(in->pool);

	if (err)
		tbk_say(why, "%s cannot be made durable: error %d", in->name, -err);
	return err;
}

static int tbk_verb_settle(struct tbk_attached *in, struct thinback_command *c, struct tbk_why *why)
{
	int err = tbk_pool_settle(in->pool);

	if (err)
		tbk_say(why, "%s: freeing failed: error %d", in->name, -err);
	return err;
}

static int tbk_verb_grow(struct tbk_attached *in, struct thinback_command *c, struct tbk_why *why)
{
	return tbk_pool_grow(in->pool, &c->bytes, why);
}

static int tbk_verb_scrub(struct tbk_attached *in, struct thinback_command *c, struct tbk_why *why)
{
	return tbk_pool_scrub(in->pool, c->flags & THINBACK_STOP ? TBK_SCRUB_STOP : 0, why);
}

/* Verbs on an attached pool, by ioctl number. */
static const struct tbk_verb tbk_verbs[] = {
	[_IOC_NR(THINBACK_CREATE)] = { .flags = THINBACK_LARGE_SECTORS, .run = tbk_verb_create },
	[_IOC_NR(THINBACK_SNAPSHOT_CREATE)] = { .run = tbk_verb_snapshot },
	[_IOC_NR(THINBACK_CLONE)] = { .flags = THINBACK_IF_MISSING, .run = tbk_verb_clone },
	[_IOC_NR(THINBACK_REMOVE)] = { .flags = THINBACK_RECURSIVE, .run = tbk_verb_remove },
	[_IOC_NR(THINBACK_RENAME)] = { .run = tbk_verb_rename },
	[_IOC_NR(THINBACK_ROLLBACK)] = { .run = tbk_verb_rollback },
	[_IOC_NR(THINBACK_RESIZE)] = { .flags = THINBACK_SHRINK, .run = tbk_verb_resize },
	[_IOC_NR(THINBACK_SET)] = { .run = tbk_verb_set },
	[_IOC_NR(THINBACK_MAP)] = { .run = tbk_verb_map },
	[_IOC_NR(THINBACK_UNMAP)] = { .run = tbk_verb_unmap },
	[_IOC_NR(THINBACK_SYNC)] = { .run = tbk_verb_sync },
	[_IOC_NR(THINBACK_SETTLE)] = { .run = tbk_verb_settle },
	[_IOC_NR(THINBACK_GROW)] = { .run = tbk_verb_grow },
	[_IOC_NR(THINBACK_SCRUB)] = { .flags = THINBACK_STOP, .run = tbk_verb_scrub },
};

static bool tbk_is_verb(unsigned int cmd)
{
	unsigned int number = _IOC_NR(cmd);

	return cmd == _IO(THINBACK_IOC, number) && number < ARRAY_SIZE(tbk_verbs) &&
	       tbk_verbs[number].run;
}

static int tbk_run_verb(unsigned int number, struct thinback_command *c, struct tbk_why *why)
{
	const struct tbk_verb *verb = &tbk_verbs[number];
	struct tbk_attached *in;
	int err;

	if (c->flags & ~verb->flags)
		return -EINVAL;
	in = tbk_attached_get(c->pool, &err, why);
	if (!in)
		return err;
	err = verb->run(in, c, why);
	tbk_attached_put(in);
	return err;
}

static int tbk_run(unsigned int cmd, struct thinback_command *c, struct tbk_why *why)
{
	switch (cmd) {
	case THINBACK_ATTACH:
		if (c->flags & ~THINBACK_READ_ONLY)
			return -EINVAL;
		return tbk_attach(c->path, c->flags & THINBACK_READ_ONLY, c->pool, why);
	case THINBACK_DETACH:
		return c->flags ? -EINVAL : tbk_detach(c->pool, why);
	default:
		return tbk_run_verb(_IOC_NR(cmd), c, why);
	}
}

static bool tbk_terminated(const char *text, size_t size)
{
	return strnlen(text, size) < size;
}

static bool tbk_command_terminated(const struct thinback_command *c)
{
	return tbk_terminated(c->pool, sizeof(c->pool)) &&
	       tbk_terminated(c->volume, sizeof(c->volume)) &&
	       tbk_terminated(c->snapshot, sizeof(c->snapshot)) &&
	       tbk_terminated(c->target, sizeof(c->target)) &&
	       tbk_terminated(c->path, sizeof(c->path));
}

int tbk_copy_in(void *to, size_t size, const void __user *from, u32 *user_size)
{
	if (get_user(*user_size, (const u32 __user *)from))
		return -EFAULT;
	if (*user_size < sizeof(u32))
		return -EINVAL;
	return copy_struct_from_user(to, size, from, *user_size);
}

int tbk_copy_out(void __user *to, const void *from, size_t size, u32 user_size)
{
	return copy_to_user(to, from, min_t(size_t, size, user_size)) ? -EFAULT : 0;
}

/* The answer goes out whatever the verb said. */
static int tbk_command_run(unsigned int cmd, struct thinback_command *c, void __user *arg,
			   u32 user_size)
{
	struct tbk_why *why = kzalloc(sizeof(*why), GFP_KERNEL);
	int err, fault;

	if (!why)
		return -ENOMEM;
	if (tbk_command_terminated(c)) {
		err = tbk_run(cmd, c, why);
	} else {
		err = -ENAMETOOLONG;
		tbk_say(why, "a name or path is too long");
	}
	strscpy(c->message, why->text, sizeof(c->message));
	strscpy(c->hint, why->hint, sizeof(c->hint));
	kfree(why);
	fault = tbk_copy_out(arg, c, sizeof(*c), user_size);
	return err ? err : fault;
}

static int tbk_control_command(unsigned int cmd, void __user *arg)
{
	struct thinback_command *c = kzalloc(sizeof(*c), GFP_KERNEL);
	u32 user_size;
	int err;

	if (!c)
		return -ENOMEM;
	err = tbk_copy_in(c, sizeof(*c), arg, &user_size);
	if (!err)
		err = tbk_command_run(cmd, c, arg, user_size);
	kfree(c);
	return err;
}

static int tbk_control_version(void __user *arg)
{
	struct thinback_version version;
	u32 user_size;
	int err = tbk_copy_in(&version, sizeof(version), arg, &user_size);

	if (err)
		return err;
	version.interface = THINBACK_INTERFACE;
	version.format = TBK_FORMAT_VERSION;
	version.zero = 0;
	strscpy_pad(version.text, TBK_VERSION, sizeof(version.text));
	return tbk_copy_out(arg, &version, sizeof(version), user_size);
}

static long tbk_control_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	switch (cmd) {
	case THINBACK_VERSION:
		return tbk_control_version(user);
	case THINBACK_LIST_POOLS:
	case THINBACK_LIST_OBJECTS:
		return tbk_control_list(cmd, user);
	case THINBACK_ATTACH:
	case THINBACK_DETACH:
		return tbk_control_command(cmd, user);
	default:
		return tbk_is_verb(cmd) ? tbk_control_command(cmd, user) : -ENOTTY;
	}
}

static const struct file_operations tbk_control_fops = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.unlocked_ioctl = tbk_control_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice tbk_control = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "thinback-control",
	.mode = 0600,
	.fops = &tbk_control_fops,
};

int tbk_control_init(void)
{
	return misc_register(&tbk_control);
}

void tbk_control_exit(void)
{
	misc_deregister(&tbk_control);
}

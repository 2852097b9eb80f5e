// SPDX-License-Identifier: GPL-2.0
/* What the core reads and writes in xenstore of a guest's disk. */
#include <linux/slab.h>

#include "vbd.h"

int tbk_xen_read(struct tbk_xen *xen, const char *key, char *value, size_t size)
{
	char *text = xenbus_read(XBT_NIL, xen->frontend, key, NULL);

	if (IS_ERR(text))
		return -ENOENT;
	strscpy(value, text, size);
	kfree(text);
	return 0;
}

/* Keys that are written as one. */
struct tbk_xen_change {
	const struct tbk_xen_key *keys;
	size_t count;
	enum xenbus_state state; /* must be there, and is written again; or Unknown */
};

static int tbk_xen_write_keys(struct xenbus_transaction xbt, const char *node,
			      const struct tbk_xen_change *change)
{
	unsigned int state;
	size_t i;
	int err = 0;

	/* A key that is written must not bring a directory back that was removed. */
	if (xenbus_scanf(xbt, node, "state", "%u", &state) != 1)
		return -ENOENT;
	if (change->state != XenbusStateUnknown && change->state != state)
		return -EBUSY;
	for (i = 0; i < change->count && !err; i++)
		err = xenbus_printf(xbt, node, change->keys[i].name, "%llu", change->keys[i].value);
	if (!err && change->state != XenbusStateUnknown)
		err = xenbus_printf(xbt, node, "state", "%u", change->state);
	return err;
}

/* Tried again if others wrote what was read. */
static int tbk_xen_change(struct tbk_xen *xen, const struct tbk_xen_change *change)
{
	struct xenbus_transaction xbt;
	int err, end;

	do {
		err = xenbus_transaction_start(&xbt);
		if (err)
			return err;
		err = tbk_xen_write_keys(xbt, xen->dev->nodename, change);
		end = xenbus_transaction_end(xbt, err ? 1 : 0);
	} while (!err && end == -EAGAIN);
	return err ? err : end;
}

int tbk_xen_publish(struct tbk_xen *xen, const struct tbk_xen_key *keys, size_t count)
{
	const struct tbk_xen_change change = { keys, count, XenbusStateUnknown };

	return tbk_xen_change(xen, &change);
}

int tbk_xen_publish_size(struct tbk_xen *xen, tbk_u64 sectors)
{
	const struct tbk_xen_key size = { "sectors", sectors };
	const struct tbk_xen_change change = { &size, 1, XenbusStateConnected };

	return tbk_xen_change(xen, &change);
}

void tbk_xen_switch_state(struct tbk_xen *xen, tbk_u32 state)
{
	/* The toolstack writes our state too: what the bus remembers of it does not count. */
	xen->dev->state = XenbusStateUnknown;
	xenbus_switch_state(xen->dev, state);
}

void tbk_xen_complain(struct tbk_xen *xen, int error, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (__ratelimit(&xen->complaints))
		xenbus_dev_error(xen->dev, error, "%s", text);
}

/* A key that cannot be read just now says nothing, least of all that it is gone. */
void tbk_xen_read_state(const char *dir, unsigned int *state)
{
	unsigned int read;
	int err = xenbus_scanf(XBT_NIL, dir, "state", "%u", &read);

	if (err == 1)
		*state = read;
	else if (XENBUS_EXIST_ERR(err))
		*state = XenbusStateUnknown;
}

// SPDX-License-Identifier: GPL-2.0
/* The device behind a guest's disk: a volume of ours, or any block device. */
#define pr_fmt(fmt) "xen-thinback: " fmt

#include <linux/blkdev.h>
#include <linux/slab.h>

#include "../platform/device.h"
#include "vbd.h"

/*
 * All guests' disks claim devices together: sharing between guests is the
 * toolstack's to allow, dom0's own mounts are what must be kept out.
 */
static const char tbk_xen_holder[] = "thinback guests";

static bool tbk_xen_key_is(const char *dir, const char *key, const char *wanted)
{
	char *value = xenbus_read(XBT_NIL, dir, key, NULL);
	bool is_equal;

	if (IS_ERR(value))
		return false;
	is_equal = !strcmp(value, wanted);
	kfree(value);
	return is_equal;
}

/* The toolstack's word first; it may have told the frontend alone. */
static bool tbk_xen_is_cdrom(struct tbk_xen *xen)
{
	return tbk_xen_key_is(xen->dev->nodename, "device-type", "cdrom") ||
	       tbk_xen_key_is(xen->frontend, "device-type", "cdrom");
}

static int tbk_xen_open_device(struct tbk_xen *xen, dev_t number, bool read_only)
{
	bool is_shared = strchr(xen->mode, '!');
	int err = tbk_bdev_open(number, read_only, is_shared ? NULL : (void *)tbk_xen_holder,
				&xen->device);

	/* What dom0 has mounted may still be read by guests, as it always could. */
	if (err == -EBUSY && read_only && !is_shared)
		err = tbk_bdev_open(number, read_only, NULL, &xen->device);
	if (err)
		tbk_xen_complain(xen, err, "opening device %x:%x%s", MAJOR(number), MINOR(number),
				 err == -EBUSY ? ": it is in use in dom0" : "");
	return err;
}

/*
 * A number may be given to another device between the toolstack's looking and
 * our opening it; a sequence number never is. In hexadecimal, if it is there at all.
 */
static int tbk_xen_check_diskseq(struct tbk_xen *xen, dev_t number)
{
	u64 found = tbk_bdev_of(xen->device)->bd_disk->diskseq;
	unsigned long long wanted;

	if (xenbus_scanf(XBT_NIL, xen->dev->nodename, "diskseq", "%llx", &wanted) != 1 ||
	    wanted == found)
		return 0;
	tbk_xen_complain(xen, -ENODEV,
			 "opening device %x:%x: it is another now (diskseq %llx, not %llx); "
			 "detach the disk, and attach it again",
			 MAJOR(number), MINOR(number), found, wanted);
	return -ENODEV;
}

static void tbk_xen_vdev(struct tbk_xen *xen, char *name, size_t size)
{
	char *vdev = xenbus_read(XBT_NIL, xen->dev->nodename, "dev", NULL);

	if (IS_ERR(vdev)) {
		strscpy(name, kbasename(xen->dev->nodename), size);
		return;
	}
	strscpy(name, strstarts(vdev, "/dev/") ? vdev + 5 : vdev, size);
	kfree(vdev);
}

static void tbk_xen_resized(struct tbk_disk_guest *guest)
{
	tbk_xen_advance(container_of(guest, struct tbk_xen, guest));
}

/* Go round the block layer if the device is a volume. */
static int tbk_xen_join_volume(struct tbk_xen *xen, bool read_only)
{
	struct tbk_disk *disk = tbk_disk_from_bdev(tbk_bdev_of(xen->device));
	struct tbk_why why = {};
	int err;

	xen->guest.resized = tbk_xen_resized;
	xen->guest.domid = xen->dev->otherend_id;
	tbk_xen_vdev(xen, xen->guest.vdev, sizeof(xen->guest.vdev));
	if (!disk)
		return 0;
	err = tbk_disk_open_volume(disk, read_only, &xen->volume, &why);
	if (err) {
		xen->volume = NULL;
		tbk_xen_complain(xen, err, "%s", why.text);
		return err;
	}
	tbk_disk_add_guest(disk, &xen->guest);
	return 0;
}

static void tbk_xen_set_target(struct tbk_xen *xen, bool read_only)
{
	struct gendisk *disk = tbk_bdev_of(xen->device)->bd_disk;
	struct tbk_vbd_target target = {
		.volume = xen->volume,
		.device = xen->volume ? NULL : xen->device,
		.read_only = read_only,
		.cdrom = tbk_xen_is_cdrom(xen) || disk_to_cdi(disk),
		.removable = !!(disk->flags & GENHD_FL_REMOVABLE),
		/* The toolstack's "no-discard". */
		.discard = xenbus_read_unsigned(xen->dev->nodename, "discard-enable", 1),
	};

	tbk_vbd_set_target(xen->vbd, &target);
}

static int tbk_xen_read_mode(struct tbk_xen *xen)
{
	char *mode = xenbus_read(XBT_NIL, xen->dev->nodename, "mode", NULL);

	if (IS_ERR(mode)) {
		tbk_xen_complain(xen, PTR_ERR(mode), "reading mode");
		return PTR_ERR(mode);
	}
	strscpy(xen->mode, mode, sizeof(xen->mode));
	kfree(mode);
	return 0;
}

static int tbk_xen_open_number(struct tbk_xen *xen, dev_t number)
{
	bool read_only;
	int err = tbk_xen_read_mode(xen);

	if (err)
		return err;
	read_only = !strchr(xen->mode, 'w');
	err = tbk_xen_open_device(xen, number, read_only);
	if (err)
		return err;
	err = tbk_xen_check_diskseq(xen, number);
	if (!err)
		err = tbk_xen_join_volume(xen, read_only);
	if (err) {
		tbk_bdev_close(xen->device);
		xen->device = NULL;
		return err;
	}
	if (!xen->volume)
		tbk_xen_capacity_watch(xen);
	tbk_xen_set_target(xen, read_only);
	WRITE_ONCE(xen->number, number);
	return 0;
}

/* A guest's data stays where it is for as long as it has rings. */
static bool tbk_xen_exchange(struct tbk_xen *xen, dev_t number)
{
	if (tbk_vbd_drop_target(xen->vbd))
		return true;
	if (!test_and_set_bit(TBK_XEN_WARNED, &xen->flags))
		dev_warn(&xen->dev->dev,
			 "device %x:%x is exchanged for %x:%x when the guest connects again\n",
			 MAJOR(xen->number), MINOR(xen->number), MAJOR(number), MINOR(number));
	return false;
}

void tbk_xen_open_target(struct tbk_xen *xen)
{
	unsigned int major, minor;
	dev_t number;
	int count;

	if (test_bit(TBK_XEN_REFUSED, &xen->flags))
		return;
	/* Not there until the hotplug script has written it. */
	count = xenbus_scanf(XBT_NIL, xen->dev->nodename, "physical-device", "%x:%x", &major,
			     &minor);
	if (count != 2)
		return;

	number = MKDEV(major, minor);
	if (xen->device && (number == xen->number || !tbk_xen_exchange(xen, number)))
		return;
	if (!tbk_xen_open_number(xen, number))
		return;
	set_bit(TBK_XEN_REFUSED, &xen->flags);
	/* Else the driver before may still have it back. */
	if (!tbk_vbd_is_heir(xen->vbd))
		tbk_xen_switch_state(xen, XenbusStateClosing);
}

int tbk_xen_sync_target(struct tbk_xen *xen)
{
	struct block_device *bdev = tbk_bdev_of(xen->device);
	int err = sync_blockdev(bdev);

	/* The guest writes behind the cache's back. */
	invalidate_bdev(bdev);
	return err;
}

void tbk_xen_close_target(struct tbk_xen *xen)
{
	struct block_device *bdev = tbk_bdev_of(xen->device);

	tbk_xen_capacity_unwatch(xen);
	invalidate_bdev(bdev);
	if (xen->volume) {
		tbk_disk_drop_guest(tbk_disk_from_bdev(bdev), &xen->guest);
		tbk_volume_close(xen->volume);
	}
	xen->volume = NULL;
	tbk_bdev_close(xen->device);
	xen->device = NULL;
	WRITE_ONCE(xen->number, 0);
}

// SPDX-License-Identifier: GPL-2.0
/* Who has a disk. */
#include "disk_io.h"

void tbk_disk_add_guest(struct tbk_disk *disk, struct tbk_disk_guest *guest)
{
	unsigned long flags;

	spin_lock_irqsave(&disk->guests_lock, flags);
	list_add_tail(&guest->list, &disk->guests);
	spin_unlock_irqrestore(&disk->guests_lock, flags);
}

void tbk_disk_drop_guest(struct tbk_disk *disk, struct tbk_disk_guest *guest)
{
	unsigned long flags;

	spin_lock_irqsave(&disk->guests_lock, flags);
	list_del(&guest->list);
	spin_unlock_irqrestore(&disk->guests_lock, flags);
}

void tbk_disk_resized(struct tbk_disk *disk)
{
	struct tbk_disk_guest *guest;
	unsigned long flags;

	spin_lock_irqsave(&disk->guests_lock, flags);
	list_for_each_entry(guest, &disk->guests, list)
		guest->resized(guest);
	spin_unlock_irqrestore(&disk->guests_lock, flags);
}

void tbk_disk_use(struct tbk_disk *disk, struct tbk_disk_use *use)
{
	struct tbk_disk_guest *first;
	unsigned long flags;

	use->openers = READ_ONCE(disk->openers);
	use->domid = -1;
	use->vdev[0] = '\0';
	spin_lock_irqsave(&disk->guests_lock, flags);
	first = list_first_entry_or_null(&disk->guests, struct tbk_disk_guest, list);
	if (first) {
		use->domid = first->domid;
		strscpy(use->vdev, first->vdev, sizeof(use->vdev));
	}
	spin_unlock_irqrestore(&disk->guests_lock, flags);
}

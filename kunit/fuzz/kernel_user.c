// SPDX-License-Identifier: GPL-2.0
/* The caller's memory, and where the device's operations end up. */
#include "control_fuzz.h"
#include "kernel.h"

unsigned char tbk_fuzz_user[TBK_FUZZ_USER];
static const struct file_operations *registered;

static bool is_users(const void *from, unsigned long bytes)
{
	const uintptr_t start = (uintptr_t)tbk_fuzz_user;
	const uintptr_t at = (uintptr_t)from;

	return at >= start && at - start <= TBK_FUZZ_USER && bytes <= TBK_FUZZ_USER - (at - start);
}

unsigned long copy_from_user(void *to, const void *from, unsigned long bytes)
{
	if (!is_users(from, bytes))
		return bytes;
	memcpy(to, from, bytes);
	return 0;
}

unsigned long copy_to_user(void *to, const void *from, unsigned long bytes)
{
	if (!is_users(to, bytes))
		return bytes;
	memcpy(to, from, bytes);
	return 0;
}

unsigned long clear_user(void *to, unsigned long bytes)
{
	if (!is_users(to, bytes))
		return bytes;
	memset(to, 0, bytes);
	return 0;
}

int copy_struct_from_user(void *to, size_t size, const void *from, size_t user_size)
{
	const size_t known = min_t(size_t, size, user_size);

	for (size_t at = size; at < user_size; at++) {
		if (!is_users((const u8 *)from + at, 1))
			return -EFAULT;
		if (((const u8 *)from)[at])
			return -E2BIG;
	}
	memset((u8 *)to + known, 0, size - known);
	return copy_from_user(to, from, known) ? -EFAULT : 0;
}

ssize_t strscpy(char *to, const char *from, size_t size)
{
	const size_t length = strnlen(from, size - 1);

	memcpy(to, from, length);
	to[length] = 0;
	return from[length] ? -E2BIG : (ssize_t)length;
}

ssize_t strscpy_pad(char *to, const char *from, size_t size)
{
	memset(to, 0, size);
	return strscpy(to, from, size);
}

int nonseekable_open(struct inode *inode, struct file *file)
{
	return 0;
}

long compat_ptr_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return -ENOTTY;
}

int misc_register(struct miscdevice *device)
{
	registered = device->fops;
	return 0;
}

void misc_deregister(struct miscdevice *device)
{
	registered = NULL;
}

long tbk_fuzz_ioctl(unsigned int cmd, unsigned long arg)
{
	return registered->unlocked_ioctl(NULL, cmd, arg);
}

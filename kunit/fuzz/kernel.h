/* SPDX-License-Identifier: GPL-2.0 */
/*
 * As much of the kernel as drivers/linux/control.c and lists.c ask for, in a
 * process. Included before all else; the headers they name are empty there.
 * What a caller may name as its memory is one array: all else faults.
 */
#ifndef TBK_FUZZ_KERNEL_H
#define TBK_FUZZ_KERNEL_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;

#define __user
#define THIS_MODULE NULL
#define PAGE_SIZE 4096
#define U32_MAX UINT32_MAX
#define GFP_KERNEL 0
#define CAP_SYS_ADMIN 21
#define MISC_DYNAMIC_MINOR 255
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define min_t(type, a, b) ((type)(a) < (type)(b) ? (type)(a) : (type)(b))
#define max(a, b) ((a) > (b) ? (a) : (b))
#define kzalloc(size, flags) calloc(1, size)
#define kfree free
#define u64_to_user_ptr(address) ((void *)(uintptr_t)(address))
#define get_user(to, from) copy_from_user(&(to), from, sizeof(to))
#define capable(what) true

struct file;
struct inode;
struct list_head {
	struct list_head *next;
};
struct rw_semaphore {
	int unused;
};
struct mutex {
	int unused;
};
struct xarray {
	int unused;
};
struct kobject {
	int unused;
};
struct file_operations {
	void *owner;
	int (*open)(struct inode *inode, struct file *file);
	long (*unlocked_ioctl)(struct file *file, unsigned int cmd, unsigned long arg);
	long (*compat_ioctl)(struct file *file, unsigned int cmd, unsigned long arg);
};
struct miscdevice {
	int minor;
	const char *name;
	unsigned int mode;
	const struct file_operations *fops;
};

int nonseekable_open(struct inode *inode, struct file *file);
long compat_ptr_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
int misc_register(struct miscdevice *device);
void misc_deregister(struct miscdevice *device);
/* What could not be copied, in bytes. */
unsigned long copy_from_user(void *to, const void *from, unsigned long bytes);
unsigned long copy_to_user(void *to, const void *from, unsigned long bytes);
unsigned long clear_user(void *to, unsigned long bytes);
int copy_struct_from_user(void *to, size_t size, const void *from, size_t user_size);
ssize_t strscpy(char *to, const char *from, size_t size);
ssize_t strscpy_pad(char *to, const char *from, size_t size);

#endif /* TBK_FUZZ_KERNEL_H */

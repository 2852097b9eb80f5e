// SPDX-License-Identifier: GPL-2.0
/* /sys/fs/thinback/POOL/volumes/VOLUME/statistics */
#include <linux/sysfs.h>

#include "sysfs.h"
#include "sysfs_stats.h"

ssize_t tbk_sysfs_emit_latency(char *page, const struct tbk_op_stats *stats)
{
	ssize_t length = 0;
	unsigned int i;

	for (i = 0; i < TBK_LATENCY_BUCKETS; i++)
		length += sysfs_emit_at(page, length, i ? " %llu" : "%llu", stats->latency[i]);
	return length + sysfs_emit_at(page, length, "\n");
}

static ssize_t tbk_emit_requests(char *page, const struct tbk_op_stats *stats)
{
	u64 requests = 0;
	unsigned int i;

	for (i = 0; i < TBK_LATENCY_BUCKETS; i++)
		requests += stats->latency[i];
	return sysfs_emit(page, "%llu\n", requests);
}

static ssize_t tbk_emit_errors(char *page, const struct tbk_op_stats *stats)
{
	return sysfs_emit(page, "%llu\n", stats->errors);
}

static ssize_t tbk_emit_bytes(char *page, const struct tbk_op_stats *stats)
{
	return sysfs_emit(page, "%llu\n", stats->bytes);
}

#define TBK_STAT_ATTR(name, kind, emit)                                                         \
	static ssize_t name##_show(struct tbk_entry *entry, const struct tbk_object_info *info, \
				   char *page)                                                  \
	{                                                                                       \
		struct tbk_op_stats stats;                                                      \
		int err = tbk_pool_read_stats(entry->in->pool, entry->volume, kind, &stats);    \
                                                                                                \
		return err ?: emit(page, &stats);                                               \
	}                                                                                       \
	static struct tbk_volume_attribute name##_attr = __ATTR_RO(name)

TBK_STAT_ATTR(read_requests, TBK_STAT_READ, tbk_emit_requests);
TBK_STAT_ATTR(read_errors, TBK_STAT_READ, tbk_emit_errors);
TBK_STAT_ATTR(read_bytes, TBK_STAT_READ, tbk_emit_bytes);
TBK_STAT_ATTR(read_latency, TBK_STAT_READ, tbk_sysfs_emit_latency);
TBK_STAT_ATTR(write_requests, TBK_STAT_WRITE, tbk_emit_requests);
TBK_STAT_ATTR(write_errors, TBK_STAT_WRITE, tbk_emit_errors);
TBK_STAT_ATTR(write_bytes, TBK_STAT_WRITE, tbk_emit_bytes);
TBK_STAT_ATTR(write_latency, TBK_STAT_WRITE, tbk_sysfs_emit_latency);
TBK_STAT_ATTR(flush_requests, TBK_STAT_FLUSH, tbk_emit_requests);
TBK_STAT_ATTR(flush_errors, TBK_STAT_FLUSH, tbk_emit_errors);
TBK_STAT_ATTR(flush_latency, TBK_STAT_FLUSH, tbk_sysfs_emit_latency);
TBK_STAT_ATTR(discard_requests, TBK_STAT_DISCARD, tbk_emit_requests);
TBK_STAT_ATTR(discard_errors, TBK_STAT_DISCARD, tbk_emit_errors);
TBK_STAT_ATTR(discard_bytes, TBK_STAT_DISCARD, tbk_emit_bytes);
TBK_STAT_ATTR(discard_latency, TBK_STAT_DISCARD, tbk_sysfs_emit_latency);

static struct attribute *tbk_volume_statistics_attrs[] = {
	&read_requests_attr.attr,   &read_errors_attr.attr,
	&read_bytes_attr.attr,	    &read_latency_attr.attr,
	&write_requests_attr.attr,  &write_errors_attr.attr,
	&write_bytes_attr.attr,	    &write_latency_attr.attr,
	&flush_requests_attr.attr,  &flush_errors_attr.attr,
	&flush_latency_attr.attr,   &discard_requests_attr.attr,
	&discard_errors_attr.attr,  &discard_bytes_attr.attr,
	&discard_latency_attr.attr, NULL,
};

const struct attribute_group tbk_volume_statistics_group = {
	.name = "statistics",
	.attrs = tbk_volume_statistics_attrs,
};

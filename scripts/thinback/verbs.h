/* SPDX-License-Identifier: GPL-2.0 */
/* The verbs: each does what Session::options ask for. They throw Failure. */
#pragma once

#include "session.h"

namespace thinback::tool {

/* verbs_device.cc: on devices that are not attached */
void verb_format(Session &session);
void verb_check(Session &session);
void verb_probe(Session &session);

/* verbs_dump.cc: a pool's metadata as a file */
void verb_dump(Session &session);
void verb_restore(Session &session);

/* verbs_pool.cc */
void verb_attach(Session &session);
void verb_detach(Session &session);
void verb_sync(Session &session);
void verb_grow(Session &session);
void verb_scrub(Session &session);
void verb_version(Session &session);

/* list.cc */
void verb_list(Session &session);

/* top.cc */
void verb_top(Session &session);

/* verbs_volume.cc */
void verb_create(Session &session);
void verb_snapshot(Session &session);
void verb_clone(Session &session);
void verb_remove(Session &session);
void verb_rename(Session &session);
void verb_rollback(Session &session);
void verb_resize(Session &session);
void verb_map(Session &session);
void verb_unmap(Session &session);

/* verbs_set.cc */
void verb_set(Session &session);

/* hotplug.cc: for block-thinback */
void verb_hotplug(Session &session);

} // namespace thinback::tool

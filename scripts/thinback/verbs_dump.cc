// SPDX-License-Identifier: GPL-2.0
/* A pool's metadata as a file, and a pool made of such a file. */
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <ostream>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dump_reader.h"
#include "dump_writer.h"
#include "failure.h"
#include "offline.h"
#include "progress.h"
#include "signature.h"
#include "verbs.h"

namespace thinback::tool {

namespace {

/* A file that takes the place of another once all of it is on disk, if that is one that can be replaced. */
class NewFile {
public:
	explicit NewFile(const std::string &path);
	~NewFile()
	{
		if (is_beside_)
			unlink(path_.c_str());
	}
	NewFile(const NewFile &) = delete;
	NewFile &operator=(const NewFile &) = delete;

	std::ostream &out() { return out_; }
	/* Throws Failure. */
	void finish();

private:
	[[noreturn]] void fail() const
	{
		throw failure_of(errno, {}, wanted_ + ": " + strerror(errno), {});
	}

	const std::string wanted_;
	std::string path_;
	bool is_beside_ = false;
	std::ofstream out_;
};

NewFile::NewFile(const std::string &path) : wanted_(path), path_(path)
{
	struct stat status {};

	is_beside_ = stat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode);
	if (is_beside_)
		path_ += ".new";
	out_.open(path_, std::ios::binary | std::ios::trunc);
	if (!out_)
		fail();
}

void NewFile::finish()
{
	out_.close();
	if (!is_beside_)
		return;
	const int fd = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
	const bool is_down = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	if (!is_down || rename(path_.c_str(), wanted_.c_str()) != 0)
		fail();
	is_beside_ = false;
}

/* Writes, and says at once what is lost. */
class DumpRun final : public DumpParts {
public:
	DumpRun(Session &session, const std::string &device, std::ostream &out)
		: writer(out),
		  session_(session),
		  device_(device),
		  progress_(session.world.err, "dump " + device,
			    session.world.can_draw && !session.options.quiet)
	{
	}

	void pool(const tbk_dump_pool &pool) override { writer.pool(pool); }
	void object(const tbk_dump_object &object) override { writer.object(object); }
	void tree(tbk_u32 id) override { writer.tree(id); }
	void extent(const tbk_dump_extent &extent) override { writer.extent(extent); }
	void lost(const std::string &text) override
	{
		progress_.clear();
		session_.world.err << fmt::format("thinback: {}: {}\n", device_, text)
				   << std::flush;
		lines.push_back(text);
		writer.lost(text);
	}
	void update(std::uint64_t done, std::uint64_t total) { progress_.update(done, total); }

	DumpWriter writer;
	std::vector<std::string> lines; /* of what is lost */

private:
	Session &session_;
	const std::string device_;
	Progress progress_;
};

DumpReport run_dump(Session &session, const Device &device, std::ostream &out)
{
	DumpRun run(session, device.get().path, out);

	session.world.core.dump(device.get(), run, [&](std::uint64_t done, std::uint64_t total) {
		run.update(done, total);
	});
	run.writer.finish();
	if (!run.lines.empty())
		session.status = static_cast<int>(CheckExit::findings);
	return { device.get().path,  {},
		 run.writer.volumes, run.writer.snapshots,
		 run.writer.extents, std::move(run.lines) };
}

void dump_to_file(Session &session, const Device &device, const std::string &path)
{
	NewFile file(path);
	DumpReport dump = run_dump(session, device, file.out());

	file.finish();
	dump.file = path;
	session.say(fmt::format("{} written: {} volumes, {} snapshots, {} extents{}", path,
				dump.volumes, dump.snapshots, dump.extents,
				dump.lost.empty() ? "" : "; not all could be read"));
	session.report.dump = std::move(dump);
}

} // namespace

void verb_dump(Session &session)
{
	const std::string path = parse_device(session.options.objects.at(0)).pool;
	const std::unique_ptr<Device> device = open_device(session, path, Access::read);

	if (!session.options.output.empty())
		return dump_to_file(session, *device, session.options.output);
	session.is_answered = true;
	run_dump(session, *device, session.world.out);
}

namespace {

/* What is there, also where a pool is that nobody can read. */
std::string content_if_any(Session &session, const OpenDevice &device)
{
	try {
		return content(session.world.core, device);
	} catch (const Failure &failure) {
		if (failure.error != EUCLEAN && failure.error != EIO && failure.error != ENODATA)
			throw;
		return signatures(device);
	}
}

void allow_replacing(Session &session, const OpenDevice &device, const std::string &dump)
{
	const std::string found = content_if_any(session, device);

	if (!found.empty() && !session.options.force)
		throw Failure(Exit::refused, device.path, fmt::format("it holds {}", found),
			      fmt::format("to replace that: thinback restore {} {} --force", dump,
					  device.path));
}

std::unique_ptr<std::istream> open_dump(const std::string &path)
{
	auto file = std::make_unique<std::ifstream>(path, std::ios::binary);
	struct stat status {};

	if (!*file || stat(path.c_str(), &status) != 0)
		throw failure_of(errno, path, strerror(errno), {});
	/* It is read twice. */
	if (!S_ISREG(status.st_mode))
		throw Failure(Exit::usage, path, "it is no file");
	return file;
}

/* The file is read twice, then what came of it is checked: a third each. */
class RestoreProgress {
public:
	RestoreProgress(Session &session, const std::string &device, std::istream &in)
		: progress_(session.world.err, "restore " + device,
			    session.world.can_draw && !session.options.quiet)
	{
		in.seekg(0, std::ios::end);
		bytes_ = static_cast<std::uint64_t>(in.tellg());
	}

	void read(std::uint64_t at) { progress_.update(times_ * bytes_ + at, 3 * bytes_); }
	void next() { times_++; }
	void checked(std::uint64_t done, std::uint64_t total)
	{
		progress_.update(2 * total + done, 3 * total);
	}

private:
	Progress progress_;
	std::uint64_t bytes_ = 0;
	std::uint64_t times_ = 0;
};

void run_restore(Session &session, const Device &device, const std::string &dump, std::istream &in)
{
	RestoreProgress progress(session, device.get().path, in);
	RestoreSource source;

	source.without_lost = session.options.force;
	source.tell = [&](DumpParts &parts) {
		in.clear();
		in.seekg(0);
		read_dump(in, dump, parts, [&](std::uint64_t at) { progress.read(at); });
		progress.next();
	};
	source.progress = [&](std::uint64_t done, std::uint64_t total) {
		progress.checked(done, total);
	};
	try {
		session.world.core.restore(device.get(), source);
	} catch (Failure &failure) {
		/* What came of the dump as a whole. */
		if (failure.object.empty())
			failure.object = dump;
		throw;
	}
}

} // namespace

void verb_restore(Session &session)
{
	const std::string &dump = session.options.objects.at(0);
	const std::string path = parse_device(session.options.objects.at(1)).pool;
	const std::unique_ptr<std::istream> in = open_dump(dump);
	const std::unique_ptr<Device> device = open_device(session, path, Access::write);

	allow_replacing(session, device->get(), dump);
	run_restore(session, *device, dump, *in);

	const std::optional<PoolOnDisk> made = session.world.core.probe(device->get());

	if (!made)
		throw Failure(Exit::failed, path, "the pool just made cannot be read back");
	session.report.offline_pools = { { path, *made } };
	session.say(fmt::format("pool {} restored on {}, {}", made->name, path,
				session.size_text(made->size)));
	session.say(fmt::format("  next: thinback attach {}", path));
}

} // namespace thinback::tool

// SPDX-License-Identifier: GPL-2.0
/*
 * Reads a transcript, does again what it shows, and prints the transcript as it
 * comes out now: equal, if nothing changed.
 *
 *   # words          a command line; what it prints follows, errors behind "! "
 *   [N]              its exit status, where that is not 0
 *   % words          something that happens in the world around the program;
 *                    what that shows follows, behind "= "
 *   > words          what is typed in, at a terminal, during the next command
 *   ; words          a remark
 *   anything else    old output, replaced
 */
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <iostream>
#include <sstream>
#include <utility>

#include <unistd.h>

#include "../../scripts/thinback/dump_writer.h"
#include "../../scripts/thinback/failure.h"
#include "../../scripts/thinback/progress.h"
#include "../../scripts/thinback/size.h"
#include "../../scripts/thinback/world.h"
#include "fake_kernel.h"
#include "fake_sysfs.h"
#include "fake_terminal.h"

namespace thinback::tool {

namespace {

/* Offline pools: the pool's name stands at the start of the file. */
class FakeCore final : public Core {
public:
	std::optional<PoolOnDisk> probe(const OpenDevice &device) override
	{
		char text[64] = {};

		if (pread(device.fd, text, sizeof(text) - 1, 0) < 0 ||
		    strncmp(text, "pool ", 5) != 0)
			return {};

		Uuid uuid{};

		uuid.fill(0xab);
		return PoolOnDisk{ text + 5, uuid, 1ULL << 30 };
	}

	void format(const OpenDevice &device, const PoolOnDisk &pool) override
	{
		const std::string text = "pool " + pool.name;

		if (refusal.error)
			throw failure_of(refusal.error, device.path, refusal.message, {});
		if (pwrite(device.fd, text.c_str(), text.size() + 1, 0) < 0)
			throw failure_of(errno, device.path, strerror(errno), {});
	}

	CheckSummary check(const OpenDevice &device, const CheckListener &listener) override
	{
		const auto pool = probe(device);

		if (!pool)
			throw failure_of(EMEDIUMTYPE, device.path, {}, {});
		for (const Finding &finding : findings)
			listener.found(finding);
		listener.progress(1, 1);
		return { pool->name, 3, 5, 120, 900, 70ULL << 20, findings.size() * 4096 };
	}

	std::vector<std::string> repair(const OpenDevice &, const RepairOptions &options,
					const CheckListener &) override
	{
		std::vector<std::string> lines;

		if (options.drop) {
			for (const Finding &finding : findings)
				lines.push_back("given up: " + finding.text);
			findings.clear();
			return lines;
		}

		for (const Finding &finding : findings)
			if (finding.severity != Severity::fatal)
				lines.push_back("no more: " + finding.text);
		std::erase_if(findings, [](const Finding &finding) {
			return finding.severity != Severity::fatal;
		});
		return lines;
	}

	/* A volume and its snapshot; what is found is lost. */
	void dump(const OpenDevice &device, DumpParts &to,
		  const std::function<void(std::uint64_t, std::uint64_t)> &progress) override
	{
		const auto pool = probe(device);

		if (!pool)
			throw failure_of(EMEDIUMTYPE, device.path, {}, {});
		to.pool(dump_head(*pool));
		for (tbk_u32 id = 1; id <= 2; id++)
			to.object(dump_object(id));
		to.tree(2);
		to.extent({ 0, 16, TBK_DUMP_DATA, 9000, 1 });
		for (const Finding &finding : findings) {
			to.lost(finding.text);
			to.extent({ 16, 8, TBK_DUMP_LOST, 0, 0 });
		}
		to.tree(1);
		to.extent({ 0, 1ULL << 40, TBK_DUMP_SAME, 0, 0 });
		progress(1, 1);
	}

	/* What is told both times must be the same. */
	void restore(const OpenDevice &device, const RestoreSource &source) override
	{
		std::ostringstream told[2];

		if (refusal.error)
			throw failure_of(refusal.error, device.path, refusal.message, {});
		for (std::ostringstream &one : told) {
			DumpWriter writer(one);

			source.tell(writer);
			writer.finish();
		}
		const std::string text = told[0].str();
		const std::size_t name = text.find("\"name\": \"") + 9;
		const std::string line = "pool " + text.substr(name, text.find('"', name) - name);

		if (text != told[1].str() ||
		    pwrite(device.fd, line.c_str(), line.size() + 1, 0) < 0)
			throw Failure(Exit::failed, device.path, "told of something else");
	}

	Refusal refusal;
	std::vector<Finding> findings;

private:
	static tbk_dump_pool dump_head(const PoolOnDisk &pool)
	{
		tbk_dump_pool head{};

		snprintf(head.name, sizeof(head.name), "%s", pool.name.c_str());
		std::copy(pool.uuid.begin(), pool.uuid.end(), head.uuid);
		head.blocks = pool.size / TBK_BLOCK;
		head.journal_blocks = 1024;
		head.generation = 2;
		head.checkpoint = 42;
		head.next_id = 3;
		return head;
	}

	static tbk_dump_object dump_object(tbk_u32 id)
	{
		tbk_dump_object object{};

		object.id = id;
		strcpy(object.name, id == 1 ? "web17" : "monday");
		strcpy(object.volume, id == 1 ? "" : "web17");
		object.parent = id == 1 ? 2 : 0;
		object.flags = id == 1 ? 0 : TBK_OBJECT_SNAPSHOT;
		object.size = 1000;
		object.since = id == 1 ? 1 : 0;
		object.generation = id == 1 ? 0 : 1;
		object.own = id == 1 ? 0 : 16;
		object.mapped = 16;
		return object;
	}
};

class FakeSystem final : public System {
public:
	explicit FakeSystem(FakeKernel &its_kernel) : kernel(its_kernel) {}

	int open(const std::string &path, int flags) override
	{
		return path == refused ? -error : System::open(path, flags);
	}
	std::time_t now() override { return 1789355500; }
	void pause() override { kernel.pass_time(); }
	std::uint64_t ticks() const override { return passed; }
	/* A second is a little longer than that. */
	void sleep(std::uint64_t ns) override
	{
		passed += ns + ns / 1000;
		if (!later.empty()) {
			const std::vector<std::string> happenings = std::move(later.front());

			later.erase(later.begin());
			for (const std::string &line : happenings)
				happen(line);
		}
	}

	FakeKernel &kernel;
	std::string refused;
	int error = 0;
	std::uint64_t passed = 1'000'000'000;
	/* What happens in the next wait, the one after it, and so on; and who makes it. */
	std::vector<std::vector<std::string>> later;
	std::function<void(const std::string &)> happen;
};

class Theatre {
public:
	Theatre()
	{
		system_.happen = [this](const std::string &line) {
			happen(line);
		};
	}

	void happen(const std::string &line);
	void type(const std::string &line) { typed_ += line + "\n"; }
	void perform(const std::string &line);

private:
	void pool(std::istringstream &words);
	void object(std::istringstream &words);
	void set(thinback_object &object, const std::string &key, const std::string &value);

	FakeKernel kernel_;
	FakeCore core_;
	FakeSystem system_{ kernel_ };
	FakeSysfs sysfs_;
	Terminal::Size terminal_{}; /* none */
	std::string typed_;
};

int error_number(const std::string &name)
{
	static const std::map<std::string, int> all = {
		{ "EPERM", EPERM },
		{ "ENOENT", ENOENT },
		{ "EIO", EIO },
		{ "EACCES", EACCES },
		{ "EBUSY", EBUSY },
		{ "EEXIST", EEXIST },
		{ "EINVAL", EINVAL },
		{ "ENOSPC", ENOSPC },
		{ "EROFS", EROFS },
		{ "EOVERFLOW", EOVERFLOW },
		{ "ENAMETOOLONG", ENAMETOOLONG },
		{ "ENOTEMPTY", ENOTEMPTY },
		{ "EPROTO", EPROTO },
		{ "EOVERFLOW", EOVERFLOW },
		{ "ENODATA", ENODATA },
		{ "EUCLEAN", EUCLEAN },
		{ "EMEDIUMTYPE", EMEDIUMTYPE },
		{ "ESHUTDOWN", ESHUTDOWN },
		{ "ENOMEM", ENOMEM },
	};

	return all.at(name);
}

/* pool NAME DEVICE SIZE FREE [failed] [FREEING] */
void Theatre::pool(std::istringstream &words)
{
	std::string name, device, size, free, more;

	words >> name >> device >> size >> free;
	thinback_pool &pool = kernel_.pools[name];

	snprintf(pool.name, sizeof(pool.name), "%s", name.c_str());
	snprintf(pool.device, sizeof(pool.device), "%s", device.c_str());
	memset(pool.uuid, 0xab, sizeof(pool.uuid));
	pool.size = parse_size(size, size);
	pool.free = parse_size(free, free);
	pool.metadata = 12 << 20;
	pool.generation = 7;
	pool.checkpoint = 42;
	pool.low = 200;
	pool.critical = 50;
	pool.discard_rate = 256 << 20;
	while (words >> more)
		pool.flags |= more == "failed" ? THINBACK_POOL_FAILED : THINBACK_POOL_CLEANING;
}

void Theatre::set(thinback_object &object, const std::string &key, const std::string &value)
{
	const std::map<std::string, std::function<void()>> setters = {
		{ "own",
		  [&] {
			  object.own = parse_size(value, value);
		  } },
		{ "shared",
		  [&] {
			  object.shared = parse_size(value, value);
		  } },
		{ "children",
		  [&] {
			  object.children = std::stoul(value);
		  } },
		{ "guest",
		  [&] {
			  object.guest = std::stoi(value);
		  } },
		{ "open",
		  [&] {
			  object.open = std::stoul(value);
		  } },
		{ "waiting",
		  [&] {
			  object.waiting = std::stoul(value);
		  } },
		{ "vdev",
		  [&] {
			  snprintf(object.vdev, sizeof(object.vdev), "%s", value.c_str());
		  } },
		{ "flags",
		  [&] {
			  object.flags |= std::stoul(value);
		  } },
		{ "parent",
		  [&] {
			  const Name parent = parse_snapshot("x/" + value);

			  strcpy(object.parent_volume, parent.volume.c_str());
			  strcpy(object.parent_snapshot, parent.snapshot.c_str());
		  } },
	};

	setters.at(key)();
}

/* object NAME SIZE [key=value...] */
void Theatre::object(std::istringstream &words)
{
	std::string text, size, pair;

	words >> text >> size;

	const Name name = parse_volume_or_snapshot(text);
	thinback_object &object =
		kernel_.make(name.pool, name.volume, name.snapshot, parse_size(size, size));

	while (words >> pair)
		set(object, pair.substr(0, pair.find('=')), pair.substr(pair.find('=') + 1));
}

std::string rest(std::istringstream &words)
{
	std::string text;

	words >> std::ws;
	std::getline(words, text);
	return text;
}

void Theatre::happen(const std::string &line)
{
	std::istringstream words(line);
	std::string what, first;
	Severity severity = Severity::leak;

	words >> what;
	if (what == "pool")
		return pool(words);
	if (what == "object")
		return object(words);
	if (what == "shell") { /* a command, for files and loop devices */
		if (system(rest(words).c_str()) != 0)
			std::cout << "! it failed\n";
		return;
	}
	if (what == "did")
		return sysfs_.did(system_.sysfs, words);
	words >> first;
	if (what == "gone") {
		sysfs_.go(system_.sysfs, first);
	} else if (what == "terminal") { /* terminal COLUMNS LINES */
		terminal_.columns = std::stoul(first);
		words >> terminal_.lines;
	} else if (what == "later") { /* later N LINE: in the N-th wait from now */
		const std::size_t wait = std::stoul(first);

		if (system_.later.size() < wait)
			system_.later.resize(wait);
		system_.later[wait - 1].push_back(rest(words));
	} else if (what == "on") { /* on DEVICE POOL: what attach finds there */
		words >> kernel_.devices[absolute_path(first)];
	} else if (what == "refuse") { /* refuse ERRNO MESSAGE | HINT: the next command */
		const std::string text = rest(words);
		const std::size_t bar = text.find(" | ");

		kernel_.refusal = { error_number(first), text.substr(0, bar),
				    bar == std::string::npos ? "" : text.substr(bar + 3) };
	} else if (what == "format-fails") {
		core_.refusal = { first == "0" ? 0 : error_number(first), rest(words), {} };
	} else if (what == "control") { /* control ERRNO: of opening the control device */
		kernel_.open_error = first == "0" ? 0 : error_number(first);
	} else if (what == "interface") {
		kernel_.interface = static_cast<unsigned int>(std::stoul(first));
	} else if (what == "open-fails") { /* open-fails PATH ERRNO */
		words >> what;
		system_.refused = first;
		system_.error = error_number(what);
	} else if (what == "sys") {
		system_.sysfs = first + "/sys";
		system_.proc = first + "/proc";
	} else if (what == "progress") { /* progress DONE TOTAL SECONDS */
		std::uint64_t total, seconds;

		words >> total >> seconds;
		std::cout << "= "
			  << progress_line("check /dev/sdb", std::stoull(first), total, seconds)
			  << "\n";
	} else if (what == "gained") { /* gained SIZE: the next pool to grow finds as much */
		kernel_.gained = parse_size(first, "");
	} else if (what == "damaged") { /* damaged FOUND HEALED: what scrubs tell of from now on */
		kernel_.damaged = std::stoull(first);
		words >> kernel_.healed;
	} else if (what == "bytes") { /* bytes SIZE: read and written */
		std::cout << "= " << parse_size(first, first) << " "
			  << format_size(parse_size(first, first)) << "\n";
	} else if (what == "finding") {
		if (first != "leak")
			severity = first == "fatal" ? Severity::fatal : Severity::fixable;
		core_.findings.push_back({ severity, rest(words) });
	} else if (what == "no-findings") {
		core_.findings.clear();
	} else if (what == "log") { /* what the module was asked for, since the last time */
		for (const std::string &entry : std::exchange(kernel_.log, {}))
			std::cout << "= " << entry << "\n";
	} else {
		throw std::invalid_argument("% " + line);
	}
}

void Theatre::perform(const std::string &line)
{
	std::istringstream words(line);
	std::vector<std::string> list;
	std::vector<const char *> argv;
	std::istringstream in(typed_);
	std::ostringstream out;
	std::ostringstream err;
	World world{ kernel_, core_, system_, in, out, err };
	std::string word;

	while (words >> word)
		list.push_back(word == "''" ? "" : word);
	for (const std::string &one : list)
		argv.push_back(one.c_str());
	FakeTerminal terminal(system_, out, terminal_, typed_);

	world.can_ask = !typed_.empty();
	if (terminal_.columns)
		world.terminal = &terminal;

	const int status = run(static_cast<int>(argv.size()), argv.data(), world);
	std::istringstream errors(err.str());

	std::cout << out.str();
	while (std::getline(errors, word))
		std::cout << "! " << word << "\n";
	if (status != 0)
		std::cout << "[" << status << "]\n";
	typed_.clear();
}

bool prints(const std::string &happening)
{
	return happening == "log" || happening.starts_with("bytes ") ||
	       happening.starts_with("progress ") || happening.starts_with("shell ");
}

} // namespace

} // namespace thinback::tool

int main(int argc, char **argv)
{
	using namespace thinback::tool;

	std::ifstream transcript(argc > 1 ? argv[1] : "/dev/stdin");
	Theatre theatre;
	std::string line;
	bool old_output = false;

	while (std::getline(transcript, line)) {
		const std::string rest = line.size() > 2 ? line.substr(2) : "";
		const char kind = line.size() > 1 && line[1] == ' ' ? line[0] : '-';

		if (old_output && !strchr("#%>;", kind))
			continue;
		if (old_output)
			std::cout << "\n";
		old_output = kind == '#' || (kind == '%' && prints(rest));
		std::cout << line << "\n" << std::flush;
		if (kind == '#')
			theatre.perform(rest);
		else if (kind == '%')
			theatre.happen(rest);
		else if (kind == '>')
			theatre.type(rest);
		std::cout << std::flush;
	}
	return 0;
}

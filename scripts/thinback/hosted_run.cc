// SPDX-License-Identifier: GPL-2.0
#include "hosted_run.h"

#include <exception>

#include "../../drivers/hosted/hosted.h"
#include "failure.h"

namespace thinback::tool {

void run_core(const std::function<void()> &body)
{
	std::exception_ptr thrown;
	HostedOptions options;

	options.real = true;
	hosted_run(
		[&] {
			try {
				body();
			} catch (...) {
				thrown = std::current_exception();
			}
		},
		options);
	if (thrown)
		std::rethrow_exception(thrown);
}

void require(int error, const OpenDevice &device, const tbk_why &why)
{
	if (error != 0)
		throw failure_of(-error, device.path, why.text, why.hint);
}

} // namespace thinback::tool

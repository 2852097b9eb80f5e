// SPDX-License-Identifier: GPL-2.0
#include <thinback/base/list.h>

#include "../harness/check.h"

using namespace thinback;

namespace {

struct Job {
	explicit Job(int number) : digit(number) {}

	int digit;
	ListLink by_age;
	ListLink by_size;
};

using Jobs = List<Job, &Job::by_age>;
using Sizes = List<Job, &Job::by_size>;

/* The digits in their order, as one decimal number. */
int digits(const Jobs &jobs)
{
	int sum = 0;

	for (const Job *job = jobs.first(); job; job = jobs.next(*job))
		sum = sum * 10 + job->digit;
	return sum;
}

int digits_backwards(const Jobs &jobs)
{
	int sum = 0;

	for (const Job *job = jobs.last(); job; job = jobs.prev(*job))
		sum = sum * 10 + job->digit;
	return sum;
}

void drain(Jobs &jobs)
{
	while (jobs.pop_front()) {}
}

} // namespace

TBK_TEST(list_keeps_order_of_pushes)
{
	Job one(1), two(2), three(3);
	Jobs jobs;

	jobs.push_back(two);
	jobs.push_back(three);
	jobs.push_front(one);
	CHECK_EQ(digits(jobs), 123);
	CHECK_EQ(digits_backwards(jobs), 321);
	drain(jobs);
}

TBK_TEST(list_pops_front_until_empty)
{
	Job one(1), two(2);
	Jobs jobs;

	CHECK(jobs.is_empty());
	CHECK(!jobs.pop_front());
	jobs.push_back(one);
	jobs.push_back(two);
	CHECK(!jobs.is_empty());
	CHECK_EQ(jobs.pop_front(), &one);
	CHECK(!one.by_age.is_linked());
	CHECK_EQ(jobs.pop_front(), &two);
	CHECK(jobs.is_empty());
}

TBK_TEST(list_removes_from_middle)
{
	Job one(1), two(2), three(3);
	Jobs jobs;

	jobs.push_back(one);
	jobs.push_back(two);
	jobs.push_back(three);
	jobs.remove(two);
	CHECK_EQ(digits(jobs), 13);
	CHECK_EQ(digits_backwards(jobs), 31);
	CHECK(!two.by_age.is_linked());
	drain(jobs);
}

TBK_TEST(list_inserts_before)
{
	Job one(1), two(2), three(3);
	Jobs jobs;

	jobs.push_back(three);
	jobs.insert_before(three, one);
	jobs.insert_before(three, two);
	CHECK_EQ(digits(jobs), 123);
	drain(jobs);
}

TBK_TEST(list_survives_removal_while_walking)
{
	Job one(1), two(2), three(3);
	Jobs jobs;

	jobs.push_back(one);
	jobs.push_back(two);
	jobs.push_back(three);
	for (Job *job = jobs.first(), *next = nullptr; job; job = next) {
		next = jobs.next(*job);
		if (job->digit != 2)
			jobs.remove(*job);
	}
	CHECK_EQ(digits(jobs), 2);
	drain(jobs);
}

TBK_TEST(splice_moves_all_behind)
{
	Job one(1), two(2), three(3);
	Jobs jobs, more;

	jobs.push_back(one);
	more.push_back(two);
	more.push_back(three);
	jobs.splice_all(more);
	CHECK(more.is_empty());
	CHECK_EQ(digits(jobs), 123);
	CHECK_EQ(digits_backwards(jobs), 321);
	jobs.remove(three);
	more.push_back(three);
	CHECK_EQ(digits(more), 3);
	drain(jobs);
	drain(more);
}

TBK_TEST(splice_of_empty_changes_nothing)
{
	Job one(1);
	Jobs jobs, more;

	jobs.push_back(one);
	jobs.splice_all(more);
	CHECK_EQ(digits(jobs), 1);
	more.splice_all(jobs);
	CHECK(jobs.is_empty());
	CHECK_EQ(digits(more), 1);
	drain(more);
}

TBK_TEST(object_can_be_in_two_lists)
{
	Job one(1), two(2);
	Jobs jobs;
	Sizes sizes;

	jobs.push_back(one);
	jobs.push_back(two);
	sizes.push_back(two);
	sizes.push_back(one);
	CHECK_EQ(jobs.first(), &one);
	CHECK_EQ(sizes.first(), &two);
	jobs.remove(one);
	CHECK(one.by_size.is_linked());
	drain(jobs);
	while (sizes.pop_front()) {}
}

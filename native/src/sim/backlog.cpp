#include "sim/backlog.h"

#include <mutex>
#include <unordered_set>

#include "core/error.h"
#include "sim/schedule.h"

namespace hs::sim {
namespace {

// Guards all backlogs: another thread than the owner of the streams may free memory, and then does
// the work of the streams.
std::recursive_mutex mutex;

std::unordered_set<Backlog*>& all() {
  static auto* backlogs = new std::unordered_set<Backlog*>;  // outlives every thread
  return *backlogs;
}

}  // namespace

Backlog::Backlog() {
  std::lock_guard lock(mutex);
  all().insert(this);
}

Backlog::~Backlog() {
  std::lock_guard lock(mutex);
  all().erase(this);
}

bool Backlog::at_once() const {
  ScheduleOptions options = schedule_options();
  options.seed += added_;
  Schedule schedule;
  schedule.begin(options, 1);
  return schedule.copy_lands_at_once();
}

hs_status Backlog::add(Work work) {
  std::lock_guard lock(mutex);
  left_.push_back(std::move(work));
  added_++;
  return at_once() ? finish() : HS_OK;
}

hs_status Backlog::wait_for(std::shared_ptr<Backlog> other) {
  std::lock_guard lock(mutex);
  return add([other, count = other->added_]() -> hs_status {
    other->run_until(count);
    return HS_OK;
  });
}

void Backlog::run_until(std::uint64_t count) {
  while (!running_ && begun_ < count) {
    Work work = std::move(left_.front());
    left_.pop_front();
    begun_++;
    running_ = true;
    hs_status status = work();
    running_ = false;
    if (status != HS_OK && failed_ == HS_OK) {
      failed_ = status;
      message_ = error_message();
    }
  }
}

hs_status Backlog::finish() {
  std::lock_guard lock(mutex);
  run_until(added_);
  hs_status status = failed_;
  failed_ = HS_OK;
  return status == HS_OK ? HS_OK : fail(status, "%s", message_.c_str());
}

std::shared_ptr<Backlog> Backlog::find(std::uint64_t handle) {
  std::lock_guard lock(mutex);
  const auto found = all().find(reinterpret_cast<Backlog*>(handle));
  return found == all().end() ? nullptr : (*found)->weak_from_this().lock();
}

void Backlog::finish_all() {
  std::lock_guard lock(mutex);
  for (Backlog* backlog : all()) backlog->run_until(backlog->added_);
}

hs_status finish(void* backlog) {
  return backlog ? static_cast<Backlog*>(backlog)->finish() : HS_OK;
}

}  // namespace hs::sim

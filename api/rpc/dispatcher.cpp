#include "api/rpc/dispatcher.hpp"

#include <algorithm>
#include <atomic>

#include "pkg/crypto/crypto.hpp"
#include "pkg/log/log.hpp"

namespace weir::rpc {
namespace {

constexpr Millis kDefaultRetryAfter{1000};

Error unknown_command(std::string_view name) {
  return {Code::bad_request, "unknown_command", "There is no such command.",
          "command: " + std::string(name.substr(0, 100))};
}

std::string joined(const std::vector<std::string_view>& names) {
  std::string out;
  for (const auto name : names) out.append(out.empty() ? "" : ", ").append(name);
  return out;
}

// Everything that is not known, and all that is missing, at once.
Result<void> check_fields(const Command& command, json::View payload) {
  std::vector<FieldError> wrong;
  for (const auto& member : payload.members()) {
    const auto key = member.key();
    const bool known = std::any_of(command.payload.begin(), command.payload.end(),
                                   [&](const Field& field) { return field.name == key; });
    if (!known) wrong.push_back({key, "is not known here"});
  }
  const bool unknown = !wrong.empty();
  std::vector<std::string_view> takes;
  std::vector<std::string_view> needs;
  for (const auto& field : command.payload) {
    takes.push_back(field.name);
    if (!field.required || !payload.find(field.name).is_missing()) continue;
    needs.push_back(field.name);
    wrong.push_back({std::string(field.name), "is required"});
  }
  if (wrong.empty()) return {};
  const std::string name(command.name);
  if (!unknown) {
    return Error{Code::invalid, "invalid_payload", "A field of the payload is missing.",
                 name + " needs: " + joined(needs), std::move(wrong)};
  }
  return Error{Code::invalid, "invalid_payload", "A field of the payload is not known.",
               name + (takes.empty() ? " takes none" : " takes: " + joined(takes)),
               std::move(wrong)};
}

Result<void> check(const Command& command, json::View payload, const Caller& caller) {
  if (!caller.principal->scopes.allows(command.scope)) {
    return Error{Code::forbidden, "missing_scope", "The API key lacks the scope for this.",
                 "needs: " + std::string(auth::to_string(command.scope)) +
                     "; key: " + caller.principal->key_id};
  }
  if (command.needs_session && !caller.session) {
    return Error{Code::bad_request, "session_required",
                 "This command needs a connection to push to.",
                 std::string(command.name) + ": use the WebSocket, GET /api/v1/ws"};
  }
  return check_fields(command, payload);
}

// The payload belongs to it: clients that count from 1 again after a restart mean other requests.
std::string memory_key(const Caller& caller, std::string_view id, const Request& request) {
  std::string key = caller.principal->key_id + "\n" + request.command + "\n";
  key.append(id).append("\n").append(crypto::sha256(request.payload.raw()));
  return key;
}

}  // namespace

Outcome refusal(std::string_view request_id, const Error& error) {
  Outcome outcome{.frame = error_frame(request_id, error), .status = to_wire(error).status};
  outcome.retry_after = error.retry_after;
  const bool waits = error.code == Code::unavailable || error.code == Code::too_many_requests;
  if (waits && outcome.retry_after.count() == 0) outcome.retry_after = kDefaultRetryAfter;
  if (error.code == Code::internal) {
    log::error("command_failed", {{"request_id", request_id}, {"error", describe(error)}});
  }
  return outcome;
}

struct Dispatcher::Batch {
  std::shared_ptr<const std::string> text;
  Frame frame;
  std::shared_ptr<const Caller> caller;
  std::string given_id;  // empty: the client gave none
  Answer answer;
  std::vector<std::string> items;  // one for each request
  std::size_t begun = 0;           // requests
};

// Requests of a batch that were begun together. Whoever comes second, the caller or the last
// answer, goes on with the batch.
struct Dispatcher::Run {
  enum Turn : int { kRunning, kCallerWentOn, kAnswered };
  std::atomic<std::size_t> unanswered{0};
  std::atomic<int> turn{kRunning};
};

Dispatcher::Dispatcher(Parts parts) : parts_(std::move(parts)), remembered_(parts_.clock) {
  for (const auto& command : parts_.table) by_name_.emplace(command.name, &command);
}

const Command* Dispatcher::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

void Dispatcher::run(std::shared_ptr<const std::string> text, Caller caller, Answer answer) {
  auto frame = parse_frame(*text);
  if (!frame) {
    auto id = find_request_id(*text);
    if (id.empty()) id = parts_.ids.next();
    return answer(refusal(id, frame.error()));
  }
  const std::string given = frame->request_id;
  if (given.empty()) frame->request_id = parts_.ids.next();
  const auto shared = std::make_shared<const Caller>(std::move(caller));
  if (frame->batch) {
    const std::size_t size = frame->requests.size();
    return run_batch(
        std::make_shared<Batch>(Batch{std::move(text), std::move(*frame), shared, given,
                                      std::move(answer), std::vector<std::string>(size)}));
  }
  run_one(frame->requests.front(), text, shared, frame->request_id, given,
          [id = frame->request_id, answer = std::move(answer)](Result<std::string> payload) {
            if (!payload) return answer(refusal(id, payload.error()));
            answer({.frame = success_frame(id, *payload)});
          });
}

void Dispatcher::call(std::string_view command, std::shared_ptr<const std::string> text,
                      json::View payload, Caller caller, std::string request_id, Reply reply) {
  auto given = request_id;
  if (request_id.empty()) request_id = parts_.ids.next();
  run_one({std::string(command), payload}, text, std::make_shared<const Caller>(std::move(caller)),
          std::move(request_id), std::move(given), std::move(reply));
}

void Dispatcher::run_one(const Request& request, const std::shared_ptr<const std::string>& text,
                         const std::shared_ptr<const Caller>& caller, std::string request_id,
                         std::string memory_id, Reply reply) {
  const Command* command = find(request.command);
  if (command == nullptr) return reply(unknown_command(request.command));
  if (const auto allowed = check(*command, request.payload, *caller); !allowed) {
    return reply(allowed.error());
  }
  if (command->once_per_request_id && !memory_id.empty()) {
    auto first = remembered_.begin(memory_key(*caller, memory_id, request), std::move(reply));
    if (!first) return;
    reply = std::move(*first);
  }
  command->handler(Call(text, request.payload, caller, std::move(request_id)), std::move(reply));
}

// The end of what may begin at `at` without waiting for an answer: one command, or pipelined ones.
std::size_t Dispatcher::end_of_run(const Frame& frame, std::size_t at) const {
  const auto pipelined = [&](const Request& request) {
    const Command* command = find(request.command);
    return command != nullptr && command->pipelined;
  };
  if (!pipelined(frame.requests[at])) return at + 1;
  while (at < frame.requests.size() && pipelined(frame.requests[at])) ++at;
  return at;
}

// Commands that answer at once are run in a loop. When the last answer of a run comes later, its
// thread hands the rest to the executor.
void Dispatcher::run_batch(const std::shared_ptr<Batch>& batch) {
  while (batch->begun < batch->frame.requests.size()) {
    const std::size_t first = batch->begun;
    const std::size_t end = end_of_run(batch->frame, first);
    batch->begun = end;
    const auto run = std::make_shared<Run>();
    run->unanswered = end - first;
    for (std::size_t at = first; at < end; ++at) run_of_batch(batch, run, at);
    if (run->turn.exchange(Run::kCallerWentOn) == Run::kRunning) return;
  }
  batch->answer({.frame = batch_frame(batch->frame.request_id, batch->items)});
}

void Dispatcher::run_of_batch(const std::shared_ptr<Batch>& batch, const std::shared_ptr<Run>& run,
                              std::size_t at) {
  auto memory_id = batch->given_id;
  if (!memory_id.empty()) memory_id += "#" + std::to_string(at);
  run_one(
      batch->frame.requests[at], batch->text, batch->caller, batch->frame.request_id,
      std::move(memory_id), [this, batch, run, at](const Result<std::string>& payload) {
        if (!payload && payload.error().code == Code::internal) {
          (void)refusal(batch->frame.request_id, payload.error());
        }
        batch->items[at] = payload ? success_item(*payload) : error_item(payload.error());
        if (run->unanswered.fetch_sub(1) != 1) return;
        if (run->turn.exchange(Run::kAnswered) == Run::kRunning) return;
        if (parts_.executor([this, batch] { run_batch(batch); })) return;
        batch->answer(refusal(
            batch->frame.request_id,
            {Code::unavailable, "overloaded", "Too many requests wait for a read.",
             "The first " + std::to_string(batch->begun) + " commands of the batch were run."}));
      });
}

}  // namespace weir::rpc

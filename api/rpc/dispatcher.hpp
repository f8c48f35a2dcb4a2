// Dispatcher: runs frames of the command API for a caller: finds the command, checks scope and the
// names in its payload, runs it, remembers answers by request id, and writes the answering frame.
// It knows no transport.
//
//   dispatcher.run(text, caller, [](rpc::Outcome outcome) { send(outcome.frame); });
//
// run() may block as long as a handler does: never call it on an I/O thread. The answer comes once,
// on the calling thread or later on another one. A batch runs its commands one after the other
// (pipelined ones: in order, without waiting); it is not atomic. Thread-safe. The table and the
// parts outlive it, and it outlives its answers.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "api/rpc/command.hpp"
#include "api/rpc/frame.hpp"
#include "api/rpc/remembered.hpp"
#include "pkg/base/clock.hpp"
#include "pkg/base/ids.hpp"

namespace weir::rpc {

struct Outcome {
  std::string frame;
  int status = 200;       // as HTTP would say it; of a batch always 200
  Millis retry_after{0};  // 0 = not said
};

class Dispatcher {
 public:
  using Answer = std::function<void(Outcome)>;
  struct Parts {
    const CommandTable& table;
    const Clock& clock;
    UuidGenerator& ids;
    // Runs work on a thread that may block; false when it cannot. A batch goes on there when a
    // command was answered by a thread that must not be held up.
    std::function<bool(std::function<void()>)> executor;
  };
  explicit Dispatcher(Parts parts);

  // Errors of the frame itself are answered like those of a command.
  void run(std::shared_ptr<const std::string> text, Caller caller, Answer answer);

  // One command without a frame around it, as `weir.cmd.<command>` has it. `request_id` may be
  // empty. The text of `payload` must be checked JSON inside of `text`.
  void call(std::string_view command, std::shared_ptr<const std::string> text, json::View payload,
            Caller caller, std::string request_id, Reply reply);

  const CommandTable& table() const { return parts_.table; }
  const Command* find(std::string_view name) const;

 private:
  struct Batch;
  struct Run;
  void run_one(const Request& request, const std::shared_ptr<const std::string>& text,
               const std::shared_ptr<const Caller>& caller, std::string request_id,
               std::string memory_id, Reply reply);
  void run_batch(const std::shared_ptr<Batch>& batch);
  void run_of_batch(const std::shared_ptr<Batch>& batch, const std::shared_ptr<Run>& run,
                    std::size_t at);
  std::size_t end_of_run(const Frame& frame, std::size_t at) const;

  const Parts parts_;
  std::unordered_map<std::string_view, const Command*> by_name_;
  Remembered remembered_;
};

// What a transport answers when it refuses before a frame is looked at: bad credentials, too large.
Outcome refusal(std::string_view request_id, const Error& error);

}  // namespace weir::rpc

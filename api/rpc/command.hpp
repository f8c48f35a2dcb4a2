// The commands of the command API as a table that knows no transport: POST /api/v1/command, the
// WebSocket and NATS request/reply are bindings of it, all through Dispatcher.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/auth/scope.hpp"
#include "pkg/base/result.hpp"
#include "pkg/json/view.hpp"

namespace weir::rpc {

// A connection that outlives one command, such as a WebSocket: commands that subscribe push to it.
// Thread-safe.
class Session {
 public:
  virtual ~Session() = default;
  // False when the connection is gone or too slow; the frame is then not delivered.
  virtual bool push(std::string frame) = 0;
  // For what may be dropped when the client reads too slowly: it is told how many are missing.
  enum class Offered : std::uint8_t { queued, dropped, gone };
  virtual Offered offer(std::shared_ptr<const std::string> frame) = 0;
  // For what must not be lost: a frame that does not fit is not taken; come again with on_room().
  enum class Tried : std::uint8_t { queued, full, gone };
  virtual Tried try_push(std::string frame) = 0;
  // Runs once when there is room again (any thread), maybe at once.
  virtual void on_room(std::function<void()> room) = 0;
  // Runs once when the connection ends (any thread), at once when it has ended.
  virtual void on_closed(std::function<void()> closed) = 0;
};

// Who asks, and from where.
struct Caller {
  std::shared_ptr<const auth::Principal> principal = {};  // never null
  std::string address = {};
  std::shared_ptr<Session> session = {};  // null: nothing can be pushed to this caller
  // Runs what it is given once when the caller goes away before its answer; empty: not known. Only
  // the last one that was given counts.
  std::function<void(std::function<void()>)> on_closed = {};
};

// One command of one caller on its way through a handler. Cheap to copy; a copy keeps the text that
// the payload points into.
class Call {
 public:
  Call(std::shared_ptr<const std::string> text, json::View payload,
       std::shared_ptr<const Caller> caller, std::string request_id)
      : text_(std::move(text)),
        payload_(payload),
        caller_(std::move(caller)),
        request_id_(std::move(request_id)) {}

  json::View payload() const { return payload_; }  // an object
  const Caller& caller() const { return *caller_; }
  const auth::Principal& principal() const { return *caller_->principal; }
  const std::string& request_id() const { return request_id_; }

 private:
  std::shared_ptr<const std::string> text_;
  json::View payload_;
  std::shared_ptr<const Caller> caller_;
  std::string request_id_;
};

// Takes the payload of the answer (a JSON object) or the error; to be called once, from any thread.
using Reply = std::function<void(Result<std::string>)>;

struct Field {
  std::string_view name;
  std::string_view description;
  bool required = false;
};

struct Command {
  std::string_view name = {};  // "kv.set"
  auth::Scope scope = auth::Scope::admin;
  std::string_view summary = {};
  std::vector<Field> payload = {};  // what it takes; anything else is INVALID_PAYLOAD
  std::string_view answer = {};     // the members of its answer, for people
  // A repeated request id gets the first answer again for kRememberFor (dispatcher.hpp).
  bool once_per_request_id = false;
  bool needs_session = false;  // refused where nothing can be pushed
  // Its handler does not block and keeps the order of the calls: in a batch, the next such command
  // begins before this one is answered.
  bool pipelined = false;
  // May block (NATS, SQLite): dispatchers are called on threads that may.
  std::function<void(const Call&, Reply)> handler = {};
};

using CommandTable = std::vector<Command>;

}  // namespace weir::rpc

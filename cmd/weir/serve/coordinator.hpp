// Coordinator: the object graph of `weir serve`, the only place that knows every part.
//
// Lifecycle: make() -> start() -> stop(). One thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "pkg/base/result.hpp"
#include "pkg/config/serve_config.hpp"

namespace weir::cli {

class Coordinator {
 public:
  // Opens the data directory, starts the embedded NATS when there is no other, connects. Errors: of
  // the parts; each says what to do.
  // `shut_down` asks whoever runs it for stop(), from any thread.
  static Result<std::unique_ptr<Coordinator>> make(const config::ServeConfig& config,
                                                   std::function<void()> shut_down);
  ~Coordinator();

  // Serves from here on, also while NATS cannot be reached yet.
  Result<void> start();
  // What needs a replica that applies: drops the waiters of a former life, makes sure that an admin
  // key exists and is in <data_dir>/admin-key. True when done; call again until it is.
  bool finish_start();
  // Reads the certificate and the payload keys again when their files were replaced; bad ones are
  // told in the log, and those from before stay in use.
  void refresh_files();
  void reload_files();  // whether or not they were
  // Graceful: no new requests, those under way finish, everything is joined.
  void stop();

  std::string where() const;  // one line for people: where it serves, on which NATS
  std::optional<std::string> new_admin_key() const;  // made by this start, to be shown once

 private:
  struct Parts;
  bool finish_jobs();
  explicit Coordinator(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace weir::cli

// EmbeddedServer: a supervised nats-server child on loopback, for a Weir that runs without a NATS
// of its own. JetStream store, configuration, log and credentials live in <data_dir>/nats; the
// child dies with its parent and is started again, with backoff, when it dies alone.
#pragma once

#include <memory>
#include <string>

#include "pkg/base/service.hpp"
#include "pkg/nats/connection.hpp"

namespace weir::nats {

struct EmbeddedOptions {
  std::string data_dir;      // ours; the server's files go to <data_dir>/nats
  std::string program;       // path of nats-server; empty: the newest that find_server() sees
  std::string versions_dir;  // holds VERSION/nats-server; may be empty
  std::uint16_t port = 0;    // 0: a free one, kept over restarts
  bool sync_always = true;   // fsync before every acknowledgement, where the version knows it
  std::size_t max_payload = 8U << 20U;
};

struct ServerProgram {
  std::string path;
  int major = 0, minor = 0, patch = 0;
  std::string version() const;
};

// "nats-server: v2.10.27" -> 2.10.27. Error: invalid / bad_nats_version.
Result<ServerProgram> parse_version(std::string path, std::string_view output);
// The newest of `program` (alone, when given), versions_dir/*/nats-server and PATH.
// Error: not_found / nats_server_not_found.
Result<ServerProgram> find_server(const std::string& program, const std::string& versions_dir);

class EmbeddedServer : public Service {
 public:
  // Errors: not_found / nats_server_not_found; conflict / data_dir_in_use; out_of_space. Those of
  // start(): conflict / port_in_use, nats_store_in_use (the server of a killed parent does not
  // end); unavailable / nats_not_started, with the last words of its log.
  static Result<std::unique_ptr<EmbeddedServer>> make(const EmbeddedOptions& options);

  // How to connect: loopback URL and generated user and password (also in
  // <data_dir>/nats/client.json, mode 0600).
  virtual ConnectOptions connect_options() const = 0;
  virtual const ServerProgram& program() const = 0;
  virtual bool syncs_always() const = 0;
  virtual int pid() const = 0;                 // 0 while it is down
  virtual std::uint64_t restarts() const = 0;  // since start()
};

}  // namespace weir::nats

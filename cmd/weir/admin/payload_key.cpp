// `weir payload-key`: the keys that payloads are encrypted with.
#include <ctime>

#include "cmd/weir/cli/commands.hpp"
#include "cmd/weir/cli/context.hpp"
#include "cmd/weir/cli/exit_code.hpp"
#include "cmd/weir/cli/output.hpp"
#include "pkg/base/time_text.hpp"
#include "pkg/crypto/key_ring.hpp"
#include "pkg/process/host.hpp"

namespace weir::cli {
namespace {

// Of the day: 2026-11-21.
std::string default_id() {
  return format_rfc3339(SystemClock().wall()).substr(0, 10);
}

// The new line comes first: it seals from then on, the others still open.
Result<int> write_key(const std::string& path, const std::string& id, bool rotate) {
  const auto before = process::read_file(path);
  if (rotate) {
    WEIR_ASSIGN(const auto ring, crypto::KeyRing::load(path));
    if (ring.find(id) != nullptr) {
      return bad_argument("--id names a key that is in the file", id + ": give another");
    }
  } else if (!before.empty()) {
    return bad_argument("the file is there already", "weir payload-key rotate " + path);
  }
  WEIR_ASSIGN(const auto line, crypto::new_key_line(id));
  WEIR_TRY(process::write_private_file(path, line + before));
  print("key " + id + (rotate ? " is now the first of " : " made in ") + path + "\n");
  return kOk;
}

std::vector<Option> id_option() {
  return {{"id", "TEXT", "Its name, in every value it seals (default: the date)"}};
}

int generate(Args args) {
  const Usage usage{
      .command = "weir payload-key generate",
      .synopsis = "FILE",
      .summary =
          "Makes a file with one fresh key, readable by its owner only. Give it to every "
          "coordinator as payload_keys_file, and keep a copy where backups are not.",
      .options = id_option(),
      .examples = {"weir payload-key generate /etc/weir/payload.keys"}};
  return run_local(usage, args, [](const Parsed& parsed) {
    return write_key(parsed.operand(0), parsed.text("id", default_id()), false);
  });
}

int rotate(Args args) {
  const Usage usage{
      .command = "weir payload-key rotate",
      .synopsis = "FILE",
      .summary =
          "Puts a fresh key before those of the file. Coordinators read it by themselves; "
          "when they run from files of their own, first add the new key as the LAST line of "
          "each, then move it to the top.",
      .options = id_option(),
      .examples = {"weir payload-key rotate /etc/weir/payload.keys --id 2027"}};
  return run_local(usage, args, [](const Parsed& parsed) {
    return write_key(parsed.operand(0), parsed.text("id", default_id()), true);
  });
}

int list(Args args) {
  const Usage usage{.command = "weir payload-key list",
                    .synopsis = "FILE",
                    .summary = "Checks the file and shows the ids, no keys.",
                    .examples = {"weir payload-key list /etc/weir/payload.keys"}};
  return run_local(usage, args, [](const Parsed& parsed) -> Result<int> {
    WEIR_ASSIGN(const auto ring, crypto::KeyRing::load(parsed.operand(0)));
    for (const auto& key : ring.keys()) {
      print(key.id + (key.id == ring.current().id ? "  seals and opens\n" : "  opens\n"));
    }
    return kOk;
  });
}

}  // namespace

int run_payload_key(Args args) {
  return run_group("weir payload-key", "Keys for payloads at rest: no server is asked.",
                   {{"generate", "Make a file with a key", generate},
                    {"rotate", "Put a fresh key first", rotate},
                    {"list", "The ids in a file", list}},
                   args);
}

}  // namespace weir::cli

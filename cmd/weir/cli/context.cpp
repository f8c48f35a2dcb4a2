#include "cmd/weir/cli/context.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "pkg/config/loader.hpp"

namespace weir::cli {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string first_line(std::string text) {
  text.erase(std::min(text.find_first_of("\r\n"), text.size()));
  return text;
}

bool on_loopback(const std::string& server) {
  const auto start = server.find("://");
  if (start == std::string::npos) return false;
  auto host = server.substr(start + 3);
  if (const auto address = config::parse_address(host)) host = address->host;
  return config::is_loopback(host);
}

// The key of a server of this user on this machine; empty when there is none.
std::string local_admin_key(const Parsed& parsed) {
  std::string folder = parsed.text("data-dir");
  if (folder.empty()) folder = environment("WEIR_DATA_DIR");
  if (folder.empty()) folder = "./weir-data";
  const std::string path = folder + "/admin-key";
  if (::access(path.c_str(), R_OK) != 0) return {};
  auto content = config::load_file(path);
  return content ? first_line(std::move(*content)) : "";
}

int fail(const Error& error) {
  print_error(error);
  return exit_code(error.code);
}

}  // namespace

std::vector<Option> with_common(std::vector<Option> own) {
  own.insert(own.end(),
             {{"server", "URL",
               "Server, or several with commas (WEIR_URL; default http://127.0.0.1:7080)"},
              {"key-file", "FILE", "File with the API key (default: WEIR_API_KEY)"},
              {"ca", "FILE", "PEM authorities to check an https server with (WEIR_CA)"},
              {"client-cert", "FILE", "PEM certificate for a server that asks (WEIR_CLIENT_CERT)"},
              {"client-key", "FILE", "PEM key of --client-cert (WEIR_CLIENT_KEY)"},
              {"data-dir", "DIR", "Where a local server keeps its admin key (default ./weir-data)"},
              {"retry-for", "TIME", "How long to try again when the server is away (default 5s)"},
              {"json", "", "Print JSON for programs"}});
  return own;
}

Result<Client::Options> client_options(const Parsed& parsed) {
  Client::Options options;
  if (const auto url = environment("WEIR_URL"); !url.empty()) options.server = url;
  options.server = parsed.text("server", options.server);
  options.ca_file = parsed.text("ca", environment("WEIR_CA"));
  options.cert_file = parsed.text("client-cert", environment("WEIR_CLIENT_CERT"));
  options.cert_key_file = parsed.text("client-key", environment("WEIR_CLIENT_KEY"));
  if (options.cert_file.empty() != options.cert_key_file.empty()) {
    return bad_argument("--client-cert and --client-key go together");
  }
  WEIR_ASSIGN(options.retry_for, parsed.duration("retry-for", options.retry_for));
  if (parsed.has("key-file")) {
    WEIR_ASSIGN(auto content, config::load_file(parsed.text("key-file")));
    options.key = first_line(std::move(content));
    if (options.key.empty()) return bad_argument("--key-file: its first line is empty");
  } else if (const auto key = environment("WEIR_API_KEY"); !key.empty()) {
    options.key = key;
  } else if (std::ranges::all_of(split_servers(options.server), on_loopback)) {
    options.key = local_admin_key(parsed);
  }
  return options;
}

Result<Context> Context::make(const Parsed& parsed) {
  Context out;
  WEIR_ASSIGN(auto options, client_options(parsed));
  WEIR_ASSIGN(out.client_, Client::make(std::move(options)));
  out.json_ = parsed.has("json");
  out.colours_ = colours_on();
  return out;
}

Result<Json> Context::ask(const Call& call) {
  WEIR_ASSIGN(const auto answer, client_->call(call));
  if (answer.body.empty()) return Json::object();
  auto body = Json::parse(answer.body, nullptr, false);
  if (body.is_discarded()) {
    return Error{Code::internal, "bad_answer", client_->server() + " did not answer with JSON",
                 "is it a Weir server?"};
  }
  return body;
}

int Context::show(const Json& answer, const std::string& text) const {
  print(json_ ? pretty(answer) : text);
  return kOk;
}

int run_local(const Usage& usage, Args args,
              const std::function<Result<int>(const Parsed&)>& body) {
  const auto parsed = parse(usage, args);
  if (!parsed) return fail(parsed.error());
  if (parsed->has("help")) {
    print(help_text(usage));
    return kOk;
  }
  const auto result = body(*parsed);
  return result ? *result : fail(result.error());
}

int run_with_server(const Usage& usage, Args args,
                    const std::function<Result<int>(const Parsed&, Context&)>& body) {
  Usage whole = usage;
  whole.options = with_common(std::move(whole.options));
  return run_local(whole, args, [&](const Parsed& parsed) -> Result<int> {
    WEIR_ASSIGN(auto context, Context::make(parsed));
    return body(parsed, context);
  });
}

std::string command_list(const std::vector<Command>& commands) {
  std::size_t width = 0;
  for (const auto& command : commands) width = std::max(width, command.name.size());
  std::string out;
  for (const auto& command : commands) {
    out.append("  ").append(command.name).append(width + 2 - command.name.size(), ' ');
    out.append(command.summary).append("\n");
  }
  return out;
}

int dispatch(const std::string& program, const std::vector<Command>& commands, Args args) {
  const auto found = std::ranges::find(commands, args.front(), &Command::name);
  if (found != commands.end()) return found->run(args.subspan(1));
  std::vector<std::string> names;
  for (const auto& command : commands) names.push_back(command.name);
  const auto near = nearest(args.front(), names);
  return fail(bad_argument(
      "unknown command \"" + program + " " + printable(args.front()) + "\"",
      near ? "did you mean `" + program + " " + *near + "`?" : "try `" + program + " --help`"));
}

int run_group(const std::string& name, const std::string& summary,
              const std::vector<Command>& commands, Args args) {
  const bool help = !args.empty() && (args.front() == "--help" || args.front() == "-h");
  if (help || args.empty()) {
    const auto text = summary + "\n\nUsage: " + name + " COMMAND [options]\n\nCommands:\n" +
                      command_list(commands) + "\nExample:\n  " + name + " " +
                      commands.front().name + " --help\n";
    if (help) {
      print(text);
      return kOk;
    }
    std::fwrite(text.data(), 1, text.size(), stderr);
    return kUsage;
  }
  return dispatch(name, commands, args);
}

}  // namespace weir::cli
